// SPDX-License-Identifier: Apache-2.0
#include "encode/plan/delta_sample.h"

#include <algorithm>
#include <bit>

#include "base/checked.h"
#include "encode/content/delta_words.h"
#include "encode/content/grid.h"
#include "encode/plan/bit_costs.h"

namespace dcf::impl::encode {
namespace {

constexpr size_t kMostDistances = 32;       // that are sampled
constexpr uint64_t kLeastOfDeltaUnit = 64;  // elements
constexpr uint64_t kMostUnits = uint64_t{1} << 16;
constexpr uint64_t kMostColumns = uint64_t{1} << 17;  // of a transposed view
constexpr uint64_t kWindow = 32;                      // elements of the flattened tensor

// The divisors of n below it, ascending.
std::vector<uint64_t> divisors_of(uint64_t n) {
  std::vector<uint64_t> low;
  std::vector<uint64_t> high;
  for (uint64_t d = 1; d * d <= n && low.size() < kMostDistances; ++d) {
    if (n % d != 0) continue;
    if (d < n) low.push_back(d);
    if (d != n / d && n / d < n) high.push_back(n / d);
  }
  low.insert(low.end(), high.rbegin(), high.rend());
  return low;
}

// Units of at least kLeastOfDeltaUnit elements, and not too many.
ClassAxis bounded(uint64_t run, uint64_t units, uint64_t elements) {
  const uint64_t times = std::max(ceil_div(kLeastOfDeltaUnit, run), ceil_div(units, kMostUnits));
  run *= times;
  if (run > elements / 2 || run > UINT32_MAX) return {1, 1};
  return {static_cast<uint32_t>(run), static_cast<uint32_t>(elements / run)};
}

DeltaLayout flat_layout(const std::vector<uint64_t>& dims, uint64_t elements, bool all) {
  constexpr uint64_t kMostDivisors = 12;  // of a dim
  DeltaLayout layout;
  layout.dims = dims;
  uint64_t stride = 1;
  uint64_t aligned = 1;  // the longest stride that a row of the view has several of
  for (size_t k = dims.size(); k-- > 0; stride *= dims[k]) {
    if (stride > kClassChunkEntries / 2) break;
    aligned = stride;
    const std::vector<uint64_t> divisors = all ? divisors_of(dims[k]) : std::vector<uint64_t>{1, 2};
    for (size_t i = 0; i < std::min<size_t>(divisors.size(), kMostDivisors); ++i) {
      const uint64_t distance = stride * divisors[i];
      if (divisors[i] >= dims[k] || distance > kClassChunkEntries / 2) break;
      if (layout.distances.size() == kMostDistances) break;
      layout.distances.push_back(static_cast<uint32_t>(distance));
    }
  }
  const uint64_t cols = std::min(elements, kClassChunkEntries / aligned * aligned);
  layout.view = {static_cast<uint32_t>(cols), false};
  const uint64_t rows = dims.size() < 2 ? 1 : dims[0];
  layout.units = rows < 2 ? ClassAxis{1, 1} : bounded(elements / rows, rows, elements);
  return layout;
}

DeltaLayout transposed_layout(const std::vector<uint64_t>& dims) {
  DeltaLayout layout;
  layout.view = {static_cast<uint32_t>(dims[0]), true};
  layout.units = {1, static_cast<uint32_t>(dims[0])};
  layout.dims.assign(dims.begin() + 1, dims.end());
  layout.dims.push_back(dims[0]);
  for (const uint64_t d : divisors_of(dims[0])) {
    if (layout.distances.size() == kMostDistances) break;
    layout.distances.push_back(static_cast<uint32_t>(d));
  }
  return layout;
}

template <typename Word>
uint8_t width_of(Word difference) {
  return static_cast<uint8_t>(std::bit_width(zigzag_of(difference)));
}

// Windows of the flattened tensor, at even distances.
Status sample_windows(const Content& content, const DeltaLayout& layout, DeltaSample* sample) {
  std::vector<uint8_t> scratch;
  std::vector<uint8_t> before_scratch;
  for (uint64_t u = 0; u < sample->units; ++u) {
    const uint64_t start = u * (content.elements / sample->units);
    const uint64_t end = start + sample->of_unit;
    DCF_ASSIGN(const Bytes words, content.dense(start, end, &scratch));
    for (size_t p = 0; p <= layout.distances.size(); ++p) {
      const uint64_t distance = p == 0 ? UINT64_MAX : layout.distances[p - 1];
      Bytes earlier;
      if (distance <= start) {
        DCF_ASSIGN(earlier, content.dense(start - distance, end - distance, &before_scratch));
      }
      uint8_t* const to = &sample->widths[p][static_cast<size_t>(u) * sample->of_unit];
      with_words(content.dtype, words, [&]<typename Word>(Words<Word> view) {
        const Words<Word> before(earlier);
        for (size_t i = 0; i < view.size(); ++i) {
          const bool has = before.size() != 0 && distance <= (start + i) % layout.view.cols;
          const Word from = has ? key_above_zero(content.dtype, before[i]) : Word{0};
          const Word key = key_above_zero(content.dtype, view[i]);
          to[i] = width_of(static_cast<Word>(key - from));
        }
      });
    }
  }
  return ok_status();
}

// Whole rows of the transposed view. One pass over the tensor, which may be in a store.
Status sample_columns(const Content& content, const DeltaLayout& layout, DeltaSample* sample) {
  const uint64_t cols = layout.view.cols;
  const uint64_t stride = content.elements / cols;
  const size_t width = content.width();
  std::vector<uint8_t> scratch;
  std::vector<uint8_t> taken(static_cast<size_t>(sample->elements()) * width);
  Bytes block;
  uint64_t block_begin = 0;
  uint64_t block_end = 0;
  for (uint64_t c = 0; c < cols; ++c) {
    for (uint64_t j = 0; j < sample->of_unit; ++j) {
      const uint64_t element = c * stride + (2 * j + 1) * stride / (2 * sample->of_unit);
      if (element >= block_end) {
        block_begin = element;
        block_end = std::min(content.elements, element + kReadElements);
        DCF_ASSIGN(block, content.dense(block_begin, block_end, &scratch));
      }
      std::copy_n(block.data() + (element - block_begin) * width, width,
                  &taken[static_cast<size_t>(j * cols + c) * width]);
    }
  }
  with_words(content.dtype, Bytes(taken), [&]<typename Word>(Words<Word> view) {
    for (size_t p = 0; p <= layout.distances.size(); ++p) {
      const uint64_t distance = p == 0 ? UINT64_MAX : layout.distances[p - 1];
      for (uint64_t c = 0; c < cols; ++c) {
        for (uint64_t j = 0; j < sample->of_unit; ++j) {
          const auto at = static_cast<size_t>(j * cols + c);
          const Word from =
              distance <= c ? key_above_zero(content.dtype, view[at - distance]) : Word{0};
          const Word key = key_above_zero(content.dtype, view[at]);
          sample->widths[p][static_cast<size_t>(c * sample->of_unit + j)] =
              width_of(static_cast<Word>(key - from));
        }
      }
    }
  });
  return ok_status();
}

}  // namespace

std::vector<DeltaLayout> delta_layouts(const std::vector<uint64_t>& dims, uint64_t elements,
                                       bool transposed) {
  std::vector<DeltaLayout> layouts = {flat_layout(dims, elements, transposed)};
  const bool has_columns = dims.size() >= 2 && dims[0] >= 2 && dims[0] <= kMostColumns &&
                           elements / dims[0] >= 2 && elements > layouts[0].view.cols;
  if (transposed && has_columns) layouts.push_back(transposed_layout(dims));
  std::erase_if(layouts, [](const DeltaLayout& layout) { return layout.distances.empty(); });
  return layouts;
}

Result<DeltaSample> sample_deltas(const Content& content, const DeltaLayout& layout,
                                  uint64_t elements) {
  DeltaSample sample;
  if (layout.view.transposed) {
    const uint64_t rows = content.elements / layout.view.cols;
    sample.units = layout.view.cols;
    sample.of_unit = static_cast<size_t>(
        std::clamp<uint64_t>(elements / layout.view.cols, 1, std::min<uint64_t>(rows, 16)));
  } else {
    sample.of_unit = static_cast<size_t>(std::min(kWindow, content.elements));
    sample.units = static_cast<size_t>(
        std::clamp<uint64_t>(std::min(elements, content.elements) / sample.of_unit, 1, elements));
  }
  sample.widths.assign(layout.distances.size() + 1,
                       std::vector<uint8_t>(static_cast<size_t>(sample.elements())));
  DCF_TRY(layout.view.transposed ? sample_columns(content, layout, &sample)
                                 : sample_windows(content, layout, &sample));
  // Of a few elements the best of many predictors always looks good: columns share one instead.
  if (sample.of_unit < kWindow) {
    const size_t columns = std::min<size_t>(ceil_div(kWindow, sample.of_unit), sample.units);
    sample.of_unit *= columns;
    sample.units /= columns;
    for (std::vector<uint8_t>& widths : sample.widths) widths.resize(sample.units * sample.of_unit);
  }
  return sample;
}

DeltaChoice choose_distances(const DeltaLayout& layout, const DeltaSample& sample) {
  const size_t predictors = sample.widths.size();
  std::vector<std::vector<uint32_t>> costs(predictors, std::vector<uint32_t>(sample.units));
  for (size_t p = 0; p < predictors; ++p) {
    for (size_t i = 0; i < sample.widths[p].size(); ++i) {
      costs[p][i / sample.of_unit] += sample.widths[p][i];
    }
  }
  // Greedily: the distance that saves most beside those that are chosen.
  std::vector<uint32_t> best = costs[0];
  std::vector<uint8_t> taken(sample.units);
  DeltaChoice choice;
  while (choice.distances.size() < kMaxDistances) {
    uint64_t most = 0;
    size_t chosen = 0;
    for (size_t p = 1; p < predictors; ++p) {
      uint64_t saved = 0;
      for (size_t u = 0; u < sample.units; ++u) {
        saved += best[u] > costs[p][u] ? best[u] - costs[p][u] : 0;
      }
      if (saved <= most) continue;
      most = saved;
      chosen = p;
    }
    // One more distance costs a little for each unit.
    if (most * 64 <= sample.elements()) break;
    choice.distances.push_back(layout.distances[chosen - 1]);
    for (size_t u = 0; u < sample.units; ++u) {
      if (costs[chosen][u] >= best[u]) continue;
      best[u] = costs[chosen][u];
      taken[u] = static_cast<uint8_t>(chosen);
    }
  }
  std::array<uint64_t, kDeltaWidths> counts{};
  uint64_t below = 0;  // bits below the highest one, which cost what they are
  for (size_t u = 0; u < sample.units; ++u) {
    for (size_t i = u * sample.of_unit; i < (u + 1) * sample.of_unit; ++i) {
      const uint8_t width = sample.widths[taken[u]][i];
      ++counts[width];
      below += width > 1 ? width - 1u : 0;
    }
  }
  choice.cost = entropy_of(counts) + (below << kFractionBits);
  const uint32_t all = log2_of(sample.elements() + kDeltaWidths);
  for (size_t w = 0; w < kDeltaWidths; ++w) {
    const auto bits = static_cast<uint32_t>(w > 1 ? w - 1 : 0);
    choice.costs[w] = all - log2_of(counts[w] + 1) + (bits << kFractionBits);
  }
  return choice;
}

}  // namespace dcf::impl::encode
