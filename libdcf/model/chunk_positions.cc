// SPDX-License-Identifier: Apache-2.0
// Positions of a chunk (spec/dcf-format.md, section 7).
#include "model/chunk_positions.h"

#include <algorithm>
#include <bit>
#include <numeric>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/checked.h"
#include "codec/stream.h"

namespace dcf::impl::model {

using format::Role;

namespace {

Status bad(const char* rule, const char* message) {
  return fail(Code::BadPositions, rule, message);
}

Status decode_bitmap(const TensorCoding& coding, ByteReader* in, ChunkScratch* scratch,
                     ChunkParts* out) {
  const ChunkShape& shape = out->shape;
  const size_t bytes = ceil_div(shape.elements, 8);
  // Read in words of 8 bytes below; the padding stays zero.
  resize_scratch(&scratch->bitmap, ceil_div(bytes, 8) * 8);
  std::fill(scratch->bitmap.begin(), scratch->bitmap.end(), uint8_t{0});
  DCF_TRY(codec::decode_stream(in, coding.alphabet(Role::kBitmap), coding.table(Role::kBitmap),
                               MutableBytes(scratch->bitmap).first(bytes),
                               scratch->codec(codec::stream_scratch_size(bytes))));
  if (shape.elements % 8 != 0 && (scratch->bitmap[bytes - 1] >> (shape.elements % 8)) != 0) {
    return bad("P-02", "the padding of a bitmap is not zero");
  }
  uint64_t ones = 0;
  for (size_t i = 0; i < scratch->bitmap.size(); i += 8) {
    ones += static_cast<uint64_t>(std::popcount(load_le<uint64_t>(&scratch->bitmap[i])));
  }
  if (ones != shape.entries) return bad("P-02", "a bitmap has the wrong number of entries");
  uint32_t* p = scratch->positions.data();
  for (size_t i = 0; i < scratch->bitmap.size(); i += 8) {
    for (uint64_t word = load_le<uint64_t>(&scratch->bitmap[i]); word != 0; word &= word - 1) {
      *p++ = static_cast<uint32_t>(8 * i) + static_cast<uint32_t>(std::countr_zero(word));
    }
  }
  return ok_status();
}

Status decode_counts(const TensorCoding& coding, ByteReader* in, ChunkScratch* scratch,
                     const ChunkShape& shape) {
  resize_scratch(&scratch->counts, shape.rows);
  scratch->counts[0] = shape.entries;
  if (shape.rows == 1) return ok_status();
  DCF_TRY(codec::decode_bucket_stream<uint32_t>(
      in, kCountBuckets, coding.alphabet(Role::kCounts), coding.table(Role::kCounts),
      scratch->counts, scratch->codec(codec::bucket_scratch_size(shape.rows))));
  const uint64_t sum = std::accumulate(scratch->counts.begin(), scratch->counts.end(), uint64_t{0});
  if (sum != shape.entries)
    return bad("P-03", "the entries per row do not add up to those of the chunk");
  return ok_status();
}

// Gaps of one row -> positions: the column starts at -1 and advances by gap + 1. Returns the column
// after the last entry.
template <typename Gap>
uint64_t place_row(const Gap* gaps, size_t count, uint32_t row_start, uint32_t* positions) {
  uint64_t next = 0;
  size_t i = 0;
#if defined(__SSE2__)
  if constexpr (sizeof(Gap) == 1) {
    const __m128i zero = _mm_setzero_si128();
    __m128i sum = zero;  // sums of gaps, in 64 bits
    __m128i before = _mm_set1_epi32(static_cast<int>(row_start - 1));
    for (; i + 8 <= count; i += 8) {
      const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(gaps + i));
      sum = _mm_add_epi64(sum, _mm_sad_epu8(eight, zero));
      // Sums of up to eight advances, of at most 256 each, in 16 bits.
      __m128i sums = _mm_add_epi16(_mm_unpacklo_epi8(eight, zero), _mm_set1_epi16(1));
      sums = _mm_add_epi16(sums, _mm_slli_si128(sums, 2));
      sums = _mm_add_epi16(sums, _mm_slli_si128(sums, 4));
      sums = _mm_add_epi16(sums, _mm_slli_si128(sums, 8));
      const __m128i low = _mm_add_epi32(before, _mm_unpacklo_epi16(sums, zero));
      const __m128i high = _mm_add_epi32(before, _mm_unpackhi_epi16(sums, zero));
      auto* const to = reinterpret_cast<__m128i*>(positions + i);
      _mm_storeu_si128(to, low);
      _mm_storeu_si128(to + 1, high);
      before = _mm_shuffle_epi32(high, 0xff);
    }
    uint64_t gaps_so_far;
    _mm_storel_epi64(reinterpret_cast<__m128i*>(&gaps_so_far), sum);
    next = gaps_so_far + i;
  }
#endif
  for (; i < count; ++i) {
    next += uint64_t{gaps[i]} + 1;
    positions[i] = static_cast<uint32_t>(row_start + next - 1);
  }
  return next;
}

template <typename Gap>
Status place(const ChunkScratch& scratch, const Gap* gaps, const ChunkShape& shape,
             uint32_t* positions) {
  uint32_t row_start = 0;
  for (uint32_t row = 0; row < shape.rows; ++row, row_start += shape.cols) {
    const uint32_t count = scratch.counts[row];
    // Columns only rise, so it is enough to check the last one of a row.
    if (place_row(gaps, count, row_start, positions) >
        std::min(shape.cols, shape.elements - row_start)) {
      return bad(sizeof(Gap) == 1 ? "P-04" : "P-05", "an entry lies beyond the end of its row");
    }
    gaps += count;
    positions += count;
  }
  return ok_status();
}

}  // namespace

