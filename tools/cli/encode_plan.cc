// SPDX-License-Identifier: Apache-2.0
#include "cli/encode_plan.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "cli/quality_levels.h"
#include "cli/quantised_scales.h"
#include "formats/dcf_file.h"
#include "formats/dcf_source.h"
#include "formats/text.h"

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
  if (specific.quality) general.sparsity = {}, general.bits = {};
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

// Of these, the tensors that are large enough to be pruned and clustered; biases and the like stay
// in their smallest form. Both are the library's own limits.
bool has_matrix_rank(const TensorMeta& tensor) {
  return tensor.dims.size() >= 2;
}
bool is_large(const TensorMeta& tensor) {
  constexpr uint64_t kMinElements = 512;
  return tensor.elements() >= kMinElements;
}
bool is_weight(const TensorMeta& tensor) {
  return has_matrix_rank(tensor) && is_large(tensor);
}

dcf_positions positions_for(const EncodeChoice& choice, const TensorMeta& tensor) {
  if (!has_positions(tensor)) return DCF_POSITIONS_AUTO;
  if (choice.positions) return *choice.positions;
  return choice.paper.value_or(false) && is_weight(tensor) ? DCF_POSITIONS_GAP : DCF_POSITIONS_AUTO;
}

}  // namespace

bool may_be_lossy(const TensorMeta& tensor) {
  return is_float(tensor) && is_weight(tensor);
}

std::optional<std::string> find_contradiction(const EncodeChoice& choice) {
  const bool paper = choice.paper.value_or(false);
  const auto positions = choice.positions.value_or(paper ? DCF_POSITIONS_GAP : DCF_POSITIONS_AUTO);
  if (choice.quality && choice.cuts()) return "a quality excludes sparsity and bits";
  if (choice.rounds() && (choice.init || choice.seed || choice.gap_bits)) {
    return "a quality excludes init, seed and gap_bits";
  }
  if (choice.rounds() && positions != DCF_POSITIONS_AUTO && positions != DCF_POSITIONS_DENSE) {
    return "what is rounded has dense positions";
  }
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
  return rounds() || cuts();
}

bool EncodePlan::drops_zero_signs() const {
  const auto drops = [](const EncodeChoice& c) { return c.canonical_zeros.value_or(false); };
  return drops(general) ||
         std::any_of(rules.begin(), rules.end(), [&](const Rule& r) { return drops(r.choice); });
}

bool EncodePlan::rounds() const {
  return lowest_quality().has_value();
}

bool EncodePlan::cuts() const {
  return general.cuts() ||
         std::any_of(rules.begin(), rules.end(), [](const Rule& r) { return r.choice.cuts(); });
}

std::optional<double> EncodePlan::lowest_quality() const {
  std::optional<double> lowest = quality;
  for (const Rule& rule : rules) {
    if (!rule.choice.rounds()) continue;
    lowest = lowest ? std::min(*lowest, *rule.choice.quality) : rule.choice.quality;
  }
  return lowest;
}

bool EncodePlan::is_ignored(const TensorMeta& tensor) const {
  return std::any_of(ignore.begin(), ignore.end(),
                     [&](const NamePattern& pattern) { return pattern.matches(tensor.name); });
}

const EncodePlan::Rule* EncodePlan::rule_for(const TensorMeta& tensor) const {
  const auto rule = std::find_if(rules.begin(), rules.end(),
                                 [&](const Rule& r) { return r.match->matches(tensor.name); });
  return rule == rules.end() ? nullptr : &*rule;
}

std::optional<double> EncodePlan::quality_by(const Rule* rule) const {
  if (rule == nullptr) return quality;
  if (rule->choice.rounds()) return rule->choice.quality;
  return rule->choice.quality || rule->choice.cuts() ? std::nullopt : quality;
}

std::vector<std::string> EncodePlan::bind(const ModelSource& source) {
  const std::vector<TensorMeta>& tensors = source.tensors();
  const std::vector<bool> scale = find_scales(source);
  struct Use {
    size_t matches = 0, scales = 0, taken = 0;
  };
  std::vector<Use> uses(rules.size());
  std::vector<size_t> ignored(ignore.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (scale[i]) scales.insert(tensors[i].name);
    bool is_free = true;  // for a rule
    for (size_t p = 0; p < ignore.size(); ++p) {
      if (!ignore[p].matches(tensors[i].name)) continue;
      ++ignored[p];
      is_free = false;
    }
    for (size_t r = 0; r < rules.size(); ++r) {
      if (!rules[r].match->matches(tensors[i].name)) continue;
      ++uses[r].matches;
      if (scale[i]) ++uses[r].scales;
      if (std::exchange(is_free, false)) ++uses[r].taken;
    }
  }
  std::vector<std::string> warnings;
  for (size_t r = 0; r < rules.size(); ++r) {
    const Use& use = uses[r];
    rules[r].means_scales = use.matches > 0 && use.scales == use.matches;
    const std::string name =
        "rule " + std::to_string(r + 1) + " of the recipe, " + quote(rules[r].match->text()) + ",";
    if (use.matches == 0) {
      warnings.push_back(name + " matches no tensor");
    } else if (use.taken == 0) {
      warnings.push_back(name + " matches only tensors that are ignored or go to rules before it");
    }
  }
  for (size_t p = 0; p < ignore.size(); ++p) {
    if (ignored[p] > 0) continue;
    warnings.push_back("'ignore' of the recipe, " + quote(ignore[p].text()) +
                       ", matches no tensor");
  }
  if (rounds()) share_quality(source);
  return warnings;
}

