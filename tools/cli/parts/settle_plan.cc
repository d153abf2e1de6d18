// SPDX-License-Identifier: Apache-2.0
#include "cli/parts/settle_plan.h"

#include <algorithm>
#include <map>
#include <utility>

#include "cli/failures.h"
#include "cli/parts/plan_maker.h"
#include "formats/range_stats.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

// What was found of each tensor, by range.
using Found = std::map<size_t, std::map<uint64_t, const MeasuredRange*>>;

uint64_t ranges_of(const PlannedTensor& tensor) {
  if (tensor.range_bytes == 0) return 1;
  return (tensor.bytes + tensor.range_bytes - 1) / tensor.range_bytes;
}

void require_all(const std::vector<MeasuredTask>& results, const WorkPlan& plan) {
  std::vector<bool> seen(plan.tasks.size());
  for (const MeasuredTask& result : results) seen[result.task] = true;
  const auto missing = std::find(seen.begin(), seen.end(), false);
  if (missing == seen.end()) return;
  throw UsageError("the statistics of item " + std::to_string(missing - seen.begin()) +
                   " are missing: run dcf stats --item for it");
}

void find_aliases(const ModelSource& source, const Found& found, WorkPlan* plan) {
  using Content = std::pair<AliasKey, std::vector<Sha256>>;
  std::map<Content, std::vector<size_t>> equal;
  for (const auto& [i, ranges] : found) {
    if (!plan->tensors[i].may_be_alias) continue;
    Content content{alias_key(*plan, i, source.tensors()[i]), {}};
    for (const auto& [unused, range] : ranges) content.second.push_back(range->sha256);
    equal[std::move(content)].push_back(i);
  }
  for (const auto& [unused, tensors] : equal) {
    const auto name = [&](size_t i) -> const std::string& { return plan->tensors[i].name; };
    // The lowest name has the data, as in a file that one process writes.
    const size_t owner = *std::min_element(tensors.begin(), tensors.end(),
                                           [&](size_t a, size_t b) { return name(a) < name(b); });
    for (const size_t i : tensors) {
      if (i != owner) plan->tensors[i].alias_of = name(owner);
    }
  }
}

void settle_cut(const ModelSource& source, size_t i, const Found& found, WorkPlan* plan) {
  PlannedTensor& tensor = plan->tensors[i];
  RangeStats stats(source.path(), source.tensors()[i], plan->options_of(i));
  for (const auto& [unused, range] : found.at(i)) stats.merge(range->stats);
  if (stats.cut()) {
    tensor.measured = stats.save();
  } else {
    tensor.range_bytes = 0;
  }
}

}  // namespace

void settle_plan(const ModelSource& source, const std::vector<MeasuredTask>& results,
                 WorkPlan* plan) {
  require_all(results, *plan);
  Found found;
  for (const MeasuredTask& result : results) {
    const StatsTask& task = plan->tasks[result.task];
    if (task.file != StatsTask::kNone) {
      if (!result.file_sha256) throw_invalid(source.path(), "has a file without a digest");
      plan->files[task.file].sha256 = result.file_sha256;
    }
    for (const MeasuredRange& range : result.ranges) found[range.tensor][range.range] = &range;
  }
  for (size_t i = 0; i < plan->tensors.size(); ++i) {
    PlannedTensor& tensor = plan->tensors[i];
    if (!tensor.may_be_alias && tensor.range_bytes == 0) continue;
    const auto it = found.find(i);
    if (it == found.end() || it->second.size() != ranges_of(tensor) ||
        it->second.rbegin()->first >= ranges_of(tensor)) {
      throw_invalid(source.path(),
                    "has a tensor whose statistics are not whole: " + quote(tensor.name));
    }
  }
  find_aliases(source, found, plan);
  for (size_t i = 0; i < plan->tensors.size(); ++i) {
    PlannedTensor& tensor = plan->tensors[i];
    if (tensor.range_bytes != 0 && tensor.alias_of.empty()) settle_cut(source, i, found, plan);
    tensor.may_be_alias = false;
  }
  plan->tasks.clear();
  plan->settled = true;
  make_items(source, plan);
}

}  // namespace dcf::tools
