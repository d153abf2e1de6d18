// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "kernels/row_windows_loops.h"

#define DCF_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))

namespace dcf::impl::kernels {
namespace {

constexpr size_t kLanes = RowWindows::kLanes;
constexpr uint32_t kStride = RowWindows::kStride;

// Prefetches the entries of the next rows, a line at a time: the hardware prefetchers cannot follow
// as many rows at once.
class Prefetcher {
 public:
  // The rows are at + rows[i] of the matrix.
  Prefetcher(const LayerEntries& e, uint64_t at, std::span<const uint32_t> rows)
      : entries_(e.entries.data()),
        values_(e.has_codes() ? nullptr : e.values.data()),
        row_start_(e.row_start.data() + at),
        row_length_(e.row_length.data() + at),
        next_(rows.data()),
        last_(rows.data() + rows.size()) {}

  void step() {
    if (at_ >= end_) {
      if (next_ >= last_) return;
      const uint32_t row = *next_++;
      at_ = row_start_[row];
      end_ = at_ + row_length_[row] + 1;
    }
    _mm_prefetch(reinterpret_cast<const char*>(entries_ + at_), _MM_HINT_T0);
    if (values_ != nullptr) {
      _mm_prefetch(reinterpret_cast<const char*>(values_ + at_), _MM_HINT_T0);
    }
    at_ += kLine;
  }

 private:
  static constexpr uint64_t kLine = 16;  // entries

  const uint32_t* entries_;
  const float* values_;
  const uint64_t* row_start_;
  const uint32_t* row_length_;
  const uint32_t* next_;
  const uint32_t* last_;
  uint64_t at_ = 0;
  uint64_t end_ = 0;
};

// One group of rows: the position of each lane, and the entry there.
struct Lanes {
  __m512i at;
  __m512i entry;
};

DCF_AVX512 inline __m512i splat(uint32_t value) {
  return _mm512_set1_epi32(static_cast<int>(value));
}

// Writes the entries of the lanes in `takes` to a step. `offset`: their columns within the window.
DCF_AVX512 inline void put_weights(const LayerEntries& e, const Lanes& lanes, __mmask16 takes,
                                   __m512i offset, StepList::Place* to) {
  const __m512i marked = _mm512_or_si512(offset, splat(RowWindows::kPresentByte));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to->columns),
                   _mm512_maskz_cvtepi32_epi8(takes, marked));
  to->columns += kLanes;
  const __m512 zero = _mm512_setzero_ps();
  const __m512 weights =
      e.has_codes() ? _mm512_mask_i32gather_ps(
                          zero, takes, _mm512_srli_epi32(lanes.entry, LayerEntries::kColumnBits),
                          e.codebook.data(), 4)
                    : _mm512_mask_i32gather_ps(zero, takes, lanes.at, e.values.data(), 4);
  _mm512_storeu_ps(to->weights, weights);
  to->weights += kLanes;
}

DCF_AVX512 inline void put_codes(const Lanes& lanes, __mmask16 takes, __m512i offset,
                                 StepList::Place* to) {
  const __m512i code = _mm512_slli_epi32(_mm512_srli_epi32(lanes.entry, LayerEntries::kColumnBits),
                                         RowWindows::kCodeShift);
  const __m512i marked =
      _mm512_or_si512(_mm512_or_si512(offset, code), splat(RowWindows::kPresent));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to->slots),
                      _mm512_maskz_cvtepi32_epi16(takes, marked));
  to->slots += kLanes;
}

// Writes a step that only moves the window.
void put_nothing(bool codes, const StepList::Place& to) {
  *to.advance = kMostStrides;
  if (codes) {
    std::fill_n(to.slots, kLanes, uint16_t{0});
  } else {
    std::fill_n(to.columns, kLanes, uint8_t{0});
  }
}

// Four consecutive entries of each lane, from[at] and on. Four entries of a row are read at once
// and then transposed: reading single entries costs three times as much, and gathers even more.
struct Fetched {
  static constexpr int kEntries = 4;
  __m512i entry[kEntries];
};

// Four entries each of lanes i, i + 4, i + 8 and i + 12.
DCF_AVX512 inline __m512i pieces(const uint32_t* from, const uint32_t* at, size_t i) {
  const auto piece = [&](size_t lane) DCF_AVX512 {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at[lane]));
  };
  const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(piece(i)), piece(i + 4), 1);
  const __m256i high =
      _mm256_inserti128_si256(_mm256_castsi128_si256(piece(i + 8)), piece(i + 12), 1);
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

