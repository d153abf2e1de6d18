// SPDX-License-Identifier: Apache-2.0
#include "cli/parts/part_writer.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "cli/coding_progress.h"
#include "cli/dcf_output.h"
#include "cli/failures.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/write_dcf.h"
#include "formats/folder_files.h"
#include "formats/input_file.h"
#include "formats/sha256.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr const char* kPlanKey = "dcf.plan";
constexpr const char* kItemKey = "dcf.item";

// Of all that decides the parts of a plan.
std::string identity_of(const WorkPlan& plan) {
  WorkPlan same = plan;  // but for what may differ between two processes of one plan
  same.source.clear();
  same.encode_speed = same.stats_speed = 0;
  same.threads = 0;
  const std::string text = plan_text(same);
  Sha256Hash hash;
  hash.update({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  return hex_text(hash.digest());
}

std::vector<uint8_t> read_bytes(const ModelSource& source, size_t tensor, uint64_t offset,
                                uint64_t bytes, const MemoryLimit& limit) {
  std::vector<uint8_t> data = limit.buffer(
      source.path(), "a range of tensor " + quote(source.tensors()[tensor].name), bytes);
  source.open_tensor_at(tensor, offset)->read(data);
  return data;
}

void require_settled(const WorkPlan& plan) {
  if (plan.settled) return;
  throw UsageError("the plan is not settled: run dcf stats --item for each of its " +
                   std::to_string(plan.tasks.size()) + " statistics, then dcf stats --settle");
}

void add_range(const WorkPlan& plan, const ModelSource& source, const WorkItem& item,
               const MemoryLimit& limit, DcfWriter* writer) {
  const size_t i = item.tensors[0];
  const TensorMeta& meta = source.tensors()[i];
  const uint64_t width = meta.bits / 8;
  RangeStats stats(source.path(), meta, plan.options_of(i));
  stats.merge(plan.tensors[i].measured);
  writer->add_range(meta, stats, item.first,
                    read_bytes(source, i, item.first * width, item.bytes, limit),
                    plan.options_of(i));
}

}  // namespace

void write_part(const WorkPlan& plan, const ModelSource& source, size_t item,
                const OutputOptions& output, const CommonOptions& common) {
  require_settled(plan);
  const WorkItem& work = plan.items[item];
  const MemoryLimit limit(plan.max_memory);
  dcf_writer_options options = writer_options_of(common);
  options.part = 1;
  CodingProgress coding;
  options.progress = CodingProgress::coded;
  options.progress_ctx = &coding;
  DcfOutput out(output, options);
  coding.start("compressing", work.bytes, common.progress());
  if (work.is_range()) {
    throw_if_interrupted();
    add_range(plan, source, work, limit, out.writer());
    coding.read(work.bytes);
  } else {
    for (const size_t i : work.tensors) {
      add_tensor(source, i, plan.options_of(i), limit, out.writer(),
                 [&](uint64_t bytes) { coding.read(bytes); });
    }
  }
  coding.stop();
  out.writer()->add_metadata(kPlanKey, identity_of(plan));
  out.writer()->add_metadata(kItemKey, std::to_string(item));
  throw_if_interrupted();
  out.finish();
}

std::vector<std::string> find_parts(const WorkPlan& plan, const std::string& folder,
                                    const OpenHints& hints) {
  require_settled(plan);
  const std::string identity = identity_of(plan);
  std::vector<std::string> parts(plan.items.size());
  std::map<std::string, size_t> items;  // by the text of the number
  for (size_t i = 0; i < parts.size(); ++i) items.emplace(std::to_string(i), i);
  std::vector<std::string> names;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    if (entry.path().extension() == ".dcf") names.push_back(entry.path().string());
  }
  if (failed) throw_failure(folder, "cannot be read: " + failed.message());
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const std::map<std::string, std::string> metadata = DcfFile(name, hints).metadata();
    const auto of_plan = metadata.find(kPlanKey);
    const auto number = metadata.find(kItemKey);
    if (of_plan == metadata.end() || number == metadata.end()) {
      throw_invalid(name, "is no part, as dcf compress --item writes it");
    }
    if (of_plan->second != identity) throw_failure(name, "is a part of another plan");
    const auto item = items.find(number->second);
    if (item == items.end()) throw_invalid(name, "is a part of an item that the plan lacks");
    if (parts[item->second].empty()) parts[item->second] = name;
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].empty()) continue;
    throw_failure(folder,
                  "has no part of item " + std::to_string(i) + ": run dcf compress --item for it");
  }
  return parts;
}

void merge_parts(const WorkPlan& plan, const ModelSource& source,
                 const std::vector<std::string>& parts, const OutputOptions& output,
                 const CommonOptions& common) {
  DcfOutput out(output, writer_options_of(common));
  uint64_t total = 0;
  for (const std::string& part : parts) total += InputFile(part).size();
  {
    Progress progress("reading the parts", total, common.progress());
    uint64_t done = 0;
    for (const std::string& part : parts) {
      throw_if_interrupted();
      const DcfFile file(part, common.hints());
      out.writer()->add_part(file);
      progress.update(done += file.info().file_bytes);
    }
  }
  for (size_t i = 0; i < plan.tensors.size(); ++i) {
    const std::string& target = plan.tensors[i].alias_of;
    if (!target.empty()) out.writer()->add_alias(source.tensors()[i], target);
  }
  add_metadata(source, plan.lossy, out.writer());
  if (plan.exact_file) {
    std::vector<Sha256> digests;
    digests.reserve(plan.files.size());
    for (const PlannedFile& file : plan.files) digests.push_back(file.sha256.value_or(Sha256{}));
    add_original_files(source, digests, common, out.writer());
  }
  Progress progress("writing the file", total, common.progress());
  out.finish([&](uint64_t bytes) {
    throw_if_interrupted();
    progress.update(std::min(bytes, total));
  });
}

}  // namespace dcf::tools
