// SPDX-License-Identifier: Apache-2.0
#include "cli/parts/work_plan.h"

#include "cli/encode_plan.h"
#include "cli/failures.h"
#include "cli/output.h"
#include "formats/json.h"
#include "formats/sha256.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr const char* kPlanFormat = "dcf plan";
constexpr uint64_t kPlanVersion = 0;
constexpr uint64_t kMaxRanges = 100'000;  // of a tensor

OrderedJson to_json(const std::vector<FileRange>& ranges) {
  OrderedJson list = OrderedJson::array();
  for (const FileRange& range : ranges) list.push_back({range.file, range.offset, range.bytes});
  return list;
}

OrderedJson to_json(const dcf_encode_options& o) {
  OrderedJson out;
  out["sparsity"] = o.sparsity;
  out["bits"] = o.bits;
  out["init"] = dcf_init_name(o.init);
  out["seed"] = o.seed;
  out["positions"] = o.positions == DCF_POSITIONS_AUTO ? "auto" : dcf_positions_name(o.positions);
  out["gap_bits"] = o.gap_bits;
  out["canonical_zeros"] = o.canonical_zeros != 0;
  out["fill_clusters"] = o.fill_clusters != 0;
  out["effort"] = dcf_effort_name(o.effort);
  out["sqnr_db"] = o.sqnr_db;
  out["source_fidelity"] = static_cast<uint32_t>(o.source_fidelity);
  out["source_error_bound"] = o.source_error_bound;
  return out;
}

OrderedJson to_json(const PlannedTensor& tensor) {
  OrderedJson out;
  out["name"] = tensor.name;
  out["bytes"] = tensor.bytes;
  out["encoding"] = tensor.encoding;
  if (tensor.range_bytes != 0) out["range_bytes"] = tensor.range_bytes;
  if (tensor.may_be_alias) out["may_be_alias"] = true;
  if (!tensor.alias_of.empty()) out["alias_of"] = tensor.alias_of;
  if (!tensor.measured.empty()) out["measured"] = hex_text(tensor.measured);
  return out;
}

// Reads the members of one JSON object of a plan; every member throws Error.
class Reader {
 public:
  Reader(const std::string& path, const nlohmann::json& object, std::string what)
      : path_(path), object_(object), what_(std::move(what)) {
    if (!object.is_object()) throw_invalid(path, what_ + " is not a JSON object");
  }

  bool has(const char* key) const { return object_.contains(key); }
  const nlohmann::json& member(const char* key) const {
    return json_member(path_, object_, key, what_);
  }
  uint64_t number(const char* key, uint64_t most = UINT64_MAX) const {
    const uint64_t value = json_u64(path_, member(key), name(key));
    if (value > most) fail(key, "is too large");
    return value;
  }
  uint64_t number_or(const char* key, uint64_t otherwise) const {
    return has(key) ? number(key) : otherwise;
  }
  double real(const char* key) const {
    const nlohmann::json& value = member(key);
    if (!value.is_number()) fail(key, "is not a number");
    return value.get<double>();
  }
  bool truth(const char* key) const {
    const nlohmann::json& value = member(key);
    if (!value.is_boolean()) fail(key, "is not true or false");
    return value.get<bool>();
  }
  const std::string& text(const char* key) const {
    return json_string(path_, member(key), name(key));
  }
  const nlohmann::json& list(const char* key) const {
    const nlohmann::json& value = member(key);
    if (!value.is_array()) fail(key, "is not an array");
    return value;
  }
  std::vector<uint8_t> bytes(const char* key) const {
    auto value = bytes_of_hex(text(key));
    if (!value) fail(key, "is not hexadecimal");
    return std::move(*value);
  }
  template <typename T>
  T named(const char* key, const std::vector<std::pair<std::string, T>>& names) const {
    for (const auto& [spelling, value] : names) {
      if (spelling == text(key)) return value;
    }
    fail(key, "has an unknown value");
  }
  std::vector<FileRange> ranges(const char* key, const std::vector<PlannedFile>& files) const {
    std::vector<FileRange> result;
    for (const nlohmann::json& entry : list(key)) {
      if (!entry.is_array() || entry.size() != 3) fail(key, "is not a list of ranges");
      uint64_t numbers[3];
      for (size_t i = 0; i < 3; ++i) numbers[i] = json_u64(path_, entry[i], name(key));
      const FileRange range{numbers[0], numbers[1], numbers[2]};
      if (range.file >= files.size() || range.offset > files[range.file].bytes ||
          range.bytes > files[range.file].bytes - range.offset) {
        fail(key, "has a range outside its file");
      }
      result.push_back(range);
    }
    return result;
  }
  [[noreturn]] void fail(const char* key, const std::string& sentence) const {
    throw_invalid(path_, name(key) + " " + sentence);
  }