Status decode_positions(const TensorCoding& coding, ByteReader* in, ChunkScratch* scratch,
                        ChunkParts* out) {
  const format::Encoding& encoding = coding.tensor().encoding;
  const ChunkShape& shape = out->shape;
  if (!encoding.is_sparse() || shape.entries == 0) return ok_status();
  const size_t n = shape.entries;
  resize_scratch(&scratch->positions, n);
  out->positions = scratch->positions;
  if (encoding.positions == format::Positions::kBitmap)
    return decode_bitmap(coding, in, scratch, out);
  DCF_TRY(decode_counts(coding, in, scratch, shape));
  if (encoding.positions == format::Positions::kGap) {
    resize_scratch(&scratch->symbols, n);
    DCF_TRY(codec::decode_stream(in, coding.alphabet(Role::kGaps), coding.table(Role::kGaps),
                                 scratch->symbols, scratch->codec(codec::stream_scratch_size(n))));
    return place(*scratch, scratch->symbols.data(), shape, scratch->positions.data());
  }
  resize_scratch(&scratch->numbers, n);
  DCF_TRY(codec::decode_bucket_stream<uint32_t>(
      in, BucketCode{encoding.bucket_t, encoding.bucket_s}, coding.alphabet(Role::kGaps),
      coding.table(Role::kGaps), scratch->numbers, scratch->codec(codec::bucket_scratch_size(n))));
  return place(*scratch, scratch->numbers.data(), shape, scratch->positions.data());
}

Status decode_signs(const TensorCoding& coding, ByteReader* in, ChunkScratch* scratch,
                    ChunkParts* out) {
  if (!coding.tensor().encoding.signs) return ok_status();
  const uint32_t skipped = out->shape.elements - (out->shape.entries - out->fillers);
  if (skipped == 0) return ok_status();
  resize_scratch(&scratch->signs, ceil_div(skipped, 8));
  DCF_TRY(codec::decode_stream(in, coding.alphabet(Role::kSigns), coding.table(Role::kSigns),
                               scratch->signs,
                               scratch->codec(codec::stream_scratch_size(scratch->signs.size()))));
  if (skipped % 8 != 0 && (scratch->signs.back() >> (skipped % 8)) != 0) {
    return bad("P-06", "the padding of the signs is not zero");
  }
  out->signs = scratch->signs;
  return ok_status();
}

}  // namespace dcf::impl::model
