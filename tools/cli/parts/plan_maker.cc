// SPDX-License-Identifier: Apache-2.0
#include "cli/parts/plan_maker.h"

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>

#include "cli/parts/item_memory.h"
#include "cli/parts/tensor_places.h"
#include "formats/range_stats.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

// The elements of the largest tensor that stays whole: dcf_effort.
uint64_t most_whole_elements(dcf_effort effort) {
  switch (effort) {
    case DCF_EFFORT_NORMAL:
      return uint64_t{1} << 25;
    case DCF_EFFORT_SMALLEST:
      return uint64_t{1} << 27;
    case DCF_EFFORT_FAST:
      return uint64_t{1} << 20;
  }
  return UINT64_MAX;
}

// Ranges depend on the bytes alone, so that those of equal tensors are equal whatever the shapes.
uint64_t range_bytes_of(const TensorMeta& tensor, const dcf_encode_options& options,
                        uint64_t item_bytes) {
  const uint64_t most_whole = most_whole_elements(options.effort);
  const bool may_be_dense =
      options.positions == DCF_POSITIONS_AUTO || options.positions == DCF_POSITIONS_DENSE;
  const bool lossy =
      options.sqnr_db > 0 || ((options.sparsity > 0 || options.bits > 0) && may_be_lossy(tensor));
  if (tensor.bytes() <= item_bytes || tensor.bits % 8 != 0 || lossy || !may_be_dense ||
      tensor.elements() <= most_whole) {
    return 0;
  }
  const uint64_t count = (tensor.bytes() + item_bytes - 1) / item_bytes;
  const uint64_t bytes = (tensor.bytes() + count - 1) / count;
  // Widths that 64 is no multiple of go whole: no dtype of the format has one today.
  if (kRangeUnit % (tensor.bits / 8) != 0) return 0;
  return (bytes + kRangeUnit - 1) / kRangeUnit * kRangeUnit;
}

class ItemMaker {
 public:
  ItemMaker(const ModelSource& source, WorkPlan* plan)
      : source_(source), places_(source), plan_(*plan) {}

  void run() {
    plan_.items.clear();
    for (size_t i = 0; i < plan_.tensors.size(); ++i) {
      const PlannedTensor& tensor = plan_.tensors[i];
      if (!tensor.alias_of.empty()) continue;
      if (tensor.range_bytes != 0) {
        flush();
        cut(i);
        continue;
      }
      if (tensor.bytes > plan_.item_bytes - std::min(plan_.item_bytes, item_.bytes)) flush();
      item_.tensors.push_back(i);
      item_.bytes += tensor.bytes;
      for (const FileRange& range : places_.of(i, 0, tensor.bytes)) {
        append_range(range, &item_.reads);
      }
    }
    flush();
  }

 private:
  void flush() {
    if (item_.tensors.empty()) return;
    item_.peak_memory = peak_memory_of(item_, plan_, source_.tensors());
    plan_.items.push_back(std::move(item_));
    item_ = {};
  }

  void cut(size_t i) {
    const TensorMeta& meta = source_.tensors()[i];
    const uint64_t width = meta.bits / 8;
    const uint64_t range = plan_.tensors[i].range_bytes / width;  // elements
    const uint64_t chunk = plan_.settled ? chunk_elements(i) : 1;
    uint64_t begin = 0;
    for (uint64_t at = range; begin < meta.elements(); at += range) {
      uint64_t end = std::min(meta.elements(), (at + chunk / 2) / chunk * chunk);
      if (at >= meta.elements()) end = meta.elements();
      if (end == begin) continue;
      item_.tensors = {i};
      item_.first = begin;
      item_.elements = end - begin;
      item_.bytes = item_.elements * width;
      item_.reads = places_.of(i, begin * width, item_.bytes);
      flush();
      begin = end;
    }
  }

  uint64_t chunk_elements(size_t i) const {
    const TensorMeta& meta = source_.tensors()[i];
    RangeStats stats(source_.path(), meta, plan_.options_of(i));
    stats.merge(plan_.tensors[i].measured);
    const std::optional<uint64_t> elements = stats.cut();
    if (!elements) throw_invalid(source_.path(), "tensor " + quote(meta.name) + " cannot be cut");
    return *elements;
  }