 private:
  std::string name(const char* key) const { return what_ + ": " + quote(key); }

  const std::string& path_;
  const nlohmann::json& object_;
  const std::string what_;
};

dcf_encode_options read_encoding(const Reader& in) {
  dcf_encode_options o;
  dcf_encode_options_init(&o);
  o.sparsity = in.real("sparsity");
  o.bits = static_cast<uint32_t>(in.number("bits", UINT32_MAX));
  o.init = in.named("init", kInitNames);
  o.seed = in.number("seed");
  o.positions = in.named("positions", kPositionsNames);
  o.gap_bits = static_cast<uint32_t>(in.number("gap_bits", UINT32_MAX));
  o.canonical_zeros = in.truth("canonical_zeros") ? 1 : 0;
  o.fill_clusters = in.truth("fill_clusters") ? 1 : 0;
  o.effort = in.named("effort", kEffortNames);
  o.sqnr_db = in.real("sqnr_db");
  o.source_fidelity = static_cast<dcf_fidelity>(in.number("source_fidelity", DCF_FIDELITY_LOSSY));
  o.source_error_bound = in.real("source_error_bound");
  return o;
}

PlannedTensor read_tensor(const Reader& in, size_t encodings) {
  PlannedTensor tensor;
  tensor.name = in.text("name");
  tensor.bytes = in.number("bytes");
  tensor.encoding = in.number("encoding");
  if (tensor.encoding >= encodings) in.fail("encoding", "does not exist");
  tensor.range_bytes = in.number_or("range_bytes", 0);
  if (tensor.range_bytes % kRangeUnit != 0 ||
      (tensor.range_bytes != 0 && tensor.bytes / tensor.range_bytes > kMaxRanges)) {
    in.fail("range_bytes", "is no size of a range");
  }
  tensor.may_be_alias = in.has("may_be_alias") && in.truth("may_be_alias");
  if (in.has("alias_of")) tensor.alias_of = in.text("alias_of");
  if (in.has("measured")) tensor.measured = in.bytes("measured");
  return tensor;
}

PlannedFile read_file(const Reader& in) {
  PlannedFile file{.name = in.text("name"), .bytes = in.number("bytes"), .sha256 = {}};
  if (!in.has("sha256")) return file;
  const std::vector<uint8_t> bytes = in.bytes("sha256");
  file.sha256.emplace();
  if (bytes.size() != file.sha256->size()) in.fail("sha256", "has another length");
  std::copy(bytes.begin(), bytes.end(), file.sha256->begin());
  return file;
}

WorkItem read_item(const Reader& in, const std::string& path, const WorkPlan& plan) {
  WorkItem item;
  for (const nlohmann::json& entry : in.list("tensors")) {
    const uint64_t tensor = json_u64(path, entry, "a tensor of an item");
    if (tensor >= plan.tensors.size()) in.fail("tensors", "has one that does not exist");
    item.tensors.push_back(tensor);
  }
  item.first = in.number_or("first", 0);
  item.elements = in.number_or("elements", 0);
  if (item.is_range() && item.tensors.size() != 1) in.fail("tensors", "is not the one of a range");
  item.bytes = in.number("bytes");
  item.peak_memory = in.number("peak_memory");
  item.reads = in.ranges("reads", plan.files);
  return item;
}

StatsTask read_task(const Reader& in, const WorkPlan& plan, size_t items) {
  StatsTask task;
  if (in.has("file")) task.file = in.number("file");
  if (in.has("item")) task.item = in.number("item");
  if (in.has("file") ? in.has("item") || task.file >= plan.files.size() : task.item >= items) {
    in.fail("item", "does not exist");
  }
  task.bytes = in.number("bytes");
  task.peak_memory = in.number("peak_memory");
  task.reads = in.ranges("reads", plan.files);
  return task;
}