DCF_AVX512 inline Fetched fetch(const uint32_t* from, __m512i at) {
  alignas(64) uint32_t i[kLanes];
  _mm512_store_si512(i, at);
  __asm__("" : "+m"(i));  // without this each is extracted from the vector, by two instructions
  const __m512i a = pieces(from, i, 0);
  const __m512i b = pieces(from, i, 1);
  const __m512i c = pieces(from, i, 2);
  const __m512i d = pieces(from, i, 3);
  const __m512i ab = _mm512_unpacklo_epi32(a, b);
  const __m512i cd = _mm512_unpacklo_epi32(c, d);
  const __m512i ab2 = _mm512_unpackhi_epi32(a, b);
  const __m512i cd2 = _mm512_unpackhi_epi32(c, d);
  return {{_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd),
           _mm512_unpacklo_epi64(ab2, cd2), _mm512_unpackhi_epi64(ab2, cd2)}};
}

DCF_AVX512 inline bool any_below(__m512i offset, uint32_t end) {
  return _mm512_cmplt_epu32_mask(offset, splat(end)) != 0;
}

// `at`: where the row of each lane begins. False if there would be more than max_steps steps.
template <bool kCodes>
DCF_AVX512 bool pack_group(const LayerEntries& e, __m512i at, uint64_t max_steps, Prefetcher ahead,
                           StepList* steps) {
  const uint32_t* const entries = e.entries.data();
  const __m512i column_mask = splat(e.has_codes() ? LayerEntries::kColumnMask : UINT32_MAX);
  __m512i start = _mm512_setzero_si512();  // first column of the window
  for (;;) {
    const Fetched next = fetch(entries, at);
    Lanes lanes{at, next.entry[0]};
    __m512i column = _mm512_and_si512(lanes.entry, column_mask);
    __m512i offset = _mm512_sub_epi32(column, start);
    uint32_t strides = 0;
    // Branches, which the processor predicts: computing the least of the columns instead makes a
    // step wait for it, and take half as long again.
    if (!any_below(offset, kStride)) {
      strides = 1;
      if (!any_below(offset, 2 * kStride)) {
        if (_mm512_cmpneq_epu32_mask(column, column_mask) == 0) return true;
        strides = _mm512_reduce_min_epu32(offset) / kStride;
      }
      start = _mm512_add_epi32(start, splat(strides * kStride));
      offset = _mm512_sub_epi32(column, start);
    }
    for (; strides > kMostStrides; strides -= kMostStrides) {
      put_nothing(kCodes, steps->room(1));
      steps->add(1);
      if (steps->size() > max_steps) return false;
    }
    StepList::Place to = steps->room(Fetched::kEntries);
    // Steps of this window, until the fetched entries are used up. A lane whose entry lies beyond
    // the window skips this step and all later ones of the window.
    int count = 0;
    for (;;) {
      ahead.step();
      to.advance[count] = static_cast<uint8_t>(strides);
      // Row-end sentinels lie beyond every window.
      const __mmask16 takes = _mm512_cmplt_epu32_mask(offset, splat(RowWindows::kWindow));
      if constexpr (kCodes) {
        put_codes(lanes, takes, offset, &to);
      } else {
        put_weights(e, lanes, takes, offset, &to);
      }
      lanes.at = _mm512_mask_add_epi32(lanes.at, takes, lanes.at, _mm512_set1_epi32(1));
      if (++count == Fetched::kEntries) break;
      lanes.entry = _mm512_mask_mov_epi32(lanes.entry, takes, next.entry[count]);
      column = _mm512_and_si512(lanes.entry, column_mask);
      offset = _mm512_sub_epi32(column, start);
      if (!any_below(offset, kStride)) break;
      strides = 0;
    }
    steps->add(static_cast<uint64_t>(count));
    if (steps->size() > max_steps) return false;
    at = lanes.at;
  }
}

DCF_AVX512 inline const float* moved(const float* x, uint8_t strides) {
  return x + strides * RowWindows::kStride;
}

