// SPDX-License-Identifier: Apache-2.0
#include "encode/plan/position_plan.h"

#include <atomic>

#include "base/checked.h"

namespace dcf::impl::encode {
namespace {

void add(codec::Histogram& to, const codec::Histogram& from) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

// Entries by gap width, [0] without fillers.
using EntryCounts = std::array<uint64_t, kMaxGapBits + 1>;

// Counts the entries of each row of a chunk as they are visited.
class RowCounter {
 public:
  explicit RowCounter(PositionStats& stats) : stats_(stats) {}
  void add_entry(uint32_t gap) {
    ++entries_;
    if (gap >> kMinGapBits == 0) return;
    for (unsigned b = kMinGapBits; b <= kMaxGapBits; ++b) fillers_[b] += gap >> b;
  }
  // The row ends, and `empty` rows follow it.
  void end_row(uint64_t empty) {
    for (unsigned b = 0; b <= kMaxGapBits; ++b) {
      ++stats_.counts[b][kCountBuckets.symbol(entries_ + fillers_[b])];
      stats_.counts[b][0] += empty;
      total_[b] += entries_ + fillers_[b];
    }
    entries_ = 0;
    fillers_ = {};
  }
  void end_chunk() {
    for (unsigned b = 0; b <= kMaxGapBits; ++b) {
      stats_.most_entries[b] = std::max(stats_.most_entries[b], total_[b]);
    }
  }