// Ranges lie in their tensors and consist of whole elements; every other number of an item only
// describes it.
void check_ranges(const WorkPlan& plan, const ModelSource& source) {
  const auto width_of = [&](size_t i) -> uint64_t {
    const uint32_t bits = source.tensors()[i].bits;
    return bits % 8 == 0 && kRangeUnit % (bits / 8) == 0 ? bits / 8 : 0;
  };
  for (size_t i = 0; i < plan.tensors.size(); ++i) {
    if (plan.tensors[i].range_bytes != 0 && width_of(i) == 0) {
      throw_invalid(source.path(), "has a tensor that cannot be cut as the plan has it: " +
                                       quote(plan.tensors[i].name));
    }
  }
  for (size_t k = 0; k < plan.items.size(); ++k) {
    const WorkItem& item = plan.items[k];
    if (!item.is_range()) continue;
    const PlannedTensor& tensor = plan.tensors[item.tensors[0]];
    const uint64_t width = width_of(item.tensors[0]);
    uint64_t begin = 0;
    uint64_t bytes = 0;
    if (tensor.range_bytes == 0 || __builtin_mul_overflow(item.first, width, &begin) ||
        __builtin_mul_overflow(item.elements, width, &bytes) || begin > tensor.bytes ||
        bytes > tensor.bytes - begin || bytes != item.bytes) {
      throw_invalid(source.path(), "lacks the range of item " + std::to_string(k) + " of the plan");
    }
  }
}

}  // namespace

std::string fingerprint_of(const ModelSource& source) {
  Sha256Hash hash;
  const auto add = [&](std::string_view text) {
    const std::string line = std::to_string(text.size()) + ":" + std::string(text);
    hash.update({reinterpret_cast<const uint8_t*>(line.data()), line.size()});
  };
  const auto add_number = [&](uint64_t number) { add(std::to_string(number)); };
  add(source.format());
  for (const TensorMeta& tensor : source.tensors()) {
    add(tensor.name);
    add_number(tensor.dtype);
    add_number(tensor.bits);
    add(tensor.opaque_name);
    add_number(tensor.dims.size());
    for (const uint64_t dim : tensor.dims) add_number(dim);
  }
  for (const auto& [key, value] : source.metadata()) {
    add(key);
    add(value);
  }
  if (const FileLayout* const layout = source.layout()) {
    const std::vector<uint8_t> encoded = layout->encoded();
    hash.update(encoded);
  }
  return hex_text(hash.digest());
}

std::string options_key(const dcf_encode_options& options) {
  return to_json(options).dump();
}

std::string plan_text(const WorkPlan& plan) {
  OrderedJson out;
  out["format"] = kPlanFormat;
  out["version"] = kPlanVersion;
  out["source"] = plan.source;
  out["fingerprint"] = plan.fingerprint;
  out["dequantize"] = plan.dequantize;
  out["exact_file"] = plan.exact_file;
  out["lossy"] = plan.lossy;
  out["settled"] = plan.settled;
  out["max_memory"] = plan.max_memory;
  out["threads"] = plan.threads;
  out["item_bytes"] = plan.item_bytes;
  out["encode_speed"] = plan.encode_speed;
  out["stats_speed"] = plan.stats_speed;
  for (const char* const key : {"encodings", "files", "opens", "tensors", "stats", "items"}) {
    out[key] = OrderedJson::array();
  }
  for (const dcf_encode_options& o : plan.encodings) out["encodings"].push_back(to_json(o));
  for (const PlannedFile& file : plan.files) {
    OrderedJson entry{{"name", file.name}, {"bytes", file.bytes}};
    if (file.sha256) entry["sha256"] = hex_text(*file.sha256);
    out["files"].push_back(std::move(entry));
  }
  out["opens"] = to_json(plan.opens);
  for (const PlannedTensor& tensor : plan.tensors) out["tensors"].push_back(to_json(tensor));
  for (const StatsTask& task : plan.tasks) {
    OrderedJson entry;
    if (task.file != StatsTask::kNone) entry["file"] = task.file;
    if (task.item != StatsTask::kNone) entry["item"] = task.item;
    entry["bytes"] = task.bytes;
    entry["peak_memory"] = task.peak_memory;
    entry["reads"] = to_json(task.reads);
    out["stats"].push_back(std::move(entry));
  }
  for (const WorkItem& item : plan.items) {
    OrderedJson entry{{"tensors", item.tensors}};
    if (item.is_range()) {
      entry["first"] = item.first;
      entry["elements"] = item.elements;
    }
    entry["bytes"] = item.bytes;
    entry["peak_memory"] = item.peak_memory;
    entry["reads"] = to_json(item.reads);
    out["items"].push_back(std::move(entry));
  }
  return dump_json(out) + "\n";
}

