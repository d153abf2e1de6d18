// SPDX-License-Identifier: Apache-2.0
// The ways to store which elements are entries (spec, section 7), and the size of each. All gap
// widths and bucket codes are priced from one histogram of distances per view.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "encode/content/content.h"
#include "encode/content/grid.h"
#include "encode/content/work.h"
#include "encode/plan/stream_plan.h"

namespace dcf::impl::encode {

inline constexpr unsigned kMinGapBits = 2;
inline constexpr unsigned kMaxGapBits = 8;

// How often each gap (distance to the entry before in its row, less 1) occurs.
class GapHistogram {
 public:
  explicit GapHistogram(uint32_t cols) : small_(std::min<uint32_t>(cols, kSmall)) {}
  void add(uint32_t gap) {
    if (gap < small_.size()) {
      ++small_[gap];
    } else {
      ++large_[gap];
    }
  }
  void merge(const GapHistogram& other);

  struct Fixed {
    codec::Histogram symbols{};
    uint64_t fillers = 0;
  };
  // The symbols of gaps of `bits` bits, including those of the fillers.
  Fixed fixed(unsigned bits) const;
  codec::Histogram buckets(BucketCode code) const;

 private:
  static constexpr uint32_t kSmall = 1 << 14;
  template <typename F>
  void for_each(F f) const;

  std::vector<uint64_t> small_;
  std::map<uint32_t, uint64_t> large_;
};

// Statistics of the entries in one view.
struct PositionStats {
  PositionStats() : gaps(0) {}
  Grid grid;
  GapHistogram gaps;
  codec::Histogram bitmap{};
  codec::Histogram signs{};
  uint64_t used_chunks = 0;     // chunks with entries
  uint64_t counted_chunks = 0;  // chunks with entries and more than one row
  uint64_t signed_chunks = 0;   // chunks with skipped elements
  // By gap width. [0] counts no fillers, as gap-bucket does.
  std::array<codec::Histogram, kMaxGapBits + 1> counts{};  // bucket symbols of the entries per row
  std::array<uint64_t, kMaxGapBits + 1> most_entries{};    // the most entries of a chunk
};

// The number of elements of a content that sparse positions store, and of skipped ones with a sign.
struct StoredCounts {
  uint64_t entries = 0;
  uint64_t negatives = 0;
};

// Of every `step`-th chunk. Nothing if a row has too many entries for a chunk. Fails with
// LimitMemory or Cancelled, or as a store does.
Result<std::optional<PositionStats>> measure_positions(const Content& content, Grid grid,
                                                       StoredCounts stored, const Work& work,
                                                       uint64_t step = 1);
// Bytes that one thread allocates to extract a chunk of the grid with at most `most` entries and
// signs.
uint64_t extraction_bytes(const Content& content, const Grid& grid, StoredCounts most);

struct PositionPlan {
  format::Encoding encoding;  // the fields of the positions
  const PositionStats* stats = nullptr;
  uint64_t fillers = 0;
  StreamPlan main;  // bitmap, gaps or buckets
  StreamPlan counts;
  StreamPlan signs;
  uint64_t bytes = 0;  // streams, tables and parameters
};

// The plans of one kind of positions for one view; gap_bits 0: all widths.
std::vector<PositionPlan> plan_positions(const PositionStats& stats, format::Positions positions,
                                         unsigned gap_bits, bool signs);

// The bit string of the signs of the elements that a chunk of `elements` skips, and the bit string
// of its bitmap.
std::vector<uint8_t> sign_bits(const EntryBlock& block, uint64_t elements);
std::vector<uint8_t> bitmap_bits(const EntryBlock& block, uint64_t elements);

}  // namespace dcf::impl::encode
