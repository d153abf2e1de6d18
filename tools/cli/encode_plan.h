// SPDX-License-Identifier: Apache-2.0
// Which tensor is encoded how: the options of `dcf compress`, refined by the rules of a recipe.
#pragma once

#include <dcf/dcf_write.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cli/name_pattern.h"
#include "formats/model_source.h"

namespace dcf::tools {

class Calibration;  // cli/calibration.h

// What is not set falls back to a more general choice, in the end to lossless and smallest.
// Centroids start linearly then: at equal size of the tensors that loses less than the optimum does
// (0 to 0.9 dB of the mean SQNR on four models), because codes that are seldom used cost little.
// Without the profile paper no cluster stays empty.
struct EncodeChoice {
  std::optional<double> sparsity;
  std::optional<uint32_t> bits;
  std::optional<dcf_init> init;
  std::optional<uint64_t> seed;
  std::optional<dcf_positions> positions;
  std::optional<uint32_t> gap_bits;
  std::optional<bool> canonical_zeros;
  std::optional<dcf_effort> effort;  // only in EncodePlan::general
  std::optional<double> quality;     // only in rules: dB, as EncodePlan::quality; 0: lossless
  std::optional<bool>
      paper;  // the storage of Deep Compression: gap positions where there are weights

  bool cuts() const { return sparsity.value_or(0) > 0 || bits.value_or(0) > 0; }
  bool rounds() const { return quality.value_or(0) > 0; }
  bool is_lossy() const { return cuts() || rounds(); }
};

// Spellings on the command line and in recipes.
inline const std::vector<std::pair<std::string, dcf_positions>> kPositionsNames = {
    {"auto", DCF_POSITIONS_AUTO},
    {"dense", DCF_POSITIONS_DENSE},
    {"bitmap", DCF_POSITIONS_BITMAP},
    {"gap", DCF_POSITIONS_GAP},
    {"gap-bucket", DCF_POSITIONS_GAP_BUCKET}};
inline const std::vector<std::pair<std::string, dcf_init>> kInitNames = {
    {"linear", DCF_INIT_LINEAR},
    {"density", DCF_INIT_DENSITY},
    {"forgy", DCF_INIT_FORGY},
    {"optimal", DCF_INIT_OPTIMAL}};
inline const std::vector<std::pair<std::string, dcf_effort>> kEffortNames = {
    {"normal", DCF_EFFORT_NORMAL}, {"smallest", DCF_EFFORT_SMALLEST}, {"fast", DCF_EFFORT_FAST}};

// Whether the library may prune, cluster or round a tensor of this type and shape.
bool may_be_lossy(const TensorMeta& tensor);

// Nothing where the choice is consistent, else a sentence: gap_bits without gap positions, ...
std::optional<std::string> find_contradiction(const EncodeChoice& choice);

// Why a tensor is not pruned, clustered or rounded, as far as its name, type and shape tell.
enum class LeftOut : uint8_t {
  kNo,        // it is, if its values allow that
  kNotAsked,  // neither the options nor a rule ask for it
  kKept,      // the options ask for it, but the tensor's rule does not
  kIgnored,   // by the recipe
  kScale,     // holds scales or offsets of a quantised tensor
  kNotFloat,  // integers, or a type that is only ever stored as it is
  kLowRank,   // below 2
  kSmall,     // fewer than 512 elements
  kNoGrid     // a float type that is not rounded
};

struct TensorChoice {
  dcf_encode_options options;
  LeftOut left_out = LeftOut::kNotAsked;
};

struct EncodePlan {
  struct Rule {
    std::optional<NamePattern> match;  // always set
    EncodeChoice choice;
    // Every tensor that the pattern matches holds scales: the rule means them. Set by bind().
    bool means_scales = false;
  };

  EncodeChoice general;
  std::optional<double> quality;    // dB, of tensors without a rule that has it otherwise
  std::vector<Rule> rules;          // the first that matches wins; it refines `general`
  std::vector<NamePattern> ignore;  // lossless and smallest, whatever the rules say

  std::unordered_set<std::string> scales;  // names; set by bind()
  // Of the tensors that may be rounded, in dB, by name; set by bind().
  std::unordered_map<std::string, double> sqnr;
  // What is known of the inputs of the tensors that may be rounded; may be NULL.
  std::shared_ptr<Calibration> calibration;
  // What errors of those tensors cost the output (dcf_allot_quality()), by name: of all or of none.
  std::unordered_map<std::string, double> costs;

  bool is_lossy() const;
  bool drops_zero_signs() const;  // of some tensors
  bool rounds() const;            // some tensors, if there are such
  bool cuts() const;              // prunes or clusters some tensors
  // The lowest that the option or a rule asks for, in dB; nothing where none is rounded.
  std::optional<double> lowest_quality() const;

  // Looks through the names of `source`: finds the scales of quantised tensors, which only a rule
  // that matches nothing else makes inexact. Returns a warning for each pattern that matches no
  // tensor and each rule whose tensors all go to rules before it or are ignored. Shares the quality
  // among the tensors.
  std::vector<std::string> bind(const ModelSource& source);

  // Sets another quality, in dB, of a plan that was bound to `source`.
  void share_quality(double decibels, const ModelSource& source);
  // Shares it anew, as the costs are others.
  void share_quality(const ModelSource& source);

  TensorChoice choice_for(const TensorMeta& tensor) const;
  // Which tensors are rounded, and why others are not.
  LeftOut left_out_of_rounding(const TensorMeta& tensor) const;
  // Of tensor i of `source`. What a .dcf file says that the tensor has lost is handed on.
  dcf_encode_options options_for(const ModelSource& source, size_t i) const;

 private:
  bool is_ignored(const TensorMeta& tensor) const;
  const Rule* rule_for(const TensorMeta& tensor) const;  // NULL: none
  // What tensors of the rule, which may be NULL, are rounded to; nothing if they are not.
  std::optional<double> quality_by(const Rule* rule) const;
  LeftOut left_out_of_rounding(const TensorMeta& tensor, const Rule* rule) const;
};

}  // namespace dcf::tools
