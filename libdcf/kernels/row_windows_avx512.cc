// SPDX-License-Identifier: Apache-2.0
#include "kernels/row_windows_avx512.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cstring>

#define DCF_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))

namespace dcf::impl {
namespace {

constexpr size_t kLanes = RowWindows::kLanes;
constexpr uint32_t kStride = RowWindows::kStride;
constexpr uint32_t kMostStrides = 255;
// Sixteenths of the most steps that random rows take, for a first guess.
constexpr uint64_t kExpected = 7;

// Lists that grow step by step.
class StepList {
 public:
  StepList(RowWindows* w, bool codes, uint64_t expected) : w_(w), codes_(codes) {
    resize(expected);
  }

  // Room for one more step; its number.
  uint64_t next() {
    if (size_ == w_->advance.size()) resize(size_ + size_ / 2 + 16);
    return size_++;
  }
  uint64_t size() const { return size_; }
  void finish() { resize(size_); }

 private:
  void resize(uint64_t steps) {
    w_->advance.resize(steps);
    if (codes_) {
      w_->slots.resize(steps * kLanes);
    } else {
      w_->columns.resize(steps * kLanes);
      w_->weights.resize(steps * kLanes);
    }
  }

  RowWindows* w_;
  bool codes_;
  uint64_t size_ = 0;
};

// Asks for the entries of the rows that come next, a line at a time: the caches' own prefetchers do
// not follow so many rows at once.
class Prefetcher {
 public:
  // A group of the order, from number `next` on; `row`: where its rows begin among the entries.
  Prefetcher(const LayerEntries& e, uint64_t row, const RowWindows& w, uint64_t next)
      : e_(e), w_(w), row_(row), next_(next), last_(std::min<uint64_t>(next + kLanes, w.rows)) {}

  void step() {
    if (at_ >= end_) {
      if (next_ >= last_) return;
      const uint64_t row = row_ + w_.order[next_++];
      at_ = e_.row_start[row];
      end_ = e_.row_end(row) + 1;
    }
    _mm_prefetch(reinterpret_cast<const char*>(&e_.entries[at_]), _MM_HINT_T0);
    if (!e_.has_codes()) {
      _mm_prefetch(reinterpret_cast<const char*>(&e_.values[at_]), _MM_HINT_T0);
    }
    at_ += kLine;
  }

 private:
  static constexpr uint64_t kLine = 16;  // entries

  const LayerEntries& e_;
  const RowWindows& w_;
  uint64_t row_;
  uint64_t next_;
  uint64_t last_;
  uint64_t at_ = 0;
  uint64_t end_ = 0;
};

// One group of rows: where each lane is, and the entry there.
struct Lanes {
  __m512i at;
  __m512i entry;
};

DCF_AVX512 inline __m512i columns_of(const LayerEntries& e, __m512i entry) {
  return e.has_codes() ? _mm512_and_si512(entry, _mm512_set1_epi32(LayerEntries::kColumnMask))
                       : entry;
}

// Puts the entries of the lanes in `takes` into step `step`, `offset` being their columns within
// the window.
DCF_AVX512 void put_weights(const LayerEntries& e, const Lanes& lanes, __mmask16 takes,
                            __m512i offset, uint64_t step, RowWindows* w) {
  const __m512i marked = _mm512_or_si512(offset, _mm512_set1_epi32(RowWindows::kPresentByte));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(&w->columns[step * kLanes]),
                   _mm512_maskz_cvtepi32_epi8(takes, marked));
  const __m512 zero = _mm512_setzero_ps();
  const __m512 weights =
      e.has_codes() ? _mm512_mask_i32gather_ps(
                          zero, takes, _mm512_srli_epi32(lanes.entry, LayerEntries::kColumnBits),
                          e.codebook.data(), 4)
                    : _mm512_mask_i32gather_ps(zero, takes, lanes.at, e.values.data(), 4);
  _mm512_storeu_ps(&w->weights[step * kLanes], weights);
}

DCF_AVX512 void put_codes(const Lanes& lanes, __mmask16 takes, __m512i offset, uint64_t step,
                          RowWindows* w) {
  const __m512i code = _mm512_slli_epi32(_mm512_srli_epi32(lanes.entry, LayerEntries::kColumnBits),
                                         RowWindows::kCodeShift);
  const __m512i marked =
      _mm512_or_si512(_mm512_or_si512(offset, code), _mm512_set1_epi32(RowWindows::kPresent));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(&w->slots[step * kLanes]),
                      _mm512_maskz_cvtepi32_epi16(takes, marked));
}

// from[at] of each lane, one by one, as a gather takes longer here (Skylake: 2.75 against 2.2 ns
// per entry packed); the barrier keeps the compiler from making it one.
DCF_AVX512 inline __m512i look_up(const uint32_t* from, __m512i at) {
  alignas(64) uint32_t i[kLanes];
  _mm256_store_si256(reinterpret_cast<__m256i*>(i), _mm512_castsi512_si256(at));
  _mm256_store_si256(reinterpret_cast<__m256i*>(i + 8), _mm512_extracti64x4_epi64(at, 1));
  __asm__("" : "+m"(i));
  const auto word = [&](size_t lane) { return static_cast<int>(from[i[lane]]); };
  return _mm512_set_epi32(word(15), word(14), word(13), word(12), word(11), word(10), word(9),
                          word(8), word(7), word(6), word(5), word(4), word(3), word(2), word(1),
                          word(0));
}