// Returns acc plus the products of one step. x points at the step's window.
DCF_AVX512 inline __m512 code_step(const uint16_t* slots, const float* x, __m512 low, __m512 high,
                                   __m512 acc) {
  const __m256i raw = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(slots));
  const __m512i slot = _mm512_cvtepu16_epi32(raw);
  const __m512 value = _mm512_permutex2var_ps(_mm512_loadu_ps(x), slot, _mm512_loadu_ps(x + 16));
  const __m512 weight =
      _mm512_permutex2var_ps(low, _mm512_srli_epi32(slot, RowWindows::kCodeShift), high);
  return _mm512_mask3_fmadd_ps(value, weight, acc, _mm256_movepi16_mask(raw));
}

DCF_AVX512 inline __m512 weight_step(const uint8_t* columns, const float* weights, const float* x,
                                     __m512 acc) {
  const __m128i raw = _mm_loadu_si128(reinterpret_cast<const __m128i*>(columns));
  const __m512i slot = _mm512_cvtepu8_epi32(raw);
  const __m512 value = _mm512_permutex2var_ps(_mm512_loadu_ps(x), slot, _mm512_loadu_ps(x + 16));
  return _mm512_mask3_fmadd_ps(value, _mm512_loadu_ps(weights), acc, _mm_movepi8_mask(raw));
}

DCF_AVX512 void store_rows(const RowWindows& w, uint64_t group, __m512 sums,
                           const Epilogue& epilogue, float* y) {
  float out[kLanes];
  _mm512_storeu_ps(out, sums);
  const uint64_t first = group * kLanes;
  const uint64_t count = std::min<uint64_t>(kLanes, w.rows - first);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t row = w.first_row + w.order[first + i];
    y[row] = epilogue.finish(out[i], row);
  }
}

DCF_AVX512 bool pack(const LayerEntries& e, uint64_t at, std::span<const uint32_t> order,
                     uint64_t max_steps, RowWindows* w) {
  const uint64_t nothing = e.entries.size() - LayerEntries::kPadding;
  StepList steps(w);
  while (!order.empty()) {
    const size_t rows = std::min(order.size(), kLanes);
    alignas(64) uint32_t begin[kLanes];
    for (size_t i = 0; i < kLanes; ++i) {
      begin[i] = static_cast<uint32_t>(i < rows ? e.row_start[at + order[i]] : nothing);
    }
    order = order.subspan(rows);
    const Prefetcher ahead(e, at, order.first(std::min(order.size(), kLanes)));
    const __m512i from = _mm512_load_si512(begin);
    if (!(w->has_codes ? pack_group<true>(e, from, max_steps, ahead, &steps)
                       : pack_group<false>(e, from, max_steps, ahead, &steps)))
      return false;
    w->group_end.push_back(steps.size());
  }
  return true;
}

DCF_AVX512 void multiply(const RowWindows& w, uint64_t first, uint64_t last, const float* x,
                         const Epilogue& epilogue, float* y) {
  const __m512 low = _mm512_loadu_ps(w.codebook);
  const __m512 high = _mm512_loadu_ps(w.codebook + 16);
  uint64_t step = first == 0 ? 0 : w.group_end[first - 1];
  for (uint64_t group = first; group < last; ++group) {
    __m512 even = _mm512_setzero_ps();
    __m512 odd = _mm512_setzero_ps();
    const float* at = x;
    const uint64_t end = w.group_end[group];
    if (w.has_codes) {
      for (; step + 2 <= end; step += 2) {
        at = moved(at, w.advance[step]);
        even = code_step(&w.slots[step * kLanes], at, low, high, even);
        at = moved(at, w.advance[step + 1]);
        odd = code_step(&w.slots[(step + 1) * kLanes], at, low, high, odd);
      }
      if (step < end)
        even = code_step(&w.slots[step * kLanes], moved(at, w.advance[step]), low, high, even);
    } else {
      for (; step + 2 <= end; step += 2) {
        at = moved(at, w.advance[step]);
        even = weight_step(&w.columns[step * kLanes], &w.weights[step * kLanes], at, even);
        at = moved(at, w.advance[step + 1]);
        odd =
            weight_step(&w.columns[(step + 1) * kLanes], &w.weights[(step + 1) * kLanes], at, odd);
      }
      if (step < end) {
        even = weight_step(&w.columns[step * kLanes], &w.weights[step * kLanes],
                           moved(at, w.advance[step]), even);
      }
    }
    step = end;
    store_rows(w, group, _mm512_add_ps(even, odd), epilogue, y);
  }
}

}  // namespace

const RowWindowLoops kAvx512bwRowWindowLoops = {CpuSet::kAvx512bw, pack, multiply};

}  // namespace dcf::impl::kernels

#endif  // defined(__x86_64__)
