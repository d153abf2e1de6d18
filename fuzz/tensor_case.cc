// SPDX-License-Identifier: Apache-2.0
#include "tensor_case.h"

#include <algorithm>
#include <bit>
#include <random>
#include <set>

#include "codec/bit_reader.h"
#include "exercise.h"

namespace dcf::fuzz {
namespace {

using namespace dcf::impl;  // NOLINT(google-build-using-namespace)
using dcf::impl::format::Values;

class Parameters {
 public:
  explicit Parameters(const uint8_t* p) : p_(p) {}
  // The next byte, brought into [low, high].
  uint32_t pick(uint32_t low, uint32_t high) { return low + *p_++ % (high - low + 1); }
  uint32_t wide() {
    p_ += 2;
    return load_le<uint16_t>(p_ - 2);
  }

 private:
  const uint8_t* p_;
};

// A complete code over symbols below the alphabet, decided by the seed.
codec::CodeLengths make_code(unsigned alphabet, std::mt19937& random) {
  std::vector<uint8_t> leaves = {1, 1};
  const unsigned wanted = 2 + random() % (alphabet - 1);
  for (int tries = 0; leaves.size() < wanted && tries < 4096; ++tries) {
    uint8_t& leaf = random() % 2 == 0 ? leaves.back() : leaves[random() % leaves.size()];
    if (leaf == codec::kMaxCodeLength) continue;
    const auto deeper = static_cast<uint8_t>(++leaf);
    leaves.push_back(deeper);
  }
  std::vector<uint8_t> lengths(alphabet);
  std::copy(leaves.begin(), leaves.end(), lengths.begin());
  std::shuffle(lengths.begin(), lengths.end(), random);
  Result<codec::CodeLengths> code = codec::make_code_lengths(lengths);
  require(code.ok(), "a complete code is rejected");
  return code.take();
}

format::Encoding read_encoding(Parameters* p, DType dtype) {
  const unsigned bits = dtype_bits(dtype);
  format::Encoding e;
  const uint32_t positions = p->pick(0, 4);
  const bool classes = positions == format::kClassesId;
  if (!classes) e.positions = static_cast<format::Positions>(positions);
  // The palette, the others, a grid, delta, a dictionary, class-split, trellis.
  const uint32_t values = p->pick(0, 6);
  const bool palette = values == 0 && !classes;
  const bool has_split = is_float(dtype) && !is_f8(dtype);
  e.values = palette ? Values::kPalette : has_split ? Values::kSplit : Values::kInt;
  if (!e.is_sparse() && has_split && dtype != DType::kF64) {
    if (values == 2) e.values = Values::kGrid;
    if (values == 6) e.values = Values::kTrellis;
  }
  if (values == 3 && !e.is_sparse()) e.values = Values::kDelta;
  if (values == 4 && positions == 0 && bits > 8) e.values = Values::kDictionary;
  if (values == 5 && classes && has_split) e.values = Values::kClassSplit;
  const auto b = static_cast<uint8_t>(p->pick(0, 41));
  if (e.positions == format::Positions::kGap) e.gap_bits = static_cast<uint8_t>(2 + b % 7);
  if (e.positions == format::Positions::kGapBucket) {
    e.bucket_t = static_cast<uint8_t>(2 + b % 6);
    e.bucket_s = static_cast<uint8_t>(b / 14);
  }
  e.signs = p->pick(0, 1) == 1 && has_negative_zero(dtype) && e.is_sparse();
  const uint32_t k = p->pick(1, e.positions == format::Positions::kGap ? 255 : 256);
  const uint32_t t = p->pick(5, std::min(12u, bits < 16 ? 12u : bits - 1));
  const uint32_t z = p->pick(0, 63);
  const uint32_t base = p->wide();
  const uint32_t symbols = p->pick(1, 256);
  if (palette) e.palette_size = k;
  if (e.values == Values::kDictionary) e.palette_size = 257 + base % 4096;
  if (e.values == Values::kSplit || e.values == Values::kClassSplit) {
    e.split_t = static_cast<uint8_t>(t);
    e.split_z = static_cast<uint8_t>(z % (bits - t));
    e.split_symbols = static_cast<uint16_t>(std::min(symbols, 1u << t));
    e.split_base = static_cast<uint16_t>(base % ((1u << t) - e.split_symbols + 1));
  }
  if (e.values == Values::kDelta) {
    e.distance_count = static_cast<uint8_t>(1 + z % kMaxDistances);
    for (size_t i = 0; i < e.distance_count; ++i) {
      e.distances[i] = static_cast<uint32_t>(1 + (base >> i) % 40);
    }
    e.delta_run = 1 + symbols % 30;  // the units follow from the elements
  }
  if (classes) {
    e.classes = static_cast<uint16_t>(2 + k % 15);
    e.class_run = 1 + b % 8;  // the units follow from the elements
  }
  if (e.has_scales()) e.grid_run = 1 + b % 3 * 40;
  if (e.values == Values::kClassSplit) {
    e.split_z = 0;
    for (size_t c = 0; c < e.classes; ++c)
      e.class_z[c] = static_cast<uint8_t>(z * (c + 1) % (bits - t));
  }
  return e;
}

// As many units as the runs allow, or a few of them; no classes where there is not even one pair.
void choose_units(format::Tensor* t) {
  format::Encoding& e = t->encoding;
  if (e.has_scales()) {
    e.grid_run = static_cast<uint32_t>(std::min<uint64_t>(e.grid_run, t->elements));
    e.grid_units =
        static_cast<uint32_t>(std::min<uint64_t>(t->elements / e.grid_run, 1 + t->view.cols % 30));
  }
  if (e.values == Values::kDelta) {
    e.delta_run = static_cast<uint32_t>(std::min<uint64_t>(e.delta_run, t->elements));
    e.delta_units = static_cast<uint32_t>(t->elements / e.delta_run);
    if (t->view.cols % 3 == 0) e.delta_units = std::min(e.delta_units, t->view.cols);
  }
  if (!e.has_classes()) return;
  const uint64_t most = t->elements / e.class_run;
  if (most < 2) {
    if (e.values == Values::kClassSplit) {
      e.values = Values::kSplit;
      e.class_z = {};
    }
    e.classes = 0;
    e.class_run = 0;
    return;
  }
  const uint64_t few = 2 + t->view.cols % 30;
  e.class_units = static_cast<uint32_t>(t->view.cols % 2 == 0 ? std::min(most, few) : most);
}

}  // namespace

Case read_case(const uint8_t* bytes) {
  Parameters p(bytes);
  Case c;
  format::Tensor& t = c.tensor;
  t.name = "t";
  t.dtype = static_cast<DType>(p.pick(1, 17));
  if (t.dtype > DType::kBool) {  // two numbers stand for the fnuz formats
    t.dtype = t.dtype == DType::kC64 ? DType::kF8E4M3FNUZ : DType::kF8E5M2FNUZ;
  }
  t.bits = dtype_bits(t.dtype);
  t.encoding = read_encoding(&p, t.dtype);
  t.view.cols = p.pick(1, 256);
  const uint32_t rows = p.pick(1, 64);
  const uint32_t missing = p.pick(0, 255);
  t.elements = uint64_t{rows} * t.view.cols -
               (rows > 1 || missing < t.view.cols ? missing % t.view.cols : 0);
  c.dims = {t.elements};
  t.dims = c.dims;
  t.rows_per_chunk = static_cast<uint32_t>(t.view_rows());
  t.chunks = 1;
  c.entries = t.encoding.is_sparse() ? p.wide() % static_cast<uint32_t>(t.elements + 1)
                                     : (p.wide(), static_cast<uint32_t>(t.elements));
  choose_units(&t);
  const uint32_t with_tables = p.pick(0, 15);
  t.view.transposed = p.pick(0, 1) == 1 && t.view_rows() >= 2 && t.view.cols >= 2 &&
                      t.view_rows() * t.view.cols == t.elements;
  std::mt19937 random(p.wide());
  const format::Roles roles = format::roles_of(t.encoding, t.dtype);
  for (size_t i = 0; i < roles.count; ++i) {
    if ((with_tables >> i % 4 & 1) == 0 || roles.list[i].alphabet < 2) continue;
    c.tables.codes.push_back(make_code(roles.list[i].alphabet, random));
    t.tables[i] = static_cast<uint32_t>(c.tables.codes.size());
  }
  c.tables.codebook_starts = {0};
  for (uint32_t i = 0; i < t.encoding.delta_units; ++i) {
    c.tables.unit_maps.push_back(static_cast<uint8_t>(random() % (t.encoding.distance_count + 1u)));
  }
  for (uint32_t i = 0; i < t.encoding.class_units; ++i) {
    c.tables.unit_maps.push_back(static_cast<uint8_t>(random() % t.encoding.classes));
  }
  c.tables.scale_starts = {0};
  for (uint32_t i = 0; i < t.encoding.grid_units; ++i) {
    c.tables.scales.push_back(std::bit_cast<float>(static_cast<uint32_t>(random() % 0x7F800000)));
  }
  if (t.encoding.has_codebook()) {
    std::set<uint64_t> keys;  // a small step from the key of zero, or anywhere
    const uint64_t zero = codebook_key(t.dtype, 0);
    while (keys.size() < t.encoding.palette_size) {
      const uint64_t high = random();
      const uint64_t any = high << 32 | random();
      keys.insert((random() % 2 == 0 ? zero + any % 512 - 256 : any) & codec::low_mask(t.bits));
    }
    for (const uint64_t key : keys) c.tables.codebook_words.push_back(codebook_word(t.dtype, key));
  }
  return c;
}

}  // namespace dcf::fuzz
