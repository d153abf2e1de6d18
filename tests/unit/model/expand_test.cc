// SPDX-License-Identifier: Apache-2.0
// Chunks to dense words, with and without caches, and palettes to floats, at any alignment and over
// more elements than the blocks they are expanded in.
#include "model/expand.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/float_convert.h"
#include "model/chunk_reader.h"
#include "model/decode.h"
#include "support/sample.h"

namespace dcf::impl::model {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

constexpr size_t kGuard = 64;

// The chunk, expanded at an address that ends in `skew`; nothing around it may change.
Blob expanded(const TensorCoding& coding, const DecodedChunk& chunk, Expansion how, size_t bytes,
              size_t skew) {
  Blob buffer(bytes + 3 * kGuard, 0xC9);
  const size_t start = kGuard + (skew - reinterpret_cast<uintptr_t>(buffer.data())) % kGuard;
  expand_chunk(coding, chunk, how, MutableBytes(buffer).subspan(start, bytes));
  for (size_t i = 0; i < buffer.size(); ++i) {
    if (i == start) i += bytes;
    EXPECT_EQ(buffer[i], 0xC9) << "outside";
  }
  const auto from = buffer.begin() + static_cast<ptrdiff_t>(start);
  return {from, from + static_cast<ptrdiff_t>(bytes)};
}

void check(DType dtype, const format::Encoding& encoding) {
  Sample sample = random_sample(dtype, {90, 611}, encoding, 7, 9);
  sample.rows_per_chunk = 70;
  const Blob file = make_file({sample});
  const auto model = open_bytes(file);
  ASSERT_TRUE(model.ok()) << model.status().message;
  const Model& m = *model.value();
  const TensorCoding coding(m.manifest()->tensors[0], m.tables(), 0);
  const Blob dense = dense_bytes(sample);
  ChunkScratch scratch;
  for (uint64_t i = 0; i < 2; ++i) {
    const Result<DecodedChunk> loaded = ChunkReader(m, 0, nullptr).load(i, &scratch);
    ASSERT_TRUE(loaded.ok());
    const DecodedChunk& chunk = loaded.value();
    const size_t width = bits_of(sample) / 8;
    const Blob expected(dense.begin() + static_cast<ptrdiff_t>(chunk->shape.first * width),
                        dense.begin() + static_cast<ptrdiff_t>(
                                            (chunk->shape.first + chunk->shape.elements) * width));
    if (encoding.values == format::Values::kPalette) {
      std::vector<uint16_t> codes(chunk->shape.elements);
      std::vector<uint16_t> streamed(chunk->shape.elements);
      expand_codes(coding, chunk, false, codes);
      expand_codes(coding, chunk, true, streamed);
      ASSERT_EQ(codes, streamed);
    }
    for (const size_t skew : {0, 1, 4, 8, 40, 63}) {
      for (const bool stream : {false, true}) {
        ASSERT_EQ(expanded(coding, chunk, {.stream = stream}, expected.size(), skew), expected)
            << encoding_name(encoding) << " at " << skew << ", stream " << stream;
        if (encoding.values != format::Values::kPalette || is_raw_only(dtype)) continue;
        std::vector<float> floats(chunk->shape.elements);
        words_to_floats(dtype, expected, floats);
        Blob as_bytes(floats.size() * sizeof(float));
        std::memcpy(as_bytes.data(), floats.data(), as_bytes.size());
        ASSERT_EQ(expanded(coding, chunk, {true, stream}, as_bytes.size(), skew), as_bytes)
            << encoding_name(encoding) << " at " << skew << ", stream " << stream;
      }
    }
  }
}

TEST(Expand, EveryEncodingAndAlignment) {
  for (const DType dtype :
       {DType::kF64, DType::kF32, DType::kBF16, DType::kF16, DType::kU8, DType::kI8, DType::kI32}) {
    for (const format::Encoding& encoding : encodings_of(dtype)) check(dtype, encoding);
  }
}

// Outputs of 16 MiB go past the caches on their way through decode_elements().
TEST(Expand, LargeTensorsDecodeToTheSameWords) {
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    format::Encoding encoding;
    encoding.positions = format::Positions::kGap;
    encoding.values = format::Values::kPalette;
    encoding.gap_bits = 5;
    Sample sample = random_sample(dtype, {2100, 2011}, encoding, 8, 11);
    sample.rows_per_chunk = 100;
    const Blob file = make_file({sample});
    const auto model = open_bytes(file, 2);
    ASSERT_TRUE(model.ok()) << model.status().message;
    std::vector<float> out(2100 * 2011);
    const MutableBytes bytes(reinterpret_cast<uint8_t*>(out.data()), out.size() * sizeof(float));
    ASSERT_TRUE(decode_elements(*model.value(), 0, DType::kF32, 0, out.size(), bytes).ok());
    std::vector<float> expected(out.size());
    words_to_floats(dtype, dense_bytes(sample), expected);
    ASSERT_EQ(out, expected);
  }
}

}  // namespace
}  // namespace dcf::impl::model