WorkPlan read_plan(const std::string& path) {
  const InputFile file(path);
  JsonDocument document;
  parse_json_file(file, &document);
  const Reader in(path, document.root(), "the plan");
  if (!in.has("format") || in.text("format") != kPlanFormat) {
    throw_invalid(path, "is not a plan, as dcf plan writes it");
  }
  if (in.number("version") != kPlanVersion) {
    throw_failure(path, "is a plan of a version that is not supported");
  }
  WorkPlan plan;
  plan.source = in.text("source");
  plan.fingerprint = in.text("fingerprint");
  plan.dequantize = in.truth("dequantize");
  plan.exact_file = in.truth("exact_file");
  plan.lossy = in.truth("lossy");
  plan.settled = in.truth("settled");
  plan.max_memory = in.number("max_memory");
  plan.threads = static_cast<uint32_t>(in.number("threads", 1024));
  plan.item_bytes = in.number("item_bytes");
  plan.encode_speed = in.number("encode_speed");
  plan.stats_speed = in.number("stats_speed");
  const auto each = [&](const char* key, const std::string& what, auto use) {
    size_t number = 0;
    for (const nlohmann::json& entry : in.list(key)) {
      use(Reader(path, entry, what + " " + std::to_string(number++)));
    }
  };
  each("encodings", "encoding",
       [&](const Reader& r) { plan.encodings.push_back(read_encoding(r)); });
  each("files", "file", [&](const Reader& r) { plan.files.push_back(read_file(r)); });
  each("tensors", "tensor",
       [&](const Reader& r) { plan.tensors.push_back(read_tensor(r, plan.encodings.size())); });
  plan.opens = in.ranges("opens", plan.files);
  const size_t items = in.list("items").size();
  each("stats", "task", [&](const Reader& r) { plan.tasks.push_back(read_task(r, plan, items)); });
  each("items", "item", [&](const Reader& r) { plan.items.push_back(read_item(r, path, plan)); });
  if (plan.settled && plan.exact_file) {
    for (const PlannedFile& one : plan.files) {
      if (!one.sha256) throw_invalid(path, "lacks the digest of file " + quote(one.name));
    }
  }
  return plan;
}

std::unique_ptr<ModelSource> open_planned(const WorkPlan& plan, const std::string& path) {
  OpenHints hints;
  hints.max_memory = plan.max_memory;
  hints.threads = plan.threads;
  hints.dequantize = plan.dequantize;
  auto source = open_model(path.empty() ? plan.source : path, hints);
  if (fingerprint_of(*source) != plan.fingerprint) {
    throw_failure(source->path(), "is not the model that the plan was made for");
  }
  // The fingerprint tells it; a plan that was edited is caught here.
  if (source->tensors().size() != plan.tensors.size()) {
    throw_failure(source->path(), "has another number of tensors than the plan");
  }
  for (size_t i = 0; i < plan.tensors.size(); ++i) {
    if (source->tensors()[i].name != plan.tensors[i].name ||
        source->tensors()[i].bytes() != plan.tensors[i].bytes) {
      throw_failure(source->path(), "has another tensor " + std::to_string(i) + " than the plan");
    }
  }
  const size_t files = source->layout() == nullptr ? 0 : source->layout()->files();
  if (files != plan.files.size()) {
    throw_failure(source->path(), "has another number of files than the plan");
  }
  check_ranges(plan, *source);
  return source;
}

size_t checked_number(const std::string& what, uint64_t number, size_t count) {
  if (number >= count) {
    throw UsageError("there is no " + what + " " + std::to_string(number) + ": the plan has " +
                     std::to_string(count) + ", from 0");
  }
  return static_cast<size_t>(number);
}

}  // namespace dcf::tools