void EncodePlan::share_quality(double decibels, const ModelSource& source) {
  quality = decibels;
  share_quality(source);
}

void EncodePlan::share_quality(const ModelSource& source) {
  sqnr.clear();
  std::vector<std::string> names;
  std::vector<uint64_t> elements;
  std::vector<double> measured;
  std::map<double, std::vector<size_t>> wanted;  // the tensors of each quality
  for (const TensorMeta& tensor : source.tensors()) {
    if (is_ignored(tensor)) continue;
    const Rule* const rule = rule_for(tensor);
    if (left_out_of_rounding(tensor, rule) != LeftOut::kNo) continue;
    wanted[*quality_by(rule)].push_back(names.size());
    names.push_back(tensor.name);
    elements.push_back(tensor.elements());
    if (!costs.empty()) measured.push_back(costs.at(tensor.name));
  }
  // A tensor gets what it has where all are of its quality.
  for (const auto& [decibels, tensors] : wanted) {
    const std::vector<double> shares = sqnr_of(decibels, elements, measured);
    for (const size_t i : tensors) sqnr.emplace(std::move(names[i]), shares[i]);
  }
}

LeftOut EncodePlan::left_out_of_rounding(const TensorMeta& tensor) const {
  return is_ignored(tensor) ? LeftOut::kIgnored : left_out_of_rounding(tensor, rule_for(tensor));
}

LeftOut EncodePlan::left_out_of_rounding(const TensorMeta& tensor, const Rule* rule) const {
  if (!quality_by(rule)) return quality ? LeftOut::kKept : LeftOut::kNotAsked;
  if (scales.contains(tensor.name)) return LeftOut::kScale;
  if (!is_float(tensor)) return LeftOut::kNotFloat;
  if (!may_be_rounded(tensor.dtype)) return LeftOut::kNoGrid;
  if (!has_matrix_rank(tensor)) return LeftOut::kLowRank;
  return is_large(tensor) ? LeftOut::kNo : LeftOut::kSmall;
}

TensorChoice EncodePlan::choice_for(const TensorMeta& tensor) const {
  TensorChoice result;
  dcf_encode_options& options = result.options;
  dcf_encode_options_init(&options);
  options.effort = general.effort.value_or(DCF_EFFORT_NORMAL);
  if (is_ignored(tensor)) {
    result.left_out = LeftOut::kIgnored;
    return result;
  }
  const Rule* const rule = rule_for(tensor);
  const bool is_scale = scales.contains(tensor.name);
  EncodeChoice choice = rule == nullptr ? general : refined(general, rule->choice);
  const bool means_it = !is_scale || (rule != nullptr && rule->means_scales);
  if (is_scale && means_it) {
    choice.sparsity = rule->choice.sparsity;  // the general ones mean weights
    choice.bits = rule->choice.bits;
  }
  if (quality_by(rule)) {
    result.left_out = left_out_of_rounding(tensor, rule);
    if (result.left_out == LeftOut::kNo) options.sqnr_db = sqnr.at(tensor.name);
  } else if (choice.cuts()) {
    result.left_out = !means_it                  ? LeftOut::kScale
                      : !is_float(tensor)        ? LeftOut::kNotFloat
                      : !has_matrix_rank(tensor) ? LeftOut::kLowRank
                      : !is_large(tensor)        ? LeftOut::kSmall
                                                 : LeftOut::kNo;
    if (result.left_out == LeftOut::kNo) {
      options.sparsity = choice.sparsity.value_or(0);
      options.bits = choice.bits.value_or(0);
    }
  } else if (quality || general.cuts()) {
    result.left_out = LeftOut::kKept;
  }
  options.init = choice.init.value_or(DCF_INIT_LINEAR);
  options.fill_clusters = choice.paper.value_or(false) ? 0 : 1;
  options.seed = choice.seed.value_or(0);
  options.positions = positions_for(choice, tensor);
  // Positions that the options give to other tensors are not those of a rounded one.
  if (options.sqnr_db != 0 && options.positions != DCF_POSITIONS_DENSE) {
    options.positions = DCF_POSITIONS_AUTO;
  }
  options.gap_bits = options.positions == DCF_POSITIONS_GAP ? choice.gap_bits.value_or(0) : 0;
  options.canonical_zeros = choice.canonical_zeros.value_or(false) ? 1 : 0;
  return result;
}

dcf_encode_options EncodePlan::options_for(const ModelSource& source, size_t i) const {
  dcf_encode_options options = choice_for(source.tensors()[i]).options;
  if (const DcfFile* const file = dcf_file_of(source)) {
    const dcf_tensor_info info = file->tensor(i);
    options.source_fidelity = info.fidelity;
    options.source_error_bound = info.error_bound;
  }
  return options;
}

}  // namespace dcf::tools
