// SPDX-License-Identifier: Apache-2.0
// Which tensor is encoded how: the options of `dcf compress`, refined by the rules of a recipe.
#pragma once

#include <dcf/dcf_write.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/name_pattern.h"
#include "formats/tensor_meta.h"

namespace dcf::tools {

// What is not set falls back to a more general choice, in the end to lossless and smallest.
struct EncodeChoice {
  std::optional<double> sparsity;
  std::optional<uint32_t> bits;
  std::optional<dcf_init> init;
  std::optional<uint64_t> seed;
  std::optional<dcf_positions> positions;
  std::optional<uint32_t> gap_bits;
  std::optional<bool> canonical_zeros;
  std::optional<bool>
      paper;  // the storage of Deep Compression: gap positions where there are weights

  bool is_lossy() const { return sparsity.value_or(0) > 0 || bits.value_or(0) > 0; }
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

// Nothing where the choice is consistent, else a sentence: gap_bits without gap positions, ...
std::optional<std::string> find_contradiction(const EncodeChoice& choice);

struct EncodePlan {
  struct Rule {
    std::optional<NamePattern> match;  // always set
    EncodeChoice choice;
  };

  EncodeChoice general;
  std::vector<Rule> rules;          // the first that matches wins; it refines `general`
  std::vector<NamePattern> ignore;  // lossless and smallest, whatever the rules say

  bool is_lossy() const;
  dcf_encode_options options_for(const TensorMeta& tensor) const;
};

}  // namespace dcf::tools
