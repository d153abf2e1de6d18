// SPDX-License-Identifier: Apache-2.0
// dcf_tensor_decode_bound tells the truth: what it allows works within what it says, what it
// refuses fails, and nothing is allocated before that is known.
#include <gtest/gtest.h>

#include "dcf/dcf.h"
#include "support/memory_meter.h"
#include "support/sample.h"

namespace dcf::impl {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

constexpr size_t kFixed = 6000;  // what a decode takes beside scratch and tables

TEST(WorkingBytes, OfEveryEncodingUnderEveryLimit) {
  for (const DType dtype : {DType::kF32, DType::kI64, DType::kBF16}) {
    for (const format::Encoding& e : encodings_of(dtype)) {
      SCOPED_TRACE(encoding_name(e));
      Sample s = random_sample(dtype, {64, 256}, e, 1);
      s.rows_per_chunk = 16;
      s.huffman = codec::HuffmanLayout::kTree;
      const Blob bytes = make_file({s});
      dcf_file* file = nullptr;
      dcf_file_info file_info = DCF_FILE_INFO_INIT;
      ASSERT_EQ(dcf_file_open_memory(bytes.data(), bytes.size(), nullptr, &file, nullptr), DCF_OK);
      ASSERT_EQ(dcf_file_describe(file, &file_info, nullptr), DCF_OK);
      dcf_file_close(file);
      std::vector<uint64_t> words(s.words.size());
      bool refused = false;
      bool allowed = false;
      for (uint64_t memory = 2000; memory < 3000000; memory += memory / 4) {
        dcf_open_options options;
        dcf_open_options_init(&options);
        options.threads = 1;
        options.max_memory = file_info.memory_bytes + memory;
        if (dcf_file_open_memory(bytes.data(), bytes.size(), &options, &file, nullptr) != DCF_OK)
          continue;
        uint64_t dst = 1;
        uint64_t working = 1;
        dcf_error error = DCF_ERROR_INIT;
        const dcf_status bound =
            dcf_tensor_decode_bound(file, 0, DCF_DTYPE_NONE, &dst, &working, &error);
        const MemoryMeter meter;
        const dcf_status decoded = dcf_tensor_decode(file, 0, DCF_DTYPE_NONE, words.data(),
                                                     words.size() * sizeof(uint64_t), &error);
        EXPECT_EQ(bound, decoded) << memory;
        if (bound == DCF_OK) {
          allowed = true;
          EXPECT_GT(working, 0u);
          EXPECT_LE(working, memory);
          EXPECT_LE(meter.peak(), working + kFixed);
        } else {
          refused = true;
          EXPECT_EQ(bound, DCF_STATUS_LIMIT_MEMORY);
          EXPECT_EQ(working, 0u);
          EXPECT_NE(error.offset, DCF_NO_OFFSET);
          EXPECT_LE(meter.peak(), kFixed);
        }
        dcf_file_close(file);
      }
      EXPECT_TRUE(allowed);
      EXPECT_TRUE(refused);
    }
  }
}

// The promise of the header, at the byte.
TEST(WorkingBytes, AreEnoughAndNotOneTooMany) {
  format::Encoding e;
  e.positions = format::Positions::kBitmap;
  e.values = format::Values::kPalette;
  Sample s = random_sample(DType::kF32, {64, 256}, e, 1);
  s.rows_per_chunk = 16;
  const Blob bytes = make_file({s});
  dcf_open_options options;
  dcf_open_options_init(&options);
  options.threads = 1;
  dcf_file* file = nullptr;
  dcf_file_info info = DCF_FILE_INFO_INIT;
  uint64_t working = 0;
  ASSERT_EQ(dcf_file_open_memory(bytes.data(), bytes.size(), &options, &file, nullptr), DCF_OK);
  ASSERT_EQ(dcf_file_describe(file, &info, nullptr), DCF_OK);
  ASSERT_EQ(dcf_tensor_decode_bound(file, 0, DCF_DTYPE_NONE, nullptr, &working, nullptr), DCF_OK);
  dcf_file_close(file);
  std::vector<float> out(64 * 256);
  for (const uint64_t less : {0u, 1u}) {
    options.max_memory = info.memory_bytes + working - less;
    ASSERT_EQ(dcf_file_open_memory(bytes.data(), bytes.size(), &options, &file, nullptr), DCF_OK);
    EXPECT_EQ(
        dcf_tensor_decode(file, 0, DCF_DTYPE_NONE, out.data(), out.size() * sizeof(float), nullptr),
        less == 0 ? DCF_OK : DCF_STATUS_LIMIT_MEMORY);
    dcf_file_close(file);
  }
}

}  // namespace
}  // namespace dcf::impl
