// SPDX-License-Identifier: Apache-2.0
#include "cli/parts/stats_task.h"

#include <algorithm>
#include <map>
#include <memory>

#include "cli/output.h"
#include "cli/parts/tensor_places.h"
#include "formats/json.h"
#include "formats/range_stats.h"
#include "formats/sha256.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr const char* kStatsFormat = "dcf stats";
constexpr uint64_t kMeterBytes = uint64_t{1} << 20;

// Measures one tensor, whose bytes come in order from the start of a range.
class TensorMeter {
 public:
  TensorMeter(const WorkPlan& plan, const ModelSource& source, size_t tensor, uint64_t range,
              std::vector<MeasuredRange>* out)
      : plan_(plan), source_(source), tensor_(tensor), range_(range), out_(*out) {
    begin();
  }

  void add(std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
      if (left_ == 0) {
        ++range_;
        begin();
      }
      const auto piece = bytes.first(static_cast<size_t>(std::min<uint64_t>(left_, bytes.size())));
      hash_.update(piece);
      if (stats_) count(piece);
      bytes = bytes.subspan(piece.size());
      left_ -= piece.size();
      if (left_ == 0) end();
    }
  }

 private:
  const PlannedTensor& planned() const { return plan_.tensors[tensor_]; }

  void begin() {
    const uint64_t unit = planned().range_bytes;
    left_ = unit == 0 ? planned().bytes : std::min(unit, planned().bytes - range_ * unit);
    if (unit == 0) return;
    stats_ = std::make_unique<RangeStats>(source_.path(), source_.tensors()[tensor_],
                                          plan_.options_of(tensor_));
  }

  // Elements that two pieces share wait for the second one.
  void count(std::span<const uint8_t> piece) {
    const size_t width = source_.tensors()[tensor_].bits / 8;
    if (!split_.empty()) {
      const auto head = piece.first(std::min(width - split_.size(), piece.size()));
      split_.insert(split_.end(), head.begin(), head.end());
      piece = piece.subspan(head.size());
      if (split_.size() < width) return;
      stats_->add(split_);
      split_.clear();
    }
    const size_t whole = piece.size() / width * width;
    stats_->add(piece.first(whole));
    split_.assign(piece.begin() + static_cast<ptrdiff_t>(whole), piece.end());
  }

  void end() {
    MeasuredRange& range = out_.emplace_back();
    range.tensor = tensor_;
    range.range = range_;
    range.sha256 = hash_.digest();
    if (stats_) range.stats = stats_->save();
    stats_.reset();
  }

  const WorkPlan& plan_;
  const ModelSource& source_;
  const size_t tensor_;
  uint64_t range_;
  std::vector<MeasuredRange>& out_;
  uint64_t left_ = 0;  // bytes of the range
  Sha256Hash hash_;
  std::unique_ptr<RangeStats> stats_;
  std::vector<uint8_t> split_;
};

bool is_measured(const PlannedTensor& tensor) {
  return tensor.may_be_alias || tensor.range_bytes != 0;
}

void measure_file(const WorkPlan& plan, const ModelSource& source, size_t file,
                  const std::function<void(uint64_t)>& see, MeasuredTask* out) {
  const TensorPlaces places(source);
  const std::vector<uint8_t> encoded = source.layout()->encoded();
  LayoutReader reader(source.path(), encoded);
  LayoutFile description;
  Segment segment;
  for (size_t f = 0; reader.next_file(&description) && f < file; ++f) {
    while (reader.next_segment(&segment)) {
    }
  }
  Sha256Hash hash;
  source.with_file(file, [&](const InputFile& input) {
    if (input.size() != description.bytes) throw_invalid(input.path(), "has changed its size");
    std::vector<uint8_t> buffer(static_cast<size_t>(std::min(kMeterBytes, description.bytes)));
    uint64_t at = 0;
    while (reader.next_segment(&segment)) {
      std::optional<TensorMeter> meter;
      if (segment.kind == Segment::Kind::kTensor) {
        const auto tensor = static_cast<size_t>(segment.parts[0].tensor);
        if (is_measured(plan.tensors[tensor]) && places.only_file(tensor) == file) {
          meter.emplace(plan, source, tensor, 0, &out->ranges);
        }
      }
      for (uint64_t left = segment.bytes; left > 0;) {
        const auto piece =
            std::span(buffer).first(static_cast<size_t>(std::min<uint64_t>(left, buffer.size())));
        input.read_at(at, piece);
        hash.update(piece);
        if (meter) meter->add(piece);
        at += piece.size();
        left -= piece.size();
        see(piece.size());
      }
    }
  });
  out->file_sha256 = hash.digest();
}

