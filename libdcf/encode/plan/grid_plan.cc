// SPDX-License-Identifier: Apache-2.0
#include "encode/plan/grid_plan.h"

#include <atomic>
#include <mutex>

#include "base/checked.h"
#include "codec/stream.h"
#include "encode/round/grid_codes.h"
#include "encode/round/grid_round.h"
#include "encode/round/trellis.h"

namespace dcf::impl::encode {
namespace {

constexpr uint64_t kBlockBytes = kReadElements * (2 * sizeof(uint32_t) + sizeof(uint32_t) + 1);
constexpr uint64_t kParameters = 8;
constexpr uint64_t kCopies = 4;  // of the scales, between here and the file

// With fewer, what is no more than a grid may look like trellis values.
constexpr uint64_t kLeastTrellis = 64;

// Whether the integers of the elements, which are on the grid, are trellis values.
Result<bool> is_trellis(const Content& content, const GridScales& scales, uint64_t cols) {
  if (content.rounded != nullptr) return content.rounded->values == format::Values::kTrellis;
  if (cols == 0 || content.elements < kLeastTrellis) return false;
  const uint64_t rows = std::max(kReadElements / cols, uint64_t{1}) * cols;
  std::vector<uint8_t> scratch;
  std::vector<uint32_t> numbers;
  for (uint64_t first = 0; first < content.elements; first += rows) {
    const uint64_t end = std::min(first + rows, content.elements);
    DCF_ASSIGN(const Bytes words, content.dense(first, end, &scratch));
    numbers.resize(static_cast<size_t>(end - first));
    if (!grid_numbers(content.dtype, scales, first, words, numbers.data())) return false;
    for (std::span<const uint32_t> left = numbers; !left.empty();) {
      const std::span<const uint32_t> row = left.first(std::min<size_t>(cols, left.size()));
      if (!are_trellis_values(row)) return false;
      left = left.subspan(row.size());
    }
  }
  return true;
}

// The symbols of all elements; nothing where one is not on the grid.
Result<std::optional<codec::Histogram>> count_symbols(const Content& content, format::Values values,
                                                      const GridScales& scales, const Work& work) {
  const uint64_t held = kCopies * scales.scales.size() * sizeof(float);
  DCF_ASSIGN(const Parallel parallel,
             work.threads_for(kBlockBytes + PieceStore::kReaderBytes + held));
  const uint64_t blocks = ceil_div(content.elements, kReadElements);
  const uint64_t batch = uint64_t{16} * parallel.width();
  std::optional<codec::Histogram> symbols(codec::Histogram{});
  std::mutex mutex;
  std::atomic<bool> off{false};
  for (uint64_t done = 0; done < blocks && !off; done += batch) {
    const auto count = static_cast<size_t>(std::min(batch, blocks - done));
    DCF_TRY(run_fallible(parallel, count, [&](size_t i) -> Status {
      if (off) return ok_status();
      const uint64_t begin = (done + i) * kReadElements;
      const uint64_t end = std::min(begin + kReadElements, content.elements);
      std::vector<uint8_t> scratch;
      DCF_ASSIGN(const Bytes words, content.dense(begin, end, &scratch));
      GridScratch codes;
      const std::optional<GridCodes> own =
          grid_codes(content, values, scales, begin, words, &codes);
      if (!own) {
        off = true;
        return ok_status();
      }
      const codec::Histogram counts = codec::histogram_of(own->symbols);
      const std::lock_guard lock(mutex);
      for (size_t s = 0; s < counts.size(); ++s) (*symbols)[s] += counts[s];
      return ok_status();
    }));
    DCF_TRY(work.progress.poll());
  }
  if (off) symbols.reset();
  return symbols;
}

}  // namespace

Result<std::optional<GridPlan>> plan_grid(const Content& content, GridScales scales, uint64_t cols,
                                          uint64_t chunks, const Work& work) {
  if (!has_grid(content.dtype)) return std::optional<GridPlan>();
  DCF_ASSIGN(const bool trellis, is_trellis(content, scales, cols));
  GridPlan plan;
  ValuePlan& values = plan.values;
  values.encoding.values = trellis ? format::Values::kTrellis : format::Values::kGrid;
  DCF_ASSIGN(const std::optional<codec::Histogram> symbols,
             count_symbols(content, values.encoding.values, scales, work));
  if (!symbols) return std::optional<GridPlan>();
  values.encoding.grid_run = scales.axis.run;
  values.encoding.grid_units = scales.axis.units;
  values.stream = plan_stream(*symbols, kIntBuckets.alphabet(trellis ? kTrellisBits : 32), chunks);
  values.bytes = values.stream.bytes + codec::bucket_extra_size(*symbols, kIntBuckets) +
                 kParameters + scales.scales.size() * sizeof(float);
  plan.scales = std::move(scales);
  return std::optional<GridPlan>(std::move(plan));
}

}  // namespace dcf::impl::encode
