// SPDX-License-Identifier: Apache-2.0
// The loops over a tile, for one instruction set: include it after defining
//   DCF_TILE_SET      name of the TileLoops object to define
//   DCF_TILE_CPU_SET  its CpuSet
//   DCF_TILE_TARGET   attribute of functions that use the instruction set
//   DCF_TILE_VECTOR   type of a vector of floats
//   DCF_TILE_FMA      (a, b, c): a * b + c on vectors
//   DCF_TILE_SPLAT    (const float*): all elements that float
//   DCF_TILE_VECTORS  vectors of the widest tile, at most 8
//   DCF_TILE_ROWS     rows that a dense product sums at once
//   DCF_TILE_STEP     vectors of each of those rows
// Sums are plain variables, and the functions that work on them are always inlined, so that they
// stay in registers: GCC 12 kept arrays of vectors in memory, at a sixth of the speed.
#include <algorithm>
#include <bit>
#include <utility>

#define DCF_TILE_INLINE DCF_TILE_TARGET inline __attribute__((always_inline))

namespace dcf::impl::kernels {
namespace {

using Vector = DCF_TILE_VECTOR;
constexpr uint64_t kLanes = sizeof(Vector) / sizeof(float);

DCF_TILE_TARGET inline Vector load(const float* p) {
  Vector v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
DCF_TILE_TARGET inline void store(float* p, Vector v) {
  __builtin_memcpy(p, &v, sizeof v);
}

// Sums of one row of a tile of kVectors vectors.
template <int kVectors>
struct Sums {
  Vector v0, v1, v2, v3, v4, v5, v6, v7;

  DCF_TILE_INLINE void add(Vector w, const float* x) {
    v0 = DCF_TILE_FMA(w, load(x), v0);
    if constexpr (kVectors > 1) v1 = DCF_TILE_FMA(w, load(x + kLanes), v1);
    if constexpr (kVectors > 2) v2 = DCF_TILE_FMA(w, load(x + 2 * kLanes), v2);
    if constexpr (kVectors > 3) v3 = DCF_TILE_FMA(w, load(x + 3 * kLanes), v3);
    if constexpr (kVectors > 4) v4 = DCF_TILE_FMA(w, load(x + 4 * kLanes), v4);
    if constexpr (kVectors > 5) v5 = DCF_TILE_FMA(w, load(x + 5 * kLanes), v5);
    if constexpr (kVectors > 6) v6 = DCF_TILE_FMA(w, load(x + 6 * kLanes), v6);
    if constexpr (kVectors > 7) v7 = DCF_TILE_FMA(w, load(x + 7 * kLanes), v7);
  }
  // Starts a sum.
  DCF_TILE_INLINE void set(Vector w, const float* x) {
    v0 = w * load(x);
    if constexpr (kVectors > 1) v1 = w * load(x + kLanes);
    if constexpr (kVectors > 2) v2 = w * load(x + 2 * kLanes);
    if constexpr (kVectors > 3) v3 = w * load(x + 3 * kLanes);
    if constexpr (kVectors > 4) v4 = w * load(x + 4 * kLanes);
    if constexpr (kVectors > 5) v5 = w * load(x + 5 * kLanes);
    if constexpr (kVectors > 6) v6 = w * load(x + 6 * kLanes);
    if constexpr (kVectors > 7) v7 = w * load(x + 7 * kLanes);
  }
  DCF_TILE_INLINE void add_to(float* y) const {
    store(y, load(y) + v0);
    if constexpr (kVectors > 1) store(y + kLanes, load(y + kLanes) + v1);
    if constexpr (kVectors > 2) store(y + 2 * kLanes, load(y + 2 * kLanes) + v2);
    if constexpr (kVectors > 3) store(y + 3 * kLanes, load(y + 3 * kLanes) + v3);
    if constexpr (kVectors > 4) store(y + 4 * kLanes, load(y + 4 * kLanes) + v4);
    if constexpr (kVectors > 5) store(y + 5 * kLanes, load(y + 5 * kLanes) + v5);
    if constexpr (kVectors > 6) store(y + 6 * kLanes, load(y + 6 * kLanes) + v6);
    if constexpr (kVectors > 7) store(y + 7 * kLanes, load(y + 7 * kLanes) + v7);
  }
};

// Two ways to find the weight of entry i of a row: in the codebook by its code, or in a list.
struct Codes {
  const float* codebook;
  const float* weight(uint64_t, uint64_t entry) const {
    return codebook + (entry & Blocked::kCodeMask);
  }
  void skip(uint64_t) {}
};
struct Weights {
  const float* weights;
  const float* weight(uint64_t i, uint64_t) const { return weights + i; }
  void skip(uint64_t n) { weights += n; }
};

// Adds entry i of the row, which is the low 16 bits of `word`.
template <bool kFirst, int kVectors, typename Values>
DCF_TILE_INLINE void add_entry(Values values, uint64_t i, uint64_t word, const float* x,
                               Sums<kVectors>& sums) {
  const uint64_t column = word >> Blocked::kColumnShift & Blocked::kColumnMask;
  const Vector w = DCF_TILE_SPLAT(values.weight(i, word));
  const float* const from = x + column * (kVectors * kLanes);
  if constexpr (kFirst) {
    sums.set(w, from);
  } else {
    sums.add(w, from);
  }
}

// Removes the first of four entries from *four; the low 16 bits of the result hold it.
DCF_TILE_INLINE uint64_t next_of(uint64_t* four) {
  constexpr bool kBig = std::endian::native == std::endian::big;
  if constexpr (kBig) *four = std::rotl(*four, 16);
  __asm__("" : "+r"(*four));  // without this it is loaded or shifted again for each use
  const uint64_t word = *four;
  if constexpr (!kBig) *four >>= 16;
  return word;
}

// The sums of one row, or (kTwo) of two rows with the same number of entries. A single chain of
// additions would wait for its own latency.
template <bool kTwo, int kVectors, typename Values>
struct RowSums {
  const uint16_t* entries;
  Values values;
  uint64_t count;  // of entries of a row
  const float* x;
  Sums<kVectors> first;
  Sums<kVectors> second;

  template <bool kFirst>
  DCF_TILE_INLINE void add(uint64_t i, uint64_t word, uint64_t second_word) {
    add_entry<kFirst>(values, i, word, x, first);
    if constexpr (kTwo) add_entry<kFirst>(values, count + i, second_word, x, second);
  }
  template <bool kFirst>
  DCF_TILE_INLINE void add_one(uint64_t i) {
    add<kFirst>(i, entries[i], kTwo ? entries[count + i] : 0);
  }
  template <bool kFirst>
  DCF_TILE_INLINE void add_four(uint64_t i) {
    uint64_t four;
    uint64_t others = 0;
    __builtin_memcpy(&four, entries + i, sizeof four);
    if constexpr (kTwo) __builtin_memcpy(&others, entries + count + i, sizeof others);
    add<kFirst>(i, next_of(&four), next_of(&others));
    add<false>(i + 1, next_of(&four), next_of(&others));
    add<false>(i + 2, next_of(&four), next_of(&others));
    add<false>(i + 3, next_of(&four), next_of(&others));
  }
};

// Adds to y, and with kTwo to second_y, a row of `count` > 0 entries times x, whose rows have
// kVectors vectors. The old y is added last, because it may come from a slower cache.
template <bool kTwo, int kVectors, typename Values>
DCF_TILE_INLINE void sparse_row(const uint16_t* entries, Values values, uint64_t count,
                                const float* x, float* y, float* second_y) {
  RowSums<kTwo, kVectors, Values> sums{entries, values, count, x, {}, {}};
  uint64_t i = 0;
  if (count >= 4) {
    sums.template add_four<true>(0);
    for (i = 4; i + 4 <= count; i += 4) sums.template add_four<false>(i);
  } else {
    sums.template add_one<true>(0);
    i = 1;
  }
  for (; i < count; ++i) sums.template add_one<false>(i);
  sums.first.add_to(y);
  if constexpr (kTwo) sums.second.add_to(second_y);
}

// Prefetches one line per step.
class Prefetcher {
 public:
  DCF_TILE_INLINE explicit Prefetcher(const LinesAhead& lines)
      : lines_(lines), next_(lines.at), end_(lines.at) {}
  DCF_TILE_INLINE void step() {
    if (next_ >= end_) {
      if (lines_.runs == 0) return;
      --lines_.runs;
      next_ = lines_.at;
      end_ = next_ + lines_.run;
      lines_.at += lines_.stride;
    }
    __builtin_prefetch(next_, 0, 2);
    next_ += LinesAhead::kFloats;
  }

 private:
  LinesAhead lines_;
  const float* next_;
  const float* end_;
};

template <int kVectors, typename Values>
DCF_TILE_TARGET void sparse_rows(const Blocked& b, uint64_t cell, uint64_t entry, Values values,
                                 const float* x, float* y, const LinesAhead& lines) {
  const uint16_t* entries = b.entries.data() + entry;
  const Blocked::Row* row = b.row_list.data() + (cell == 0 ? 0 : b.cells[cell - 1].row);
  const Blocked::Row* const end = b.row_list.data() + b.cells[cell].row;
  Prefetcher ahead(lines);
  constexpr uint64_t kWidth = kVectors * kLanes;
  constexpr bool kRegistersForTwo = kVectors <= 4;
  while (row < end) {
    ahead.step();
    const uint64_t count = row->count;
    if (kRegistersForTwo && row + 1 < end && row[1].count == count) {
      ahead.step();
      sparse_row<kRegistersForTwo, kVectors>(entries, values, count, x, y + row->row * kWidth,
                                             y + row[1].row * kWidth);
      entries += 2 * count;
      values.skip(2 * count);
      row += 2;
    } else {
      sparse_row<false, kVectors>(entries, values, count, x, y + row->row * kWidth, nullptr);
      entries += count;
      values.skip(count);
      ++row;
    }
  }
}

template <int kVectors>
DCF_TILE_TARGET void sparse_cell(const Blocked& b, uint64_t cell, const float* x, float* y,
                                 const LinesAhead& lines) {
  const uint64_t entry = cell == 0 ? 0 : b.cells[cell - 1].entry;
  if (b.weights.empty()) {
    sparse_rows<kVectors>(b, cell, entry, Codes{b.codebook.data()}, x, y, lines);
  } else {
    sparse_rows<kVectors>(b, cell, entry, Weights{b.weights.data() + entry}, x, y, lines);
  }
}

// A product of a dense matrix w of `cols` columns and a tile x whose rows have `width` floats.
struct Dense {
  const float* w;
  const float* x;
  float* y;
  uint64_t cols;
  uint64_t width;
};

// Rows [row, row + kRows), `count` columns from `first` on, kVectors vectors of x: each weight and
// each vector of x is loaded once for all sums.
template <int kVectors, int kRows>
DCF_TILE_TARGET inline void dense_rows(const Dense& d, uint64_t row, uint64_t first, uint64_t count,
                                       uint64_t vector) {
  const float* const w = d.w + row * d.cols + first;
  const float* x = d.x + first * d.width + vector * kLanes;
  float* const y = d.y + row * d.width + vector * kLanes;
  Vector sum[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) sum[r][v] = load(y + r * d.width + v * kLanes);
  }
  for (uint64_t c = 0; c < count; ++c, x += d.width) {
    Vector from[kVectors];
    for (int v = 0; v < kVectors; ++v) from[v] = load(x + v * kLanes);
    for (int r = 0; r < kRows; ++r) {
      const Vector weight = DCF_TILE_SPLAT(w + r * d.cols + c);
      for (int v = 0; v < kVectors; ++v) sum[r][v] = DCF_TILE_FMA(weight, from[v], sum[r][v]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) store(y + r * d.width + v * kLanes, sum[r][v]);
  }
}

// All vectors of the tile, DCF_TILE_STEP at a time.
template <int kVectors, int kRows>
DCF_TILE_TARGET inline void dense_steps(const Dense& d, uint64_t row, uint64_t first,
                                        uint64_t count) {
  constexpr int kStep = std::min(kVectors, DCF_TILE_STEP);
  for (uint64_t v = 0; v + kStep <= kVectors; v += kStep) {
    dense_rows<kStep, kRows>(d, row, first, count, v);
  }
  constexpr int kRest = kVectors % kStep;
  if constexpr (kRest != 0) dense_rows<kRest, kRows>(d, row, first, count, kVectors - kRest);
}

template <int kVectors>
DCF_TILE_TARGET void dense_tile(const float* w, uint64_t rows, uint64_t cols, const float* x,
                                float* y) {
  constexpr uint64_t kColumns = 512;  // rows of the tile that stay in a second-level cache
  const Dense d{w, x, y, cols, kVectors * kLanes};
  for (uint64_t first = 0; first < cols; first += kColumns) {
    const uint64_t count = std::min(kColumns, cols - first);
    uint64_t row = 0;
    for (; row + DCF_TILE_ROWS <= rows; row += DCF_TILE_ROWS) {
      dense_steps<kVectors, DCF_TILE_ROWS>(d, row, first, count);
    }
    for (; row < rows; ++row) dense_steps<kVectors, 1>(d, row, first, count);
  }
}

// Several rows at once: memory delivers more to several streams than to one.
template <int kRows>
DCF_TILE_TARGET inline void dot_rows(const float* w, uint64_t cols, const float* x, float* y) {
  constexpr uint64_t kAhead = 512;  // floats
  Vector even[kRows] = {};
  Vector odd[kRows] = {};
  uint64_t i = 0;
  for (; i + 2 * kLanes <= cols; i += 2 * kLanes) {
    const Vector x0 = load(x + i);
    const Vector x1 = load(x + i + kLanes);
    for (int r = 0; r < kRows; ++r) {
      const float* const row = w + r * cols + i;
      for (uint64_t k = 0; k < 2 * kLanes; k += LinesAhead::kFloats) {
        __builtin_prefetch(row + kAhead + k);
      }
      even[r] = DCF_TILE_FMA(load(row), x0, even[r]);
      odd[r] = DCF_TILE_FMA(load(row + kLanes), x1, odd[r]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    float lanes[kLanes];
    store(lanes, even[r] + odd[r]);
    float sum = 0;
    for (const float lane : lanes) sum += lane;
    for (uint64_t k = i; k < cols; ++k) sum += w[r * cols + k] * x[k];
    y[r] = sum;
  }
}

DCF_TILE_TARGET void dense_one(const float* w, uint64_t rows, uint64_t cols, const float* x,
                               float* y) {
  constexpr uint64_t kRows = 4;
  uint64_t row = 0;
  for (; row + kRows <= rows; row += kRows) dot_rows<kRows>(w + row * cols, cols, x, y + row);
  for (; row < rows; ++row) dot_rows<1>(w + row * cols, cols, x, y + row);
}

template <size_t... kIndex>
constexpr TileLoops make_loops(std::index_sequence<kIndex...>) {
  return {DCF_TILE_CPU_SET,
          kLanes,
          DCF_TILE_VECTORS,
          {sparse_cell<kIndex + 1>...},
          {dense_tile<kIndex + 1>...},
          dense_one};
}

}  // namespace

const TileLoops DCF_TILE_SET = make_loops(std::make_index_sequence<DCF_TILE_VECTORS>());

}  // namespace dcf::impl::kernels