void measure_item(const WorkPlan& plan, const ModelSource& source, const WorkItem& item,
                  const std::function<void(uint64_t)>& see, MeasuredTask* out) {
  const TensorPlaces places(source);
  for (const size_t i : item.tensors) {
    const PlannedTensor& planned = plan.tensors[i];
    if (!is_measured(planned) || (plan.exact_file && places.only_file(i) != StatsTask::kNone)) {
      continue;
    }
    const uint64_t width = source.tensors()[i].bits / 8;
    const uint64_t begin = item.first * width;
    TensorMeter meter(plan, source, i, item.is_range() ? begin / planned.range_bytes : 0,
                      &out->ranges);
    const auto reader = source.open_tensor_at(i, begin);
    std::vector<uint8_t> buffer;
    for (uint64_t left = item.is_range() ? item.bytes : planned.bytes; left > 0;) {
      buffer.resize(static_cast<size_t>(std::min(left, kMeterBytes)));
      reader->read(buffer);
      meter.add(buffer);
      left -= buffer.size();
      see(buffer.size());
    }
  }
}

Sha256 digest_of(const std::string& path, const nlohmann::json& value) {
  const auto bytes = bytes_of_hex(json_string(path, value, "a digest"));
  Sha256 digest{};
  if (!bytes || bytes->size() != digest.size()) throw_invalid(path, "has a damaged digest");
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

}  // namespace

MeasuredTask run_task(const WorkPlan& plan, const ModelSource& source, size_t task,
                      const std::function<void(uint64_t)>& see) {
  MeasuredTask result;
  result.task = task;
  const StatsTask& work = plan.tasks[task];
  if (work.file != StatsTask::kNone) {
    measure_file(plan, source, work.file, see, &result);
  } else {
    measure_item(plan, source, plan.items[work.item], see, &result);
  }
  return result;
}

std::string task_text(const WorkPlan& plan, const MeasuredTask& measured) {
  OrderedJson out;
  out["format"] = kStatsFormat;
  out["fingerprint"] = plan.fingerprint;
  out["task"] = measured.task;
  if (measured.file_sha256) out["file_sha256"] = hex_text(*measured.file_sha256);
  out["ranges"] = OrderedJson::array();
  for (const MeasuredRange& range : measured.ranges) {
    OrderedJson entry{{"tensor", range.tensor}, {"range", range.range}};
    entry["sha256"] = hex_text(range.sha256);
    if (!range.stats.empty()) entry["stats"] = hex_text(range.stats);
    out["ranges"].push_back(std::move(entry));
  }
  return dump_json(out) + "\n";
}

MeasuredTask read_task_result(const WorkPlan& plan, const std::string& path) {
  const InputFile file(path);
  JsonDocument document;
  parse_json_file(file, &document);
  const nlohmann::json& root = document.root();
  const auto member = [&](const nlohmann::json& object, const char* key) -> const nlohmann::json& {
    return json_member(path, object, key, "the statistics");
  };
  if (!root.is_object() || !root.contains("format") || root["format"] != kStatsFormat) {
    throw_invalid(path, "is no result of dcf stats --item");
  }
  if (json_string(path, member(root, "fingerprint"), "fingerprint") != plan.fingerprint) {
    throw_failure(path, "is a result for another plan");
  }
  MeasuredTask result;
  result.task = json_u64(path, member(root, "task"), "task");
  if (result.task >= plan.tasks.size()) throw_failure(path, "is a result for another plan");
  if (root.contains("file_sha256")) result.file_sha256 = digest_of(path, root["file_sha256"]);
  const nlohmann::json& ranges = member(root, "ranges");
  if (!ranges.is_array()) throw_invalid(path, "'ranges' is not an array");
  for (const nlohmann::json& entry : ranges) {
    MeasuredRange& range = result.ranges.emplace_back();
    range.tensor = json_u64(path, member(entry, "tensor"), "tensor");
    range.range = json_u64(path, member(entry, "range"), "range");
    if (range.tensor >= plan.tensors.size())
      throw_invalid(path, "has a tensor that does not exist");
    range.sha256 = digest_of(path, member(entry, "sha256"));
    if (!entry.contains("stats")) continue;
    auto bytes = bytes_of_hex(json_string(path, entry["stats"], "stats"));
    if (!bytes) throw_invalid(path, "'stats' is not hexadecimal");
    range.stats = std::move(*bytes);
  }
  return result;
}

}  // namespace dcf::tools
