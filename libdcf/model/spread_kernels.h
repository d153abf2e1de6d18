// SPDX-License-Identifier: Apache-2.0
// Bytes that are grouped by the class of their column, put in the order of the columns (spec,
// section 7.6), 16 or 64 columns at a time. Columns rise within a class, so those of a group of
// columns that have one class stand side by side where they come from.
#pragma once

#include <array>
#include <vector>

#include "base/bytes.h"
#include "base/cpu.h"
#include "format/tensor.h"

namespace dcf::impl::model {

// What a group of columns takes from one class.
struct SpreadPiece {
  uint32_t offset;  // of the first byte among those that the class has in a row
  uint32_t source;  // the class
  // Groups of 16: by column, which byte from `offset` on, or kNone. Groups of 64: a little-endian
  // word with a bit for each column that takes a byte, the next one each.
  std::array<uint8_t, 16> columns;
  static constexpr uint8_t kNone = 0x80;
};

// The pieces of a row, those of a group after those of the group before; the last one of 16 may
// overlap.
class SpreadPlan {
 public:
  static constexpr size_t kMostColumns = 64;   // of a group
  static constexpr size_t kMostPieces = 1024;  // that stay in the first-level cache

  SpreadPlan() = default;
  // `map`: the class of each column. `group`: columns of a group, 16 or 64. Empty if a row is too
  // short or takes too many pieces.
  SpreadPlan(Bytes map, size_t group);

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

// Where a row takes the bytes of each class.
using SpreadSources = std::array<const uint8_t*, kMaxClasses>;

// Bytes behind those of the last class that are read, whatever they are.
inline constexpr size_t kSpreadSlack = SpreadPlan::kMostColumns;

struct SpreadKernels {
  CpuSet set;
  size_t group;  // columns, of its plans
  // Writes a row of `columns` bytes.
  void (*row)(const SpreadPlan& plan, const SpreadSources& from, size_t columns, uint8_t* out);
};

// Those that this processor can run, the best last; there need be none. The loop of class_order.cc
// writes the same.
std::vector<const SpreadKernels*> available_spread_kernels();
// The best that DCF_KERNEL allows, or null. Thread-safe.
const SpreadKernels* active_spread_kernels();

}  // namespace dcf::impl::model
