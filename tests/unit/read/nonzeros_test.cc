// SPDX-License-Identifier: Apache-2.0
// K-05: a wrong number of nonzeros is damage to every call that decodes all of a tensor, with the
// same place, and to no call that does not.
#include <gtest/gtest.h>

#include "support/sample.h"
#include "unit/read/read_calls.h"

namespace dcf::impl {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

struct Opened {
  Blob bytes;
  dcf_file* file = nullptr;
  ~Opened() { dcf_file_close(file); }
};

// A tensor of the encoding that declares `more` nonzeros than it has.
void open_with_wrong_count(const format::Encoding& e, bool transposed, int more, Opened* out) {
  Sample s = random_sample(DType::kF32, {24, 4, 3, 3}, e, 1);
  s.rows_per_chunk = 5;
  if (transposed) s.view = format::View{24, true};
  FileParts parts = make_parts({s});
  parts.columns.nonzeros[0] += static_cast<uint64_t>(static_cast<int64_t>(more));
  out->bytes = assemble(parts);
  dcf_error error = DCF_ERROR_INIT;
  ASSERT_EQ(dcf_file_open_memory(out->bytes.data(), out->bytes.size(), nullptr, &out->file, &error),
            DCF_OK)
      << error.message;
}

TEST(Nonzeros, WrongNumberIsDamageToEveryWholeDecode) {
  for (const format::Encoding& e : encodings_of(DType::kF32)) {
    for (const bool transposed : {false, true}) {
      if (transposed && e.is_raw()) continue;
      for (const int more : {-1, 0, 1}) {
        SCOPED_TRACE(encoding_name(e) + (transposed ? " transposed " : " ") + std::to_string(more));
        Opened opened;
        open_with_wrong_count(e, transposed, more, &opened);
        ASSERT_NE(opened.file, nullptr);
        dcf_error verified = DCF_ERROR_INIT;
        const dcf_status want = more == 0 ? DCF_OK : DCF_STATUS_BAD_COUNT;
        ASSERT_EQ(dcf_file_verify(opened.file, nullptr, nullptr, &verified), want);
        dcf_error error = DCF_ERROR_INIT;
        EXPECT_EQ(dcf_tensor_verify(opened.file, 0, nullptr, nullptr, &error), want);
        EXPECT_EQ(error.offset, verified.offset);
        for (const ReadCall& call : whole_tensor_calls(opened.file, 0)) {
          if (call.name == "codes" && e.values != format::Values::kPalette) continue;
          error = DCF_ERROR_INIT;
          EXPECT_EQ(call.run(opened.file, &error), want) << call.name << ": " << error.message;
          if (more == 0) continue;
          EXPECT_STREQ(error.rule, "K-05") << call.name;
          EXPECT_EQ(error.offset, verified.offset) << call.name;
          EXPECT_EQ(error.tensor, 0u) << call.name;
        }
        std::vector<float> rows(20 * 36);
        EXPECT_EQ(dcf_tensor_decode_rows(opened.file, 0, DCF_DTYPE_NONE, 2, 20, rows.data(),
                                         rows.size() * sizeof(float), &error),
                  DCF_OK);
      }
    }
  }
}

TEST(Nonzeros, DamagedChunksAreReportedFirst) {
  format::Encoding e;
  e.positions = format::Positions::kGap;
  e.gap_bits = 4;
  e.values = format::Values::kPalette;
  for (const bool transposed : {false, true}) {
    Sample s = random_sample(DType::kF32, {24, 4, 3, 3}, e, 1);
    s.rows_per_chunk = 5;
    if (transposed) s.view = format::View{24, true};
    FileParts parts = make_parts({s});
    --parts.columns.nonzeros[0];
    Blob bytes = assemble(parts);
    bytes.back() ^= 1;  // of the last chunk
    dcf_file* file = nullptr;
    ASSERT_EQ(dcf_file_open_memory(bytes.data(), bytes.size(), nullptr, &file, nullptr), DCF_OK);
    for (const ReadCall& call : whole_tensor_calls(file, 0)) {
      dcf_error error = DCF_ERROR_INIT;
      EXPECT_EQ(call.run(file, &error), DCF_STATUS_CHECKSUM_MISMATCH) << call.name;
      EXPECT_STREQ(error.rule, "K-03") << call.name;
    }
    dcf_file_close(file);
  }
}

TEST(Nonzeros, RawDtypesToo) {
  Sample s;
  s.dtype = DType::kC64;
  s.dims = {3, 2};
  s.words = {0, 1, 2, 0, 3, 0};
  FileParts parts = make_parts({s});
  ASSERT_EQ(parts.columns.nonzeros[0], 3u);
  parts.columns.nonzeros[0] = 4;
  const Blob bytes = assemble(parts);
  dcf_file* file = nullptr;
  ASSERT_EQ(dcf_file_open_memory(bytes.data(), bytes.size(), nullptr, &file, nullptr), DCF_OK);
  uint8_t out[48];
  EXPECT_EQ(dcf_tensor_decode(file, 0, DCF_DTYPE_NONE, out, sizeof out, nullptr),
            DCF_STATUS_BAD_COUNT);
  dcf_file_close(file);
}

}  // namespace
}  // namespace dcf::impl
