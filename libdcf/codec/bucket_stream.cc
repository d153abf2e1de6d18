// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "codec/bit_reader.h"
#include "codec/bit_writer.h"
#include "codec/bucket_kernels.h"
#include "codec/stream.h"

namespace dcf::impl::codec {
namespace {

// Symbols have fewer than 1/kFewBits extra bits each where few have any.
constexpr size_t kFewBits = 4;

// Numbers whose symbols are looked up.
constexpr size_t kSmallNumbers = size_t{1} << 12;

// Where nearly all symbols are numbers themselves, which have no extra bits, a group of them is
// looked at together.
constexpr size_t kGroup = 8;
class SmallGroups {
 public:
  SmallGroups(BucketCode code, Bytes symbols)
      : any_large_(0x0101010101010101u * (0xFFu << code.t & 0xFFu)), symbols_(symbols.data()) {}
  // Whether the group that begins at a symbol, and is there, has such numbers alone.
  bool at(size_t i) const { return (load_le<uint64_t>(symbols_ + i) & any_large_) == 0; }

 private:
  uint64_t any_large_;
  const uint8_t* symbols_;
};

}  // namespace

template <typename T>
Status decode_bucket_stream(ByteReader* in, BucketCode code, unsigned alphabet,
                            const DecodeTable* table, std::span<T> out, MutableBytes scratch) {
  if (scratch.size() < bucket_scratch_size(out.size())) {
    return fail(Code::InvalidArgument, "", "the scratch memory of a bucket stream is too small");
  }
  const MutableBytes symbols = scratch.first(out.size());
  DCF_TRY(decode_stream(in, alphabet, table, symbols, scratch.subspan(out.size())));
  return decode_bucket_numbers(in, code, alphabet, symbols, out);
}

template <typename T>
Status decode_bucket_numbers(ByteReader* in, BucketCode code, unsigned alphabet, Bytes symbols,
                             std::span<T> out) {
  std::array<uint64_t, kMaxSymbols> base;
  std::array<uint64_t, kMaxSymbols> mask;
  std::array<uint8_t, kMaxSymbols> extra;
  for (unsigned i = 0; i < alphabet; ++i) {
    base[i] = code.base(i);
    extra[i] = static_cast<uint8_t>(code.extra_bits(i));
    mask[i] = low_mask(extra[i]);
  }
  const BucketKernels& kernels = active_bucket_kernels();
  const uint64_t bits = kernels.extra_bits(code, symbols);
  Bytes bytes;
  if (!in->read_bytes(ceil_div(bits, 8), &bytes)) {
    return fail(Code::BadBitstream, "S-02", "the extra bits of a stream run past its chunk");
  }

  // No branch depends on a number of bits, because the processor could not predict it. So the last
  // bytes are read from a copy that is followed by zeros. Only fields too long for one load use the
  // reader.
  size_t i = 0;
  uint64_t position = 0;
  if constexpr (sizeof(T) == sizeof(uint32_t)) {
    if (extra[alphabet - 1] <= kMostExtra) {
      i = kernels.numbers(code, symbols, bytes, &position, out.data());
    }
  }
  const SmallGroups small(code, symbols);
  const bool few = bits < symbols.size() / kFewBits;
  const auto decode_while_loadable = [&](Bytes from, uint64_t start) {
    uint64_t at = position - start;
    size_t k = i;
    for (; k < out.size() && at / 8 + 8 <= from.size(); ++k) {
      while (few && k + kGroup < out.size() && small.at(k)) {
        for (const size_t end = k + kGroup; k < end; ++k) out[k] = symbols[k];
      }
      const uint8_t symbol = symbols[k];
      const uint64_t next = load_le<uint64_t>(from.data() + at / 8) >> (at % 8);
      out[k] = static_cast<T>(base[symbol] + (next & mask[symbol]));
      at += extra[symbol];
    }
    i = k;
    position = start + at;
  };
  if (extra[alphabet - 1] <= BitReader::kMaxPeek) {
    decode_while_loadable(bytes, 0);
    std::array<uint8_t, 16> tail{};
    const uint64_t used = position / 8;
    const Bytes rest = bytes.subspan(used);
    std::copy(rest.begin(), rest.end(), tail.begin());
    if (i < out.size()) decode_while_loadable(tail, 8 * used);
  }
  BitReader reader(bytes);
  reader.skip(position);
  for (; i < out.size(); ++i) {
    out[i] = static_cast<T>(base[symbols[i]] + reader.read(extra[symbols[i]]));
  }
  if (!reader.padding_is_zero()) {
    return fail(Code::BadBitstream, "S-02", "the padding of extra bits is not zero");
  }
  return ok_status();
}

template <typename T>
Status bucket_symbols(std::span<const T> numbers, BucketCode code, unsigned alphabet,
                      MutableBytes symbols) {
  // Most numbers are small. Symbols rise with the numbers.
  std::array<uint8_t, kSmallNumbers> small;
  const bool has_small = numbers.size() >= small.size() &&
                         code.symbol(small.size() - 1) < std::min<size_t>(alphabet, kMaxSymbols);
  for (size_t v = 0; has_small && v < small.size(); ++v) {
    small[v] = static_cast<uint8_t>(code.symbol(v));
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (has_small && numbers[i] < small.size()) {
      symbols[i] = small[static_cast<size_t>(numbers[i])];
      continue;
    }
    const unsigned symbol = code.symbol(numbers[i]);
    if (symbol >= alphabet) {
      return fail(Code::InvalidArgument, "", "a number is too large for its bucket code");
    }
    symbols[i] = static_cast<uint8_t>(symbol);
  }
  return ok_status();
}

template <typename T>
void encode_bucket_stream(std::span<const T> numbers, Bytes symbols, BucketCode bucket,
                          unsigned alphabet, const CodeLengths* code, HuffmanLayout layout,
                          std::vector<uint8_t>* out) {
  encode_stream(symbols, alphabet, code, layout, out);
  encode_bucket_extra(numbers, symbols, bucket, alphabet, out);
}

template <typename T>
void encode_bucket_extra(std::span<const T> numbers, Bytes symbols, BucketCode bucket,
                         unsigned alphabet, std::vector<uint8_t>* out) {
  std::array<uint8_t, kMaxSymbols> extra{};
  for (unsigned i = 0; i < alphabet; ++i) extra[i] = static_cast<uint8_t>(bucket.extra_bits(i));
  const unsigned most = *std::max_element(extra.begin(), extra.end());
  if (most > kMaxPackedField) {
    BitWriter writer(out);
    for (size_t i = 0; i < numbers.size(); ++i) writer.put(numbers[i], extra[symbols[i]]);
    writer.finish();
    return;
  }
  const SmallGroups small(bucket, symbols);
  uint64_t bits = 0;
  for (size_t i = 0; i < symbols.size();) {
    const size_t end = std::min(symbols.size(), i + kGroup);
    if (end == i + kGroup && small.at(i)) {
      i = end;
      continue;
    }
    for (; i < end; ++i) bits += extra[symbols[i]];
  }
  const size_t at = out->size();
  out->resize(at + static_cast<size_t>(ceil_div(bits, 8)) + sizeof(uint64_t));
  FieldPacker packer(out->data() + at);
  struct Field {
    uint64_t bits;
    unsigned width;
  };
  const auto field = [&](size_t i) -> Field {
    const unsigned width = extra[symbols[i]];
    return {numbers[i] & ((uint64_t{1} << width) - 1), width};
  };
  const auto joined = [](Field a, Field b) -> Field {
    return {a.bits | b.bits << a.width, a.width + b.width};
  };
  size_t i = 0;
  // Each put() waits for the one before.
  if (4 * most <= kMaxPackedField) {
    for (; i + 4 <= numbers.size(); i += 4) {
      if (i + kGroup <= numbers.size() && small.at(i)) {
        i += kGroup - 4;
        continue;
      }
      const Field four = joined(joined(field(i), field(i + 1)), joined(field(i + 2), field(i + 3)));
      packer.put(four.bits, four.width);
    }
  } else if (2 * most <= kMaxPackedField) {
    for (; i + 2 <= numbers.size(); i += 2) {
      const Field two = joined(field(i), field(i + 1));
      packer.put(two.bits, two.width);
    }
  }
  for (; i < numbers.size(); ++i) {
    const Field one = field(i);
    packer.put(one.bits, one.width);
  }
  out->resize(static_cast<size_t>(packer.end() - out->data()));
}

uint64_t bucket_extra_size(const Histogram& histogram, BucketCode code) {
  uint64_t bits = 0;
  for (unsigned i = 0; i < kMaxSymbols; ++i) {
    if (histogram[i] > 0) bits += histogram[i] * code.extra_bits(i);
  }
  return ceil_div(bits, 8);
}

template Status decode_bucket_stream(ByteReader*, BucketCode, unsigned, const DecodeTable*,
                                     std::span<uint32_t>, MutableBytes);
template Status decode_bucket_stream(ByteReader*, BucketCode, unsigned, const DecodeTable*,
                                     std::span<uint64_t>, MutableBytes);
template Status decode_bucket_numbers(ByteReader*, BucketCode, unsigned, Bytes,
                                      std::span<uint32_t>);
template Status decode_bucket_numbers(ByteReader*, BucketCode, unsigned, Bytes,
                                      std::span<uint64_t>);
template Status bucket_symbols(std::span<const uint32_t>, BucketCode, unsigned, MutableBytes);
template Status bucket_symbols(std::span<const uint64_t>, BucketCode, unsigned, MutableBytes);
template void encode_bucket_stream(std::span<const uint32_t>, Bytes, BucketCode, unsigned,
                                   const CodeLengths*, HuffmanLayout, std::vector<uint8_t>*);
template void encode_bucket_stream(std::span<const uint64_t>, Bytes, BucketCode, unsigned,
                                   const CodeLengths*, HuffmanLayout, std::vector<uint8_t>*);
template void encode_bucket_extra(std::span<const uint32_t>, Bytes, BucketCode, unsigned,
                                  std::vector<uint8_t>*);
template void encode_bucket_extra(std::span<const uint64_t>, Bytes, BucketCode, unsigned,
                                  std::vector<uint8_t>*);

}  // namespace dcf::impl::codec
