// SPDX-License-Identifier: Apache-2.0
// expand() and map() of the tree kernels, by shuffles within halves of 16 bytes. A vector has one
// half or more. Include it after codec/bit_reader.h and codec/shuffle_tables.h, and after defining
//   DCF_SHUFFLE_TARGET   attribute of functions that use the instruction set
// and, in the anonymous namespace of dcf::impl::codec, the vector and its operations:
//   V                    its type
//   load, store          from and to any address
//   repeat(p)            the same 16 bytes in each half
//   load_steps(p, n)     16 bytes from p on in the first half, from p + n on in the second
//   splat                all bytes the same
//   add, exclusive_or, either     bytewise
//   shuffle(v, c)        in each half: byte i = v[c[i]] for c[i] < 16, zero for c[i] > 0x7F
//   look_up(v, i)        the same, but zero for all i > 15
//   multiply_16(v, f)    of unsigned 16-bit elements, as the machine holds them
//   shift_right_16(v, n) the same elements
//   narrow(a, b)         in each half: the low bytes of the elements of a, then of b
namespace dcf::impl::codec {
namespace {

constexpr size_t kHalves = sizeof(V) / 16;

// Looks up bytes below 16 * kCount in kCount tables of 16 symbols.
template <unsigned kCount>
DCF_SHUFFLE_TARGET inline V look_up_in(const V* tables, V index) {
  if constexpr (kCount == 1) return shuffle(tables[0], index);
  V found = look_up(tables[0], index);
  for (unsigned i = 1; i < kCount; ++i) {
    const V low = exclusive_or(index, splat(static_cast<uint8_t>(16 * i)));
    found = either(found, look_up(tables[i], low));
  }
  return found;
}

// Of 16 fields per half.
class Unpacker {
 public:
  DCF_SHUFFLE_TARGET explicit Unpacker(unsigned width)
      : width_(width),
        low_(repeat(&kFieldLayouts[width].bytes)),
        high_(add(low_, splat(static_cast<uint8_t>(width)))),
        factor_(repeat(&kFieldLayouts[width].factor)) {}

  DCF_SHUFFLE_TARGET V operator()(const uint8_t* p) const {
    const V x = load_steps(p, 2 * width_);
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

// find(p) gives the symbols of the next fields, which take `step` bytes, and reads `reach` bytes.
template <typename Find>
DCF_SHUFFLE_TARGET void expand_by(const uint8_t* bits, const uint8_t* limit, size_t m, size_t step,
                                  ptrdiff_t reach, uint8_t* dst, bool exact, Find find) {
  for (; m > sizeof(V) && limit - bits >= reach; bits += step, dst += sizeof(V), m -= sizeof(V)) {
    store(dst, find(bits));
  }
  // The last fields: where fewer bytes can be read, and of fewer symbols.
  for (;; bits += step, dst += sizeof(V), m -= sizeof(V)) {
    uint8_t tail[sizeof(V)] = {};
    const uint8_t* from = bits;
    if (limit - bits < reach) {
      std::copy(bits, limit, tail);
      from = tail;
    }
    const V found = find(from);
    if (exact && m < sizeof(V)) {
      uint8_t rest[sizeof(V)];
      store(rest, found);
      std::copy_n(rest, m, dst);
      return;
    }
    store(dst, found);
    if (m <= sizeof(V)) return;
  }
}

template <unsigned kCount>
DCF_SHUFFLE_TARGET void expand_tables(const uint8_t* bits, const uint8_t* limit, size_t m,
                                      unsigned width, const uint8_t* symbols, uint8_t* dst,
                                      bool exact) {
  uint8_t padded[16 * kCount] = {};
  std::copy_n(symbols, size_t{1} << width, padded);
  V tables[kCount];
  for (unsigned i = 0; i < kCount; ++i) tables[i] = repeat(padded + 16 * i);
  const Unpacker unpack(width);
  const auto find = [&](const uint8_t* p)
                        DCF_SHUFFLE_TARGET { return look_up_in<kCount>(tables, unpack(p)); };
  const size_t step = kHalves * 2 * width;
  const auto reach = static_cast<ptrdiff_t>(step - 2 * width + 16);
  expand_by(bits, limit, m, step, reach, dst, exact, find);
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
  for (unsigned i = 0; i < kCount; ++i) tables[i] = repeat(table + 16 * i);
  for (; m >= sizeof(V); m -= sizeof(V), src += sizeof(V), dst += sizeof(V)) {
    store(dst, look_up_in<kCount>(tables, load(src)));
  }
  for (; m > 0; --m) *dst++ = table[*src++];
}

DCF_SHUFFLE_TARGET void map(const uint8_t* src, size_t m, const uint8_t* table, size_t table_size,
                            uint8_t* dst) {
  if (table_size <= 16) return map_tables<1>(src, m, table, dst);
  if (table_size <= 32) return map_tables<2>(src, m, table, dst);
  if (table_size <= 64) return map_tables<4>(src, m, table, dst);
  // With halves of 16 bytes eight look-ups take longer than the loads of plain code (SSSE3: a
  // tenth).
  if constexpr (kHalves == 1) return kScalarTreeKernels.map(src, m, table, table_size, dst);
  if (table_size <= 128) return map_tables<8>(src, m, table, dst);
  map_tables<16>(src, m, table, dst);
}

}  // namespace
}  // namespace dcf::impl::codec
