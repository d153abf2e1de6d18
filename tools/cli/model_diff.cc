// SPDX-License-Identifier: Apache-2.0
#include "cli/model_diff.h"

#include <algorithm>
#include <map>
#include <memory>

#include "cli/progress.h"
#include "formats/dcf_file.h"

namespace dcf::tools {
namespace {

// What a .dcf file says of the way a tensor came into it.
struct Promise {
  dcf_fidelity fidelity = DCF_FIDELITY_BIT_EXACT;
  double error_bound = 0;

  bool holds(const Difference& d) const {
    switch (fidelity) {
      case DCF_FIDELITY_BIT_EXACT:
        return d.same_bytes;
      case DCF_FIDELITY_VALUE_EXACT:
        return d.same_values;
      case DCF_FIDELITY_LOSSY:
        return d.max_error <= error_bound;  // NaN is not
    }
    return false;
  }
};
using Promises = std::map<std::string, Promise>;

Promises promises_of(const std::string& path, const OpenHints& hints) {
  const DcfFile file(path, hints);
  Promises promises;
  for (size_t i = 0; i < file.tensor_count(); ++i) {
    const dcf_tensor_info info = file.tensor(i);
    promises[std::string(info.name, info.name_size)] = {info.fidelity, info.error_bound};
  }
  return promises;
}

std::string describe(const Difference& d) {
  if (d.same_bytes) return "equal";
  return d.same_values ? "equal but for signs of zeros" : "differs";
}

TensorDiff diff_tensor(const ModelSource& a, size_t in_a, const ModelSource& b, size_t in_b,
                       const Promise* promise) {
  const TensorMeta& meta = a.tensors()[in_a];
  const TensorMeta& other = b.tensors()[in_b];
  TensorDiff diff;
  diff.name = meta.name;
  if (meta.dims != other.dims) {
    diff.result = "shapes differ";
  } else if (meta != other) {
    diff.result = "dtypes differ";
  } else {
    const Difference d = difference(meta, a.read(in_a), b.read(in_b));
    diff.difference = d;
    diff.result = describe(d);
    diff.ok = promise == nullptr ? d.same_bytes : promise->holds(d);
    if (promise != nullptr) {
      diff.error_bound = promise->error_bound;
      if (!d.same_bytes) diff.result = diff.ok ? "within its bound" : "beyond its bound";
    }
  }
  return diff;
}

}  // namespace

size_t ModelDiff::count_ok() const {
  return static_cast<size_t>(
      std::count_if(tensors.begin(), tensors.end(), [](const TensorDiff& t) { return t.ok; }));
}

ModelDiff diff_models(const DiffRequest& request, const CommonOptions& common) {
  Promises promises;
  if (request.bounds) promises = promises_of(request.b, common.hints());
  const auto a = open_model(request.a, common.hints());
  const auto b = open_model(request.b, common.hints());
  std::map<std::string, size_t> only_in_b;
  for (size_t i = 0; i < b->tensors().size(); ++i) only_in_b[b->tensors()[i].name] = i;

  uint64_t total = 0;
  for (const TensorMeta& tensor : a->tensors()) total += tensor.bytes();
  Progress progress("comparing", total, common.wants_progress());
  uint64_t done = 0;
  ModelDiff diff;
  diff.same_metadata = a->metadata() == b->metadata();
  for (size_t i = 0; i < a->tensors().size(); ++i) {
    const TensorMeta& meta = a->tensors()[i];
    const auto found = only_in_b.find(meta.name);
    if (found == only_in_b.end()) {
      diff.tensors.push_back({.name = meta.name, .result = "only in the first"});
    } else {
      const Promise* const promise = request.bounds ? &promises.at(meta.name) : nullptr;
      diff.tensors.push_back(diff_tensor(*a, i, *b, found->second, promise));
      only_in_b.erase(found);
    }
    progress.update(done += meta.bytes());
  }
  for (const auto& [name, index] : only_in_b) {
    diff.tensors.push_back({.name = name, .result = "only in the second"});
  }
  return diff;
}

}  // namespace dcf::tools
