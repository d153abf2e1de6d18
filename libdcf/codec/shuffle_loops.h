// SPDX-License-Identifier: Apache-2.0
// The tree kernels for shuffles of 16 bytes, for one instruction set: include it after defining
//   DCF_SHUFFLE_SET      name of the TreeKernels object to define
//   DCF_SHUFFLE_NAME     its name as text
//   DCF_SHUFFLE_TARGET   attribute of functions that use the instruction set
// and, in the anonymous namespace of dcf::impl, the vector of 16 bytes and what is done with it:
//   V                    its type
//   load, store          from and to any address
//   splat                all bytes the same
//   add, exclusive_or, either     bytewise
//   shuffle(v, c)        byte i = v[c[i]] for c[i] < 16, zero for c[i] > 0x7F
//   look_up(v, i)        the same, but zero for all i > 15
//   multiply_16(v, f)    of eight unsigned 16-bit elements, as the machine holds them
//   shift_right_16(v, n) the same elements
//   narrow(a, b)         the low bytes of the elements of a, then of b
//   at_least(v, pivot)   bit i = (v[i] >= pivot[i]), unsigned
//   low_half, high_half  store eight bytes
//   ones_in(v)           its bits that are 1
namespace dcf::impl {
namespace {

DCF_SHUFFLE_TARGET uint64_t count_ones(Bytes bytes) {
  const uint8_t* p = bytes.data();
  const uint8_t* const end = p + bytes.size();
  uint64_t ones = 0;
  for (; end - p >= 16; p += 16) ones += ones_in(load(p));
  for (; p < end; ++p) ones += kShuffleTables.ones[*p];
  return ones;
}

DCF_SHUFFLE_TARGET inline V merge_16(const uint8_t* bits, const uint8_t* left,
                                     const uint8_t* right) {
  const V control =
      add(load(&kShuffleTables.merge_low[bits[0]]), load(&kShuffleTables.merge_high[bits[1]]));
  return either(shuffle(load(left), control),
                shuffle(load(right), exclusive_or(control, splat(0x8F))));
}

DCF_SHUFFLE_TARGET void merge(const uint8_t* bits, size_t m, const uint8_t* left,
                              const uint8_t* right, uint8_t* dst, bool exact) {
  for (; m >= 16; m -= 16, bits += 2, dst += 16) {
    store(dst, merge_16(bits, left, right));
    const size_t ones = size_t{kShuffleTables.ones[bits[0]]} + kShuffleTables.ones[bits[1]];
    right += ones;
    left += 16 - ones;
  }
  if (m == 0) return;
  const uint8_t last[2] = {bits[0], m > 8 ? bits[1] : uint8_t{0}};
  const V merged = merge_16(last, left, right);
  if (!exact) return store(dst, merged);
  uint8_t rest[16];
  store(rest, merged);
  std::copy_n(rest, m, dst);
}

// Looks up bytes below 16 * kCount in kCount tables of 16 symbols.
template <unsigned kCount>
DCF_SHUFFLE_TARGET inline V look_up_in(const V* tables, V index) {
  V found = look_up(tables[0], index);
  for (unsigned i = 1; i < kCount; ++i) {
    const V low = exclusive_or(index, splat(static_cast<uint8_t>(16 * i)));
    found = either(found, look_up(tables[i], low));
  }
  return found;
}

// Of 16 fields, of which 16 bytes are read.
class Unpacker {
 public:
  DCF_SHUFFLE_TARGET explicit Unpacker(unsigned width)
      : width_(width),
        low_(load(&kFieldLayouts[width].bytes)),
        high_(add(low_, splat(static_cast<uint8_t>(width)))),
        factor_(load(&kFieldLayouts[width].factor)) {}

  DCF_SHUFFLE_TARGET V operator()(const uint8_t* p) const {
    const V x = load(p);
    const V low = multiply_16(shuffle(x, low_), factor_);
    const V high = multiply_16(shuffle(x, high_), factor_);
    return narrow(shift_right_16(low, 16 - width_), shift_right_16(high, 16 - width_));
  }

