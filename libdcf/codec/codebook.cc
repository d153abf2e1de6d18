// SPDX-License-Identifier: Apache-2.0
#include "codec/codebook.h"

#include <algorithm>

#include "codec/bit_reader.h"
#include "codec/bit_writer.h"

namespace dcf::impl::codec {
namespace {

// Bits of the Exp-Golomb code of order k of d, and its parts.
struct Golomb {
  Golomb(uint64_t d, unsigned k)
      : quotient((d >> k) + 1), ones(static_cast<unsigned>(std::bit_width(quotient)) - 1) {}
  unsigned bits(unsigned k) const { return 2 * ones + 1 + k; }
  uint64_t quotient;  // fits, because differences of keys are below 2^64 - 1
  unsigned ones;
};

Status bad_codebook() {
  return fail(Code::BadCodebook, "T-05", "a codebook leaves the range of its keys");
}

// Reads one Exp-Golomb code of order k for keys of `width` bits. Returns false if the value exceeds
// `most`, which is below 2^width - 1, so that a valid code begins with fewer than `width` ones.
bool read_golomb(BitReader* reader, unsigned k, unsigned width, uint64_t most, uint64_t* value) {
  unsigned ones = 0;
  while (ones < width && reader->read(1) == 1) ++ones;
  if (ones == width) return false;
  const uint64_t quotient = (uint64_t{1} << ones | reader->read(ones)) - 1;
  if (quotient > most >> k) return false;
  *value = quotient << k | reader->read(k);
  return *value <= most;
}

}  // namespace

void sort_codebook(std::span<uint64_t> words, DType dtype) {
  std::sort(words.begin(), words.end(), [dtype](uint64_t a, uint64_t b) {
    return codebook_key(dtype, a) < codebook_key(dtype, b);
  });
}

Status parse_codebook(ByteReader* in, DType dtype, std::span<uint64_t> words) {
  const unsigned width = dtype_bits(dtype);
  const Status truncated =
      fail(Code::BadSection, "T-06", "a codebook runs past the tables section");
  ByteReader rest = *in;
  uint8_t k;
  if (!rest.read_u8(&k)) return truncated;
  if (k >= width || (words.size() == 1 && k != 0)) {
    return fail(Code::BadCodebook, "T-05", "the order k of a codebook is out of range");
  }
  Bytes bytes;
  ByteReader string = rest;
  if (!string.read_bytes(string.remaining(), &bytes)) return truncated;
  BitReader reader(bytes);
  uint64_t key = reader.read(width);
  for (size_t i = 0;;) {
    if (reader.overrun()) return truncated;
    words[i] = codebook_word(dtype, key);
    if (++i == words.size()) break;
    const uint64_t room = low_mask(width) - key;  // keys above the last one
    uint64_t d;
    if (room == 0 || !read_golomb(&reader, k, width, room - 1, &d)) {
      return reader.overrun() ? truncated : bad_codebook();
    }
    key += d + 1;
  }
  if (!reader.padding_is_zero()) {
    return fail(Code::BadCodebook, "T-05", "the padding of a codebook is not zero");
  }
  if (!rest.read_bytes(reader.bytes_used(), &bytes)) return truncated;
  *in = rest;
  return ok_status();
}

Status append_codebook(std::span<const uint64_t> words, DType dtype, std::vector<uint8_t>* out) {
  const unsigned width = dtype_bits(dtype);
  if (words.empty()) return fail(Code::InvalidArgument, "", "a codebook has no entries");
  uint64_t key = codebook_key(dtype, words[0]);
  std::vector<uint64_t> steps;
  for (const uint64_t word : words.subspan(1)) {
    const uint64_t next = codebook_key(dtype, word);
    if (next <= key) return fail(Code::InvalidArgument, "", "a codebook is not sorted");
    steps.push_back(next - key - 1);
    key = next;
  }
  unsigned best = 0;
  uint64_t best_bits = UINT64_MAX;
  for (unsigned k = 0; k < (steps.empty() ? 1 : width); ++k) {
    uint64_t bits = 0;
    for (const uint64_t d : steps) bits += Golomb(d, k).bits(k);
    if (bits < best_bits) {
      best = k;
      best_bits = bits;
    }
  }
  out->push_back(static_cast<uint8_t>(best));
  BitWriter writer(out);
  writer.put(codebook_key(dtype, words[0]), width);
  for (const uint64_t d : steps) {
    const Golomb code(d, best);
    writer.put(low_mask(code.ones), code.ones + 1);
    writer.put(code.quotient, code.ones);
    writer.put(d, best);
  }
  writer.finish();
  return ok_status();
}

}  // namespace dcf::impl::codec