  const ModelSource& source_;
  const TensorPlaces places_;
  WorkPlan& plan_;
  WorkItem item_;
};

// Which tensors could be equal to another one, by what the headers say.
void find_candidates(const ModelSource& source, WorkPlan* plan) {
  std::map<AliasKey, size_t> first;
  for (size_t i = 0; i < plan->tensors.size(); ++i) {
    if (source.tensors()[i].elements() == 0) continue;
    const AliasKey key = alias_key(*plan, i, source.tensors()[i]);
    const auto [it, is_new] = first.emplace(key, i);
    if (is_new) continue;
    plan->tensors[i].may_be_alias = plan->tensors[it->second].may_be_alias = true;
  }
}

void make_tasks(const ModelSource& source, WorkPlan* plan) {
  const TensorPlaces places(source);
  const auto is_measured = [&](size_t i) {
    return plan->tensors[i].may_be_alias || plan->tensors[i].range_bytes != 0;
  };
  const uint64_t peak = peak_memory_of_stats(*plan);
  // A file is read from front to end for its digest, and the tensors in it on the way.
  if (plan->exact_file) {
    for (size_t f = 0; f < plan->files.size(); ++f) {
      StatsTask task;
      task.file = f;
      task.bytes = plan->files[f].bytes;
      task.peak_memory = peak;
      append_range({f, 0, task.bytes}, &task.reads);
      plan->tasks.push_back(std::move(task));
    }
  }
  for (size_t k = 0; k < plan->items.size(); ++k) {
    const WorkItem& item = plan->items[k];
    StatsTask task;
    task.item = k;
    task.peak_memory = peak;
    for (const size_t i : item.tensors) {
      const bool is_in_file = plan->exact_file && places.only_file(i) != StatsTask::kNone;
      if (!is_measured(i) || is_in_file) continue;
      const uint64_t width = source.tensors()[i].bits / 8;
      const uint64_t bytes = item.is_range() ? item.bytes : plan->tensors[i].bytes;
      task.bytes += bytes;
      for (const FileRange& range : places.of(i, item.first * width, bytes)) {
        append_range(range, &task.reads);
      }
    }
    if (task.bytes > 0) plan->tasks.push_back(std::move(task));
  }
}

}  // namespace

AliasKey alias_key(const WorkPlan& plan, size_t i, const TensorMeta& tensor) {
  AliasKey key{tensor.dtype,         tensor.bits, tensor.elements(), plan.tensors[i].encoding,
               may_be_lossy(tensor), {}};
  if (plan.options_of(i).sqnr_db != 0) key.dims = tensor.dims;
  return key;
}

void make_items(const ModelSource& source, WorkPlan* plan) {
  ItemMaker(source, plan).run();
}

void plan_work(const ModelSource& source, const EncodePlan& encoding, WorkPlan* plan) {
  if (source.tensors().size() > kMostPlannedTensors) {
    throw_failure(source.path(), "has more than 200,000 tensors, which no plan can hold");
  }
  plan->fingerprint = fingerprint_of(source);
  plan->lossy = encoding.is_lossy();
  std::unordered_map<std::string, size_t> encodings;
  for (size_t i = 0; i < source.tensors().size(); ++i) {
    const TensorMeta& meta = source.tensors()[i];
    const dcf_encode_options options = encoding.options_for(source, i);
    const auto [known, is_new] = encodings.emplace(options_key(options), plan->encodings.size());
    if (is_new) plan->encodings.push_back(options);
    PlannedTensor tensor;
    tensor.name = meta.name;
    tensor.bytes = meta.bytes();
    tensor.encoding = known->second;
    tensor.range_bytes = range_bytes_of(meta, options, plan->item_bytes);
    plan->tensors.push_back(std::move(tensor));
  }
  if (const FileLayout* const layout = source.layout()) {
    for (size_t f = 0; f < layout->files(); ++f) {
      plan->files.push_back(
          {.name = layout->file_name(f), .bytes = layout->file_bytes(f), .sha256 = {}});
    }
    const TensorPlaces places(source);
    for (const FileRange& range : places.rest()) append_range(range, &plan->opens);
  }
  find_candidates(source, plan);
  make_items(source, plan);
  make_tasks(source, plan);
  plan->settled = plan->tasks.empty();
}

}  // namespace dcf::tools