DCF_AVX512 inline bool any_below(__m512i column, uint32_t end) {
  return _mm512_cmplt_epu32_mask(column, _mm512_set1_epi32(static_cast<int>(end))) != 0;
}

DCF_AVX512 bool pack_group(const LayerEntries& e, Lanes lanes, bool codes, uint64_t max_steps,
                           Prefetcher ahead, StepList* steps, RowWindows* w) {
  const __m512i end = columns_of(e, _mm512_set1_epi32(-1));
  uint32_t start = 0;
  for (;;) {
    const __m512i column = columns_of(e, lanes.entry);
    uint32_t strides = 0;
    // By branches, which the processor guesses: a step that waits for the least of the columns
    // takes half as long again.
    if (!any_below(column, start + kStride)) {
      strides = 1;
      if (!any_below(column, start + 2 * kStride)) {
        if (_mm512_cmpneq_epu32_mask(column, end) == 0) return true;
        strides = _mm512_reduce_min_epu32(column) / kStride - start / kStride;
      }
      start += strides * kStride;
    }
    for (; strides > kMostStrides; strides -= kMostStrides) {  // a step that only moves
      if (steps->size() >= max_steps) return false;
      const uint64_t step = steps->next();
      w->advance[step] = kMostStrides;
      if (codes) {
        std::fill_n(&w->slots[step * kLanes], kLanes, uint16_t{0});
      } else {
        std::fill_n(&w->columns[step * kLanes], kLanes, uint8_t{0});
      }
    }
    if (steps->size() >= max_steps) return false;
    const uint64_t step = steps->next();
    ahead.step();
    w->advance[step] = static_cast<uint8_t>(strides);
    const __m512i offset = _mm512_sub_epi32(column, _mm512_set1_epi32(static_cast<int>(start)));
    // Ends of rows lie beyond every window.
    const __mmask16 takes =
        _mm512_cmplt_epu32_mask(offset, _mm512_set1_epi32(static_cast<int>(RowWindows::kWindow)));
    if (codes) {
      put_codes(lanes, takes, offset, step, w);
    } else {
      put_weights(e, lanes, takes, offset, step, w);
    }
    lanes.at = _mm512_mask_add_epi32(lanes.at, takes, lanes.at, _mm512_set1_epi32(1));
    lanes.entry = look_up(e.entries.data(), lanes.at);
  }
}

DCF_AVX512 inline const float* moved(const float* x, uint8_t strides) {
  return x + strides * RowWindows::kStride;
}

// acc + what step `step` adds, x being at its window.
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

DCF_AVX512 void store_rows(const RowWindows& w, uint64_t group, __m512 sums, float* y) {
  float out[kLanes];
  _mm512_storeu_ps(out, sums);
  const uint64_t first = group * kLanes;
  const uint64_t count = std::min<uint64_t>(kLanes, w.rows - first);
  for (uint64_t i = 0; i < count; ++i) y[w.first_row + w.order[first + i]] = out[i];
}

}  // namespace

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl");
}

DCF_AVX512 bool pack_row_windows_avx512(const LayerEntries& e, uint64_t row, uint64_t max_steps,
                                        RowWindows* w) {
  w->has_codes = e.has_codes() && e.codebook.size() <= RowWindows::kCodes;
  if (w->has_codes) std::copy(e.codebook.begin(), e.codebook.end(), w->codebook);
  const uint64_t nothing = e.entries.size() - 1;  // the end of a row
  StepList steps(w, w->has_codes, max_steps * kExpected / 16);
  for (uint64_t first = 0; first < w->rows; first += kLanes) {
    alignas(64) uint32_t at[kLanes];
    for (uint64_t i = 0; i < kLanes; ++i) {
      const bool there = first + i < w->rows;
      at[i] = static_cast<uint32_t>(there ? e.row_start[row + w->order[first + i]] : nothing);
    }
    Lanes lanes;
    lanes.at = _mm512_load_si512(at);
    lanes.entry = _mm512_i32gather_epi32(lanes.at, e.entries.data(), 4);
    if (!pack_group(e, lanes, w->has_codes, max_steps, Prefetcher(e, row, *w, first + kLanes),
                    &steps, w))
      return false;
    w->group_end.push_back(steps.size());
  }
  steps.finish();
  return true;
}

DCF_AVX512 void multiply_row_windows_avx512(const RowWindows& w, const float* x, float* y) {
  const __m512 low = _mm512_loadu_ps(w.codebook);
  const __m512 high = _mm512_loadu_ps(w.codebook + 16);
  uint64_t step = 0;
  for (uint64_t group = 0; group < w.group_end.size(); ++group) {
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
    store_rows(w, group, _mm512_add_ps(even, odd), y);
  }
}

}  // namespace dcf::impl

#else

namespace dcf::impl {

bool has_avx512() {
  return false;
}
bool pack_row_windows_avx512(const LayerEntries&, uint64_t, uint64_t, RowWindows*) {
  return false;
}
void multiply_row_windows_avx512(const RowWindows&, const float*, float*) {}

}  // namespace dcf::impl

#endif
