// SPDX-License-Identifier: Apache-2.0
#include "cli/encode_plan.h"

#include <algorithm>

namespace dcf::tools {
namespace {

template <typename T>
void refine(std::optional<T>* general, const std::optional<T>& specific) {
  if (specific) *general = specific;
}

EncodeChoice refined(EncodeChoice general, const EncodeChoice& specific) {
  refine(&general.sparsity, specific.sparsity);
  refine(&general.bits, specific.bits);
  refine(&general.init, specific.init);
  refine(&general.seed, specific.seed);
  refine(&general.positions, specific.positions);
  refine(&general.gap_bits, specific.gap_bits);
  refine(&general.canonical_zeros, specific.canonical_zeros);
  refine(&general.paper, specific.paper);
  return general;
}

bool is_fnuz(const TensorMeta& tensor) {
  return tensor.dtype == DCF_DTYPE_F8E4M3FNUZ || tensor.dtype == DCF_DTYPE_F8E5M2FNUZ;
}

// Types that are only ever stored as they are, and tensors without elements, have no positions.
bool has_positions(const TensorMeta& tensor) {
  return (tensor.dtype <= DCF_DTYPE_BOOL || is_fnuz(tensor)) && tensor.elements() > 0;
}

// The library prunes and clusters no others.
bool is_float(const TensorMeta& tensor) {
  return (tensor.dtype >= DCF_DTYPE_F64 && tensor.dtype <= DCF_DTYPE_F8E5M2) || is_fnuz(tensor);
}

// Of these, the tensors that are large enough to be pruned and clustered; biases and scales stay in
// their smallest form.
bool is_weight(const TensorMeta& tensor) {
  constexpr uint64_t kMinElements = 512;
  return tensor.dims.size() >= 2 && tensor.elements() >= kMinElements;
}

dcf_positions positions_for(const EncodeChoice& choice, const TensorMeta& tensor) {
  if (!has_positions(tensor)) return DCF_POSITIONS_AUTO;
  if (choice.positions) return *choice.positions;
  return choice.paper.value_or(false) && is_weight(tensor) ? DCF_POSITIONS_GAP : DCF_POSITIONS_AUTO;
}

}  // namespace

std::optional<std::string> find_contradiction(const EncodeChoice& choice) {
  const bool paper = choice.paper.value_or(false);
  const auto positions = choice.positions.value_or(paper ? DCF_POSITIONS_GAP : DCF_POSITIONS_AUTO);
  if (paper && positions != DCF_POSITIONS_GAP)
    return "the profile paper has gap positions, no others";
  if (paper && choice.init.value_or(DCF_INIT_LINEAR) != DCF_INIT_LINEAR) {
    return "the profile paper initialises linearly, not otherwise";
  }
  if (choice.gap_bits && positions != DCF_POSITIONS_GAP) {
    return "a gap width needs gap positions or the profile paper";
  }
  return std::nullopt;
}

bool EncodePlan::is_lossy() const {
  return general.is_lossy() ||
         std::any_of(rules.begin(), rules.end(), [](const Rule& r) { return r.choice.is_lossy(); });
}

dcf_encode_options EncodePlan::options_for(const TensorMeta& tensor) const {
  dcf_encode_options options;
  dcf_encode_options_init(&options);
  const auto matches_name = [&](const NamePattern& pattern) {
    return pattern.matches(tensor.name);
  };
  if (std::any_of(ignore.begin(), ignore.end(), matches_name)) return options;

  const auto rule = std::find_if(rules.begin(), rules.end(),
                                 [&](const Rule& r) { return matches_name(*r.match); });
  const EncodeChoice choice = rule == rules.end() ? general : refined(general, rule->choice);
  if (is_float(tensor)) {
    options.sparsity = choice.sparsity.value_or(0);
    options.bits = choice.bits.value_or(0);
  }
  options.init = choice.init.value_or(DCF_INIT_LINEAR);
  options.seed = choice.seed.value_or(0);
  options.positions = positions_for(choice, tensor);
  options.gap_bits = options.positions == DCF_POSITIONS_GAP ? choice.gap_bits.value_or(0) : 0;
  options.canonical_zeros = choice.canonical_zeros.value_or(false) ? 1 : 0;
  return options;
}

}  // namespace dcf::tools