 private:
  PositionStats& stats_;
  uint64_t entries_ = 0;
  EntryCounts fillers_{};
  EntryCounts total_{};
};

void add_bitmap(const EntryBlock& block, uint64_t elements, codec::Histogram& bitmap) {
  // Bytes without an entry are zero: bytes_left of them in the end.
  uint64_t bytes_left = ceil_div(elements, 8);
  uint32_t at = block.offsets[0] / 8;
  unsigned byte = 0;
  for (const uint32_t offset : block.offsets) {
    if (offset / 8 != at) {
      ++bitmap[byte];
      --bytes_left;
      at = offset / 8;
      byte = 0;
    }
    byte |= 1u << (offset % 8);
  }
  ++bitmap[byte];
  bitmap[0] += bytes_left - 1;
}

void add_chunk(const EntryBlock& block, uint64_t chunk, bool signs, PositionStats& stats) {
  const Grid& grid = stats.grid;
  const uint64_t elements = grid.chunk_end(chunk) - grid.chunk_begin(chunk);
  if (signs && block.offsets.size() < elements) {
    ++stats.signed_chunks;
    add(stats.signs, codec::histogram_of(sign_bits(block, elements)));
  }
  if (block.offsets.empty()) return;
  ++stats.used_chunks;
  stats.counted_chunks += grid.chunk_rows(chunk) > 1;
  add_bitmap(block, elements, stats.bitmap);
  RowCounter counter(stats);
  const uint32_t cols = grid.view.cols;
  uint64_t row_start = 0;
  uint64_t rows_left = grid.chunk_rows(chunk);
  uint64_t next = 0;  // the lowest offset the next entry can have
  for (const uint32_t offset : block.offsets) {
    if (offset >= row_start + cols) {
      const uint64_t steps = (offset - row_start) / cols;
      counter.end_row(steps - 1);
      rows_left -= steps;
      row_start += steps * cols;
      next = row_start;
    }
    const auto gap = static_cast<uint32_t>(offset - next);
    stats.gaps.add(gap);
    counter.add_entry(gap);
    next = offset + 1;
  }
  counter.end_row(rows_left - 1);
  counter.end_chunk();
}

void merge(PositionStats& to, const PositionStats& from) {
  to.gaps.merge(from.gaps);
  add(to.bitmap, from.bitmap);
  add(to.signs, from.signs);
  for (unsigned b = 0; b <= kMaxGapBits; ++b) {
    add(to.counts[b], from.counts[b]);
    to.most_entries[b] = std::max(to.most_entries[b], from.most_entries[b]);
  }
  to.used_chunks += from.used_chunks;
  to.counted_chunks += from.counted_chunks;
  to.signed_chunks += from.signed_chunks;
}

std::vector<uint8_t> bit_string(uint64_t bits) {
  return std::vector<uint8_t>(static_cast<size_t>(ceil_div(bits, 8)));
}

}  // namespace

void GapHistogram::merge(const GapHistogram& other) {
  for (size_t i = 0; i < small_.size(); ++i) small_[i] += other.small_[i];
  for (const auto& [gap, count] : other.large_) large_[gap] += count;
}

template <typename F>
void GapHistogram::for_each(F f) const {
  for (uint32_t gap = 0; gap < small_.size(); ++gap) {
    if (small_[gap] > 0) f(gap, small_[gap]);
  }
  for (const auto& [gap, count] : large_) f(gap, count);
}

GapHistogram::Fixed GapHistogram::fixed(unsigned bits) const {
  Fixed result;
  const uint32_t last = (1u << bits) - 1;
  for_each([&](uint32_t gap, uint64_t count) {
    result.symbols[gap & last] += count;
    result.fillers += count * (gap >> bits);
  });
  result.symbols[last] += result.fillers;
  return result;
}

codec::Histogram GapHistogram::buckets(BucketCode code) const {
  codec::Histogram histogram{};
  for_each([&](uint32_t gap, uint64_t count) { histogram[code.symbol(gap)] += count; });
  return histogram;
}

uint64_t extraction_bytes(const Content& content, const Grid& grid, StoredCounts most) {
  const uint64_t elements = grid.chunk_end(0);
  const uint64_t entries = std::min({most.entries, elements, uint64_t{kMaxChunkEntries} + 1});
  // A list that grows by doubling briefly needs three times its size. The other terms are bit
  // strings of all elements.
  uint64_t bytes = 3 * entries * (content.width() + sizeof(uint32_t)) +
                   3 * std::min(most.negatives, elements) * sizeof(uint32_t) + elements / 4 +
                   2 * grid.chunk_rows(0) * sizeof(uint32_t);
  if (content.pieces != nullptr) bytes += PieceStore::kReaderBytes;
  return bytes;
}

Result<std::optional<PositionStats>> measure_positions(const Content& content, Grid grid,
                                                       StoredCounts stored, const Work& work,
                                                       uint64_t step) {
  const bool signs = stored.negatives > 0;
  for (;;) {
    DCF_ASSIGN(const Parallel parallel,
               work.threads_for(extraction_bytes(content, grid, stored) + sizeof(PositionStats)));
    const uint64_t measured = ceil_div(grid.chunks, step);
    const size_t parts = std::min<size_t>(parallel.width(), measured);
    std::vector<PositionStats> part_stats(parts);
    for (PositionStats& stats : part_stats) {
      stats.grid = grid;
      stats.gaps = GapHistogram(grid.view.cols);
    }
    std::atomic<uint64_t> next{0};
    std::atomic<bool> too_many{false};
    // The caller may cancel between two batches.
    const uint64_t batch = uint64_t{256} * parts;
    for (uint64_t end = batch; next < measured && !too_many; end += batch) {
      DCF_TRY(run_fallible(parallel, parts, [&](size_t part) -> Status {
        EntryBlock block;
        while (!too_many) {
          const uint64_t i = next.fetch_add(1);
          if (i >= measured) break;
          const uint64_t chunk = i * step;
          DCF_TRY(
              content.extract(grid.view, grid.first_row(chunk), grid.chunk_rows(chunk), &block));
          const uint64_t elements = grid.chunk_end(chunk) - grid.chunk_begin(chunk);
          if (elements > kMaxChunkEntries && block.offsets.size() > kSafeChunkEntries) {
            too_many = true;
          } else {
            add_chunk(block, chunk, signs, part_stats[part]);
          }
          if (next >= end) break;
        }
        return ok_status();
      }));
      DCF_TRY(work.progress.poll());
    }
    if (!too_many) {
      for (size_t i = 1; i < parts; ++i) merge(part_stats[0], part_stats[i]);
      return std::optional<PositionStats>(std::move(part_stats[0]));
    }
    const std::optional<Grid> smaller = halve_chunks(grid);
    if (!smaller) return std::optional<PositionStats>();
    grid = *smaller;
  }
}

std::vector<PositionPlan> plan_positions(const PositionStats& stats, format::Positions positions,
                                         unsigned gap_bits, bool signs) {
  PositionPlan base;
  base.encoding.positions = positions;
  base.encoding.signs = signs;
  base.stats = &stats;
  base.bytes = 1;
  if (signs) {
    base.signs = plan_stream(stats.signs, 256, std::max<uint64_t>(1, stats.signed_chunks));
    base.bytes += base.signs.bytes;
  }
  const uint64_t chunks = std::max<uint64_t>(1, stats.used_chunks);
  if (positions == format::Positions::kBitmap) {
    base.main = plan_stream(stats.bitmap, 256, chunks);
    base.bytes += base.main.bytes;
    return {base};
  }
  base.bytes += 1;
  const auto plan_counts = [&](PositionPlan& plan, const codec::Histogram& counts) {
    if (stats.counted_chunks == 0) return;
    plan.counts = plan_stream(counts, kCountBuckets.alphabet(kCountBits), stats.counted_chunks);
    plan.bytes += plan.counts.bytes + codec::bucket_extra_size(counts, kCountBuckets);
  };
  std::vector<PositionPlan> plans;
  if (positions == format::Positions::kGap) {
    for (unsigned b = kMinGapBits; b <= kMaxGapBits; ++b) {
      if ((gap_bits != 0 && b != gap_bits) || stats.most_entries[b] > kMaxChunkEntries) continue;
      PositionPlan plan = base;
      const GapHistogram::Fixed fixed = stats.gaps.fixed(b);
      plan.encoding.gap_bits = static_cast<uint8_t>(b);
      plan.fillers = fixed.fillers;
      plan.main = plan_stream(fixed.symbols, 1u << b, chunks);
      plan.bytes += plan.main.bytes;
      plan_counts(plan, stats.counts[b]);
      plans.push_back(plan);
    }
    return plans;
  }
  plan_counts(base, stats.counts[0]);
  for (unsigned t = 2; t <= 7; ++t) {
    for (unsigned s = 0; s <= 2; ++s) {
      PositionPlan plan = base;
      const BucketCode code{t, s};
      const codec::Histogram histogram = stats.gaps.buckets(code);
      plan.encoding.bucket_t = static_cast<uint8_t>(t);
      plan.encoding.bucket_s = static_cast<uint8_t>(s);
      plan.main = plan_stream(histogram, code.alphabet(kGapBits), chunks);
      plan.bytes += plan.main.bytes + codec::bucket_extra_size(histogram, code);
      plans.push_back(plan);
    }
  }
  return plans;
}

std::vector<uint8_t> sign_bits(const EntryBlock& block, uint64_t elements) {
  std::vector<uint8_t> bits = bit_string(elements - block.offsets.size());
  size_t entries_before = 0;
  for (const uint32_t offset : block.negatives) {
    while (entries_before < block.offsets.size() && block.offsets[entries_before] < offset) {
      ++entries_before;
    }
    const size_t at = offset - entries_before;
    bits[at / 8] |= static_cast<uint8_t>(1u << (at % 8));
  }
  return bits;
}

std::vector<uint8_t> bitmap_bits(const EntryBlock& block, uint64_t elements) {
  std::vector<uint8_t> bits = bit_string(elements);
  for (const uint32_t offset : block.offsets) {
    bits[offset / 8] |= static_cast<uint8_t>(1u << (offset % 8));
  }
  return bits;
}

}  // namespace dcf::impl::encode
