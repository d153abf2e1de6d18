// SPDX-License-Identifier: Apache-2.0
#include "cli/quantised_scales.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "formats/text.h"

namespace dcf::tools {
namespace {

// As GPTQ, AWQ, bitsandbytes, compressed-tensors, fp8 checkpoints, MLX and exporters of ONNX and
// TensorFlow name them. Lower case; the longer ones first.
constexpr std::string_view kEndings[] = {
    "scale_inv",     "zero_points", "zero_point", "zeropoint", "nested_quant_map",
    "nested_absmax", "quant_map",   "scales",     "scale",     "offsets",
    "offset",        "absmax",      "qzeros",     "zeros",     "zero",
    "scb",           "biases"};

// What the last part of the name of codes contains: fc.scales stands beside fc.qweight.
constexpr std::string_view kCodeWords[] = {"weight", "kernel", "packed", "quant",
                                           "codes",  "blocks", "data",   "embedding"};

constexpr std::string_view kSeparators = "./:";

bool may_be_codes(const TensorMeta& tensor) {
  switch (tensor.dtype) {
    case DCF_DTYPE_I8:
    case DCF_DTYPE_U8:
    case DCF_DTYPE_I16:
    case DCF_DTYPE_U16:
    case DCF_DTYPE_I32:
    case DCF_DTYPE_U32:
    case DCF_DTYPE_F8E4M3:
    case DCF_DTYPE_F8E5M2:
    case DCF_DTYPE_F8E4M3FNUZ:
    case DCF_DTYPE_F8E5M2FNUZ:
    case DCF_DTYPE_OPAQUE:
      return true;
    default:
      // Types of a few bits, which are only ever stored as they are.
      return tensor.bits < 8 && tensor.dtype != DCF_DTYPE_BOOL;
  }
}

bool may_be_scale(const TensorMeta& tensor) {
  return tensor.dtype == DCF_DTYPE_F64 || tensor.dtype == DCF_DTYPE_F32 ||
         tensor.dtype == DCF_DTYPE_F16 || tensor.dtype == DCF_DTYPE_BF16;
}

// A name without the ending that tells of scales.
struct Stem {
  std::string_view text;       // "fc.weight" of "fc.weight_scale", "fc" of "fc.scales"
  bool is_whole_part = false;  // the ending was all of the last part
  std::string_view ending;
};

std::optional<Stem> stem_of(std::string_view name) {
  const size_t separator = name.find_last_of(kSeparators);
  const size_t part_at = separator == std::string_view::npos ? 0 : separator + 1;
  const std::string part = lower_case(name.substr(part_at));
  for (const std::string_view ending : kEndings) {
    if (!part.ends_with(ending)) continue;
    std::string_view before = std::string_view(part).substr(0, part.size() - ending.size());
    if (!before.empty() && before.back() != '_') continue;
    while (before.ends_with('_')) before.remove_suffix(1);
    if (!before.empty()) return Stem{name.substr(0, part_at + before.size()), false, ending};
    if (separator == std::string_view::npos) return std::nullopt;
    return Stem{name.substr(0, separator), true, ending};
  }
  return std::nullopt;
}

class ScaleFinder {
 public:
  explicit ScaleFinder(const std::vector<TensorMeta>& tensors) {
    for (const TensorMeta& tensor : tensors) {
      names_.push_back(tensor.name);
      if (may_be_codes(tensor)) codes_.emplace_back(tensor.name, tensor.elements());
    }
    std::sort(names_.begin(), names_.end());
    std::sort(codes_.begin(), codes_.end());
  }

  bool is_scale(const TensorMeta& tensor) const {
    if (codes_.empty() || !may_be_scale(tensor)) return false;
    const std::optional<Stem> stem = stem_of(tensor.name);
    if (!stem) return false;
    // MLX has biases only beside scales; elsewhere they are what a layer adds.
    if (stem->ending == "biases" &&
        !(stem->is_whole_part && has_name(std::string(stem->text) + ".scales"))) {
      return false;
    }
    return has_codes(*stem, tensor.elements());
  }

 private:
  using Code = std::pair<std::string_view, uint64_t>;  // name and elements

  bool has_name(std::string_view name) const {
    return std::binary_search(names_.begin(), names_.end(), name);
  }

  bool has_codes(const Stem& stem, uint64_t elements) const {
    const auto exact = std::lower_bound(codes_.begin(), codes_.end(), Code{stem.text, 0});
    if (exact != codes_.end() && exact->first == stem.text && exact->second >= elements) {
      return true;
    }
    for (const char separator : {'_', '.', '/', ':'}) {
      if (has_codes_below(std::string(stem.text) + separator, elements)) return true;
    }
    return false;
  }

  // Whether there are codes whose name is `prefix` and one more part.
  bool has_codes_below(const std::string& prefix, uint64_t elements) const {
    constexpr int kMost = 16;  // looked at: what belongs to one layer is not more
    auto it = std::lower_bound(codes_.begin(), codes_.end(), Code{prefix, 0});
    for (int i = 0; i < kMost && it != codes_.end() && it->first.starts_with(prefix); ++i, ++it) {
      const std::string part = lower_case(it->first.substr(prefix.size()));
      if (part.find_first_of(kSeparators) != std::string::npos || it->second < elements) continue;
      if (is_name_of_codes(part)) return true;
    }
    return false;
  }

  static bool is_name_of_codes(std::string_view part) {
    return part == "q" ||
           std::any_of(std::begin(kCodeWords), std::end(kCodeWords), [&](std::string_view word) {
             return part.find(word) != std::string_view::npos;
           });
  }

  std::vector<std::string_view> names_;  // ascending
  std::vector<Code> codes_;              // ascending
};

}  // namespace

std::vector<bool> find_scales(const ModelSource& source) {
  const std::vector<TensorMeta>& tensors = source.tensors();
  const ScaleFinder finder(tensors);
  std::vector<bool> scales(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    scales[i] = source.is_scale(i) || finder.is_scale(tensors[i]);
  }
  return scales;
}

}  // namespace dcf::tools
