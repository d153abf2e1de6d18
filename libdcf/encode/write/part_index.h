// SPDX-License-Identifier: Apache-2.0
// A part: a .dcf file whose tensors are on their way into a larger file (spec, section 10.2). The
// index says what they are there: a tensor of the larger file is in the part in every encoding
// between which only the larger file can choose, or it is a range of chunks of a tensor that is
// cut over several parts. Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace dcf::impl::encode {

inline constexpr uint32_t kPartKind = 7;  // of the section that holds the index

struct PartEntry {
  std::string name;                       // in the larger file
  std::vector<uint64_t> dims;             // there
  uint64_t encodings = 1;                 // tensors of the part, in a row, that are this one
  std::array<uint8_t, 4> by_positions{};  // as in a Choice
  // The part has chunks from this one on, of `chunks`. 0 of them: it has the whole tensor.
  uint64_t first_chunk = 0;
  uint64_t chunks = 0;

  bool is_range() const { return chunks != 0; }
};

// The name in the part of encoding `encoding` of entry `entry`: the names rise in this order.
std::string part_tensor_name(size_t entry, size_t encoding);

std::vector<uint8_t> serialise_part_index(std::span<const PartEntry> entries);
// BadSection where the bytes are no index.
Result<std::vector<PartEntry>> parse_part_index(Bytes bytes);

}  // namespace dcf::impl::encode
