// SPDX-License-Identifier: Apache-2.0
// The loops over a tile, for one instruction set: include it after defining
//   DCF_TILE_SET      name of the TileLoops object to define
//   DCF_TILE_NAME     its name as text
//   DCF_TILE_TARGET   attribute of functions that use the instruction set
//   DCF_TILE_VECTOR   type of a vector of floats
//   DCF_TILE_FMA      (a, b, c): a * b + c on vectors
//   DCF_TILE_SPLAT    (const float*): all elements that float
//   DCF_TILE_ROWS     rows that a dense product sums at once, with kMostVectors vectors each
// Registers hold the sums only where they are plain variables: arrays of vectors went to memory
// with GCC 12, at a sixth of the speed.
namespace dcf::impl {
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

struct Codes {
  const uint16_t* entries;
  const float* codebook;
  uint64_t column(uint64_t i) const { return entries[i] & 0xff; }
  const float* weight(uint64_t i) const { return codebook + (entries[i] >> Blocked::kCodeShift); }
  void skip(uint64_t n) { entries += n; }
};
struct Weights {
  const uint16_t* entries;
  const float* weights;
  uint64_t column(uint64_t i) const { return entries[i]; }
  const float* weight(uint64_t i) const { return weights + i; }
  void skip(uint64_t n) {
    entries += n;
    weights += n;
  }
};

// y += the row's entries times x, a block of rows of kVectors vectors. Even and odd entries have
// sums of their own: one chain of additions would wait for its own latency.
template <int kVectors, typename Entries>
DCF_TILE_TARGET inline void sparse_row(const Entries& e, uint64_t count, const float* x, float* y) {
  constexpr uint64_t kWidth = kVectors * kLanes;
  Vector s0 = load(y);
  Vector s1 = kVectors > 1 ? load(y + kLanes) : s0;
  Vector s2 = kVectors > 2 ? load(y + 2 * kLanes) : s0;
  Vector s3 = kVectors > 2 ? load(y + 3 * kLanes) : s0;
  Vector t0 = {};
  Vector t1 = {};
  Vector t2 = {};
  Vector t3 = {};
  uint64_t i = 0;
  for (; i + 2 <= count; i += 2) {
    const Vector v = DCF_TILE_SPLAT(e.weight(i));
    const Vector w = DCF_TILE_SPLAT(e.weight(i + 1));
    const float* const a = x + e.column(i) * kWidth;
    const float* const b = x + e.column(i + 1) * kWidth;
    s0 = DCF_TILE_FMA(v, load(a), s0);
    t0 = DCF_TILE_FMA(w, load(b), t0);
    if (kVectors > 1) s1 = DCF_TILE_FMA(v, load(a + kLanes), s1);
    if (kVectors > 1) t1 = DCF_TILE_FMA(w, load(b + kLanes), t1);
    if (kVectors > 2) s2 = DCF_TILE_FMA(v, load(a + 2 * kLanes), s2);
    if (kVectors > 2) t2 = DCF_TILE_FMA(w, load(b + 2 * kLanes), t2);
    if (kVectors > 2) s3 = DCF_TILE_FMA(v, load(a + 3 * kLanes), s3);
    if (kVectors > 2) t3 = DCF_TILE_FMA(w, load(b + 3 * kLanes), t3);
  }
  if (i < count) {
    const Vector v = DCF_TILE_SPLAT(e.weight(i));
    const float* const a = x + e.column(i) * kWidth;
    s0 = DCF_TILE_FMA(v, load(a), s0);
    if (kVectors > 1) s1 = DCF_TILE_FMA(v, load(a + kLanes), s1);
    if (kVectors > 2) s2 = DCF_TILE_FMA(v, load(a + 2 * kLanes), s2);
    if (kVectors > 2) s3 = DCF_TILE_FMA(v, load(a + 3 * kLanes), s3);
  }
  store(y, s0 + t0);
  if (kVectors > 1) store(y + kLanes, s1 + t1);
  if (kVectors > 2) store(y + 2 * kLanes, s2 + t2);
  if (kVectors > 2) store(y + 3 * kLanes, s3 + t3);
}

template <int kVectors, typename Entries>
DCF_TILE_TARGET void sparse_blocks(const Blocked& b, Entries e, const float* x, float* y) {
  constexpr uint64_t kWidth = kVectors * kLanes;
  const Blocked::Row* row = b.row_list.data();
  for (const uint64_t cell_end : b.cell_end) {
    const Blocked::Row* const end = b.row_list.data() + cell_end;
    for (; row < end; ++row) {
      sparse_row<kVectors>(e, row->count, x, y + row->row * kWidth);
      e.skip(row->count);
    }
    x += Blocked::kBlock * kWidth;
  }
}

template <int kVectors>
DCF_TILE_TARGET void sparse_tile(const Blocked& b, const float* x, float* y) {
  if (b.weights.empty()) {
    sparse_blocks<kVectors>(b, Codes{b.entries.data(), b.codebook.data()}, x, y);
  } else {
    sparse_blocks<kVectors>(b, Weights{b.entries.data(), b.weights.data()}, x, y);
  }
}

// kRows rows of w at once, so that a vector of x is loaded once for all of them.
template <int kVectors, int kRows>
DCF_TILE_TARGET inline void dense_rows(const float* w, uint64_t cols, const float* x, float* y) {
  constexpr uint64_t kWidth = kVectors * kLanes;
  Vector sum[kRows][kVectors] = {};
  for (uint64_t c = 0; c < cols; ++c, x += kWidth) {
    Vector from[kVectors];
    for (int v = 0; v < kVectors; ++v) from[v] = load(x + v * kLanes);
    for (int r = 0; r < kRows; ++r) {
      const Vector weight = DCF_TILE_SPLAT(w + r * cols + c);
      for (int v = 0; v < kVectors; ++v) sum[r][v] = DCF_TILE_FMA(weight, from[v], sum[r][v]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) store(y + r * kWidth + v * kLanes, sum[r][v]);
  }
}

template <int kVectors>
DCF_TILE_TARGET void dense_tile(const float* w, uint64_t rows, uint64_t cols, const float* x,
                                float* y) {
  constexpr uint64_t kWidth = kVectors * kLanes;
  uint64_t row = 0;
  for (; row + DCF_TILE_ROWS <= rows; row += DCF_TILE_ROWS) {
    dense_rows<kVectors, DCF_TILE_ROWS>(w + row * cols, cols, x, y + row * kWidth);
  }
  for (; row < rows; ++row) dense_rows<kVectors, 1>(w + row * cols, cols, x, y + row * kWidth);
}

DCF_TILE_TARGET float dot(const float* w, const float* x, uint64_t n) {
  Vector s0 = {};
  Vector s1 = {};
  Vector s2 = {};
  Vector s3 = {};
  uint64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    s0 = DCF_TILE_FMA(load(w + i), load(x + i), s0);
    s1 = DCF_TILE_FMA(load(w + i + kLanes), load(x + i + kLanes), s1);
    s2 = DCF_TILE_FMA(load(w + i + 2 * kLanes), load(x + i + 2 * kLanes), s2);
    s3 = DCF_TILE_FMA(load(w + i + 3 * kLanes), load(x + i + 3 * kLanes), s3);
  }
  float lanes[kLanes];
  store(lanes, (s0 + s1) + (s2 + s3));
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  for (; i < n; ++i) sum += w[i] * x[i];
  return sum;
}

}  // namespace

const TileLoops DCF_TILE_SET = {DCF_TILE_NAME,
                                kLanes,
                                {sparse_tile<1>, sparse_tile<2>, sparse_tile<4>},
                                {dense_tile<1>, dense_tile<2>, dense_tile<4>},
                                dot};

}  // namespace dcf::impl
