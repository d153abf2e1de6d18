// SPDX-License-Identifier: Apache-2.0
// Bytes that are grouped by the class of their column, put in the order of the columns (spec,
// section 7.6), by shuffles of 16 bytes. Columns rise within a class, so those of any 16 columns
// that have one class stand side by side where they come from.
#pragma once

#include <array>
#include <vector>

#include "base/bytes.h"
#include "base/cpu.h"
#include "format/tensor.h"

namespace dcf::impl {

// What 16 columns take from one class.
struct SpreadPiece {
  uint32_t offset;                // of the first byte among those that the class has in a row
  uint32_t source;                // the class
  std::array<uint8_t, 16> lanes;  // by column: which byte from `offset` on, or kNone
  static constexpr uint8_t kNone = 0x80;
};

// The pieces of a row, those of 16 columns after those of the 16 before; the last 16 may overlap.
class SpreadPlan {
 public:
  static constexpr size_t kColumns = 16;
  static constexpr size_t kMostPieces = 1024;  // that stay in the first-level cache

  SpreadPlan() = default;
  // `map`: the class of each column. Empty if a row is too short or takes too many pieces.
  explicit SpreadPlan(Bytes map);

  struct Group {
    uint32_t column;
    uint32_t end;  // of its pieces
  };
  const std::vector<Group>& groups() const { return groups_; }
  const std::vector<SpreadPiece>& pieces() const { return pieces_; }
  // Upper bound on the memory of the plan of so many columns.
  static uint64_t memory(uint64_t columns);

 private:
  std::vector<Group> groups_;
  std::vector<SpreadPiece> pieces_;
};

// Where the next row takes the bytes of each class, and how many.
struct SpreadSources {
  std::array<const uint8_t*, kMaxClasses> from;
  std::array<uint64_t, kMaxClasses> of_row;
};

// Writes rows of `columns` bytes as long as no load passes `limit`, moves the sources on, and
// returns how many rows it wrote.
using SpreadRows = size_t (*)(const SpreadPlan& plan, SpreadSources* sources, const uint8_t* limit,
                              size_t rows, size_t columns, uint8_t* out);

// Null where the processor, or DCF_KERNEL, has no shuffle of bytes: the loop of class_order.cc,
// which writes the same, is all there is. Thread-safe.
SpreadRows active_spread_rows();

}  // namespace dcf::impl
