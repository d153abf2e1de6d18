// SPDX-License-Identifier: Apache-2.0
// Trained, clustered tensors: codes and codebook go in through dcf_writer_add_codes and come back
// by dcf_tensor_decode_codes, dcf_tensor_decode_codebook, as CSR and as floats.
#include <gtest/gtest.h>

#include "written_file.h"

namespace dcf::api_test {
namespace {

const float kCodebook[] = {-2, 1, 0.5f};

// A matrix of 8 x 512 with entries in every fourth column, of the first and the third centroid.
struct Matrix {
  Matrix() {
    for (uint64_t row = 0; row < 8; ++row) {
      for (uint32_t column = 0; column < 512; ++column) {
        if (column % 4 != row % 4) {
          dense.push_back(0);
          decoded.push_back(0);
          continue;
        }
        const uint8_t code = column % 3 == 0 ? 0 : 2;
        columns.push_back(column);
        codes.push_back(code);
        dense.push_back(kCodebook[code]);
        decoded.push_back(code == 0 ? 1 : 2);
      }
      rows.push_back(columns.size());
    }
  }
  dcf_status add(dcf_writer* writer, dcf_error* error) const {
    const dcf_tensor_spec spec = spec_of("w", DCF_DTYPE_F32, dims);
    return dcf_writer_add_codes(writer, &spec, rows.data(), rows.size(), columns.data(),
                                codes.data(), codes.size(), kCodebook, 3, nullptr, error);
  }

  std::vector<uint64_t> dims = {8, 512};
  std::vector<uint64_t> rows = {0};
  std::vector<uint32_t> columns;
  std::vector<uint8_t> codes;
  std::vector<float> dense;
  std::vector<uint16_t> decoded;  // 1 and 2: the centroids that have entries
};

std::vector<float> decode(const dcf_file* file, size_t elements) {
  std::vector<float> dense(elements);
  EXPECT_EQ(
      dcf_tensor_decode(file, 0, DCF_DTYPE_F32, dense.data(), elements * sizeof(float), nullptr),
      DCF_OK);
  return dense;
}

TEST(CodesApi, SparseCodesComeBack) {
  const Matrix matrix;
  const WrittenFile file([&](dcf_writer* w, dcf_error* e) { return matrix.add(w, e); });
  dcf_tensor_info info = DCF_TENSOR_INFO_INIT;
  ASSERT_EQ(dcf_tensor_describe(file.get(), 0, &info, nullptr), DCF_OK);
  EXPECT_EQ(info.values, DCF_VALUES_PALETTE);
  EXPECT_NE(info.positions, DCF_POSITIONS_DENSE);
  EXPECT_EQ(info.nonzeros, matrix.codes.size());
  ASSERT_EQ(info.codebook_size, 2u);  // without the centroid that has no entry

  float codebook[2] = {};
  ASSERT_EQ(dcf_tensor_decode_codebook(file.get(), 0, codebook, sizeof codebook, nullptr), DCF_OK);
  EXPECT_EQ(codebook[0], -2);
  EXPECT_EQ(codebook[1], 0.5f);
  EXPECT_EQ(dcf_tensor_decode_codebook(file.get(), 0, codebook, sizeof codebook - 1, nullptr),
            DCF_STATUS_BUFFER_TOO_SMALL);

  std::vector<uint16_t> codes(matrix.decoded.size());
  ASSERT_EQ(dcf_tensor_decode_codes(file.get(), 0, codes.data(), codes.size(), nullptr), DCF_OK);
  EXPECT_EQ(codes, matrix.decoded);
  EXPECT_EQ(dcf_tensor_decode_codes(file.get(), 0, codes.data(), codes.size() - 1, nullptr),
            DCF_STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(decode(file.get(), matrix.dense.size()), matrix.dense);
}

TEST(CodesApi, DenseCodesComeBack) {
  const std::vector<uint64_t> dims = {2, 3};
  const uint8_t codes[] = {0, 1, 2, 2, 1, 0};
  const WrittenFile file([&](dcf_writer* writer, dcf_error* error) {
    const dcf_tensor_spec spec = spec_of("w", DCF_DTYPE_F32, dims);
    return dcf_writer_add_codes(writer, &spec, nullptr, 0, nullptr, codes, 6, kCodebook, 3, nullptr,
                                error);
  });
  EXPECT_EQ(decode(file.get(), 6), (std::vector<float>{-2, 1, 0.5f, 0.5f, 1, -2}));
}

TEST(CodesApi, WrongSizesAreRefused) {
  dcf_sink sink = DCF_SINK_INIT;
  sink.write = [](void*, const void*, size_t) { return 0; };
  const Matrix good;
  // Whether a new writer refuses the matrix with this codebook.
  const auto refused = [&](const Matrix& m, const float* codebook, uint32_t centroids) {
    dcf_writer* writer = nullptr;
    EXPECT_EQ(dcf_writer_open_sink(&sink, nullptr, &writer, nullptr), DCF_OK);
    const dcf_tensor_spec spec = spec_of("w", DCF_DTYPE_F32, m.dims);
    const dcf_status status =
        dcf_writer_add_codes(writer, &spec, m.rows.data(), m.rows.size(), m.columns.data(),
                             m.codes.data(), m.codes.size(), codebook, centroids, nullptr, nullptr);
    dcf_writer_close(writer);
    return status == DCF_STATUS_INVALID_ARGUMENT;
  };
  EXPECT_FALSE(refused(good, kCodebook, 3));
  EXPECT_TRUE(refused(good, kCodebook, 2));  // a code beyond the codebook
  EXPECT_TRUE(refused(good, nullptr, 3));
  Matrix bad = good;
  bad.rows.pop_back();
  EXPECT_TRUE(refused(bad, kCodebook, 3));
  bad = good;
  bad.codes.pop_back();  // fewer entries than the rows say
  EXPECT_TRUE(refused(bad, kCodebook, 3));
  bad = good;
  bad.columns[1] = bad.columns[0];
  EXPECT_TRUE(refused(bad, kCodebook, 3));
  bad = good;
  bad.columns[1] = 512;
  EXPECT_TRUE(refused(bad, kCodebook, 3));
}

}  // namespace
}  // namespace dcf::api_test