 private:
  unsigned width_;
  V low_;
  V high_;
  V factor_;
};

template <unsigned kCount>
DCF_SHUFFLE_TARGET void expand_tables(const uint8_t* bits, const uint8_t* limit, size_t m,
                                      unsigned width, const uint8_t* symbols, uint8_t* dst,
                                      bool exact) {
  uint8_t padded[16 * kCount] = {};
  std::copy_n(symbols, size_t{1} << width, padded);
  V tables[kCount];
  for (unsigned i = 0; i < kCount; ++i) tables[i] = load(padded + 16 * i);
  const Unpacker unpack(width);
  for (; m >= 16 && limit - bits >= 16; m -= 16, bits += 2 * width, dst += 16) {
    store(dst, look_up_in<kCount>(tables, unpack(bits)));
  }
  // The last fields: of bytes that end before 16 can be read, and of fewer than 16 symbols.
  for (; m > 0; bits += 2 * width, dst += 16) {
    uint8_t from[16] = {};
    std::copy_n(bits, std::min<ptrdiff_t>(16, limit - bits), from);
    const V found = look_up_in<kCount>(tables, unpack(from));
    if (m < 16 && exact) {
      uint8_t rest[16];
      store(rest, found);
      std::copy_n(rest, m, dst);
      return;
    }
    store(dst, found);
    m -= std::min<size_t>(m, 16);
  }
}

DCF_SHUFFLE_TARGET void expand(const uint8_t* bits, const uint8_t* limit, size_t m, unsigned width,
                               const uint8_t* symbols, uint8_t* dst, bool exact) {
  switch (width) {
    case 8:
      return kScalarTreeKernels.expand(bits, limit, m, width, symbols, dst, exact);
    case 7:
      return expand_tables<8>(bits, limit, m, width, symbols, dst, exact);
    case 6:
      return expand_tables<4>(bits, limit, m, width, symbols, dst, exact);
    case 5:
      return expand_tables<2>(bits, limit, m, width, symbols, dst, exact);
    default:
      return expand_tables<1>(bits, limit, m, width, symbols, dst, exact);
  }
}

template <unsigned kCount>
DCF_SHUFFLE_TARGET void map_tables(const uint8_t* src, size_t m, const uint8_t* table,
                                   uint8_t* dst) {
  V tables[kCount];
  for (unsigned i = 0; i < kCount; ++i) tables[i] = load(table + 16 * i);
  for (; m >= 16; m -= 16, src += 16, dst += 16) store(dst, look_up_in<kCount>(tables, load(src)));
  for (; m > 0; --m) *dst++ = table[*src++];
}

DCF_SHUFFLE_TARGET void map(const uint8_t* src, size_t m, const uint8_t* table, size_t table_size,
                            uint8_t* dst) {
  if (table_size <= 16) return map_tables<1>(src, m, table, dst);
  if (table_size <= 32) return map_tables<2>(src, m, table, dst);
  if (table_size <= 64) return map_tables<4>(src, m, table, dst);
  kScalarTreeKernels.map(src, m, table, table_size, dst);
}

DCF_SHUFFLE_TARGET void partition(const uint8_t* src, size_t m, uint8_t pivot, uint8_t* left,
                                  uint8_t* right, uint8_t* bits) {
  const V pivots = splat(pivot);
  for (size_t i = 0; i < m; i += 16, src += 16, bits += 2) {
    // Elements behind the end count as left ones, which are overwritten or in the slack.
    const auto count = static_cast<unsigned>(std::min<size_t>(16, m - i));
    const auto word = static_cast<unsigned>(at_least(load(src), pivots) & low_mask(count));
    store_le(bits, static_cast<uint16_t>(word));
    for (unsigned half = 0; half < 2; ++half) {
      const unsigned byte = word >> 8 * half & 0xFF;
      const V eight = load(src + 8 * half);
      const V sorted = shuffle(eight, load(&kShuffleTables.partition[byte]));
      low_half(left, sorted);
      high_half(right, sorted);
      const size_t ones = kShuffleTables.ones[byte];
      right += ones;
      left += 8 - ones;
    }
  }
}

}  // namespace

const TreeKernels DCF_SHUFFLE_SET = {DCF_SHUFFLE_NAME,
                                     false,
                                     count_ones,
                                     merge,
                                     expand,
                                     map,
                                     partition,
                                     kScalarTreeKernels.pack,
                                     kScalarTreeKernels.stream_lines};

}  // namespace dcf::impl
