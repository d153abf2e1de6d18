// SPDX-License-Identifier: Apache-2.0
#include "cli/model_diff.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "cli/progress.h"
#include "cli/signals.h"
#include "formats/dcf_file.h"
#include "formats/memory_limit.h"

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

const char* describe(const Difference& d) {
  if (d.same_bytes) return "equal";
  return d.same_values ? "equal but for signs of zeros" : "differs";
}

// Both tensors of this dtype and shape from front to end. see(a, b) gets whole elements, and
// returns false to stop.
template <typename See>
void read_both(const ModelSource& a, size_t in_a, const ModelSource& b, size_t in_b,
               const See& see) {
  constexpr uint64_t kReadBytes = uint64_t{1} << 20;
  const TensorMeta& meta = a.tensors()[in_a];
  // `bits` bytes are eight elements.
  const uint64_t step = std::max<uint64_t>(1, kReadBytes / meta.bits) * meta.bits;
  const uint64_t bytes = meta.bytes();
  const auto reader_a = a.open_tensor(in_a);
  const auto reader_b = b.open_tensor(in_b);
  std::vector<uint8_t> piece_a(std::min(step, bytes));
  std::vector<uint8_t> piece_b(piece_a.size());
  uint64_t at = 0;
  do {  // also once for an empty tensor, whose coding is checked like any other
    throw_if_interrupted();
    const size_t size = std::min(step, bytes - at);
    reader_a->read(std::span(piece_a).first(size));
    reader_b->read(std::span(piece_b).first(size));
    if (!see(std::span(piece_a).first(size), std::span(piece_b).first(size))) return;
    at += size;
  } while (at < bytes);
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
    const Difference d = compare_tensors(a, in_a, b, in_b);
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

// Equal tensors are the usual case, and need no sums; others are read a second time for them.
Difference compare_tensors(const ModelSource& a, size_t in_a, const ModelSource& b, size_t in_b) {
  bool equal = true;
  read_both(a, in_a, b, in_b, [&](std::span<const uint8_t> x, std::span<const uint8_t> y) {
    equal = std::equal(x.begin(), x.end(), y.begin());
    return equal;
  });
  Comparison comparison(a.tensors()[in_a].dtype);
  if (!equal) {
    read_both(a, in_a, b, in_b, [&](std::span<const uint8_t> x, std::span<const uint8_t> y) {
      comparison.add(x, y);
      return true;
    });
  }
  return comparison.result();
}

size_t ModelDiff::count_ok() const {
  return static_cast<size_t>(
      std::count_if(tensors.begin(), tensors.end(), [](const TensorDiff& t) { return t.ok; }));
}

ModelDiff diff_models(const DiffRequest& request, const CommonOptions& common) {
  OpenHints hints = common.hints();
  hints.sharing = 2;
  // 0 would stand for the default.
  hints.max_memory = std::max<uint64_t>(MemoryLimit(common.max_memory).bytes() / hints.sharing, 1);
  if (request.bounds && !is_dcf_file(request.b)) {
    throw_invalid(request.b,
                  is_dcf_file(request.a)
                      ? "is no .dcf file, but the first model is: --bounds takes it second"
                      : "is no .dcf file, whose bounds could be proved");
  }
  Promises promises;
  if (request.bounds) promises = promises_of(request.b, hints);
  ModelDiff diff;
  diff.a = open_model(request.a, hints);
  diff.b = open_model(request.b, hints);
  const std::vector<TensorMeta>& in_a = diff.a->tensors();
  const std::vector<TensorMeta>& in_b = diff.b->tensors();
  std::map<std::string_view, size_t> only_in_b;
  for (size_t i = 0; i < in_b.size(); ++i) only_in_b[in_b[i].name] = i;

  uint64_t total = 0;
  for (const TensorMeta& tensor : in_a) total += tensor.bytes();
  Progress progress("comparing", total, common.progress());
  uint64_t done = 0;
  diff.same_metadata = diff.a->metadata() == diff.b->metadata();
  diff.tensors.reserve(std::max(in_a.size(), in_b.size()));
  for (size_t i = 0; i < in_a.size(); ++i) {
    const TensorMeta& meta = in_a[i];
    const auto found = only_in_b.find(meta.name);
    if (found == only_in_b.end()) {
      diff.tensors.push_back({.name = meta.name, .result = "only in the first"});
    } else {
      const Promise* const promise = request.bounds ? &promises.at(meta.name) : nullptr;
      diff.tensors.push_back(diff_tensor(*diff.a, i, *diff.b, found->second, promise));
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
