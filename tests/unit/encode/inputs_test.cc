// SPDX-License-Identifier: Apache-2.0
// CSR and codes as inputs, and what is refused.
#include <cmath>
#include <limits>

#include "writing.h"

namespace dcf::impl::encode {
namespace {

// A random CSR matrix with the same tensor as dense words.
struct Csr {
  std::vector<uint64_t> dims;
  std::vector<uint64_t> row_ptr{0};
  std::vector<uint32_t> col;
  std::vector<uint8_t> values;
  std::vector<uint8_t> codes;
  std::vector<uint8_t> dense;
};

Csr random_csr(unsigned seed, std::vector<uint64_t> dims, double density,
               const std::vector<uint8_t>& codebook) {
  std::mt19937_64 rng(seed);
  Csr csr;
  csr.dims = std::move(dims);
  const uint64_t cols = element_count(csr.dims) / csr.dims[0];
  csr.dense.resize(4 * element_count(csr.dims));
  for (uint64_t r = 0; r < csr.dims[0]; ++r) {
    for (uint32_t c = 0; c < cols; ++c) {
      if (static_cast<double>(rng() % 100000) >= 100000 * density) continue;
      const auto code = static_cast<uint8_t>(rng() % (codebook.size() / 4));
      csr.col.push_back(c);
      csr.codes.push_back(code);
      csr.values.insert(csr.values.end(), &codebook[4 * code], &codebook[4 * code] + 4);
      std::copy_n(&codebook[4 * code], 4, &csr.dense[4 * (r * cols + c)]);
    }
    csr.row_ptr.push_back(csr.col.size());
  }
  return csr;
}

std::vector<uint8_t> f32_words(const std::vector<uint32_t>& words) {
  std::vector<uint8_t> bytes(4 * words.size());
  for (size_t i = 0; i < words.size(); ++i) store_word(&bytes[4 * i], 4, words[i]);
  return bytes;
}

TensorInput input_of(const Csr& csr) {
  TensorInput input;
  input.spec = {"w", DType::kF32, 0, "", csr.dims};
  return input;
}

Result<std::vector<uint8_t>> write(const TensorInput& input, const EncodeOptions& options) {
  FileWriter writer({});
  DCF_TRY(writer.add(input, options));
  VectorSink sink;
  DCF_TRY(writer.finish(sink));
  return sink.data;
}

TEST(Inputs, CsrIsTheDenseTensor) {
  // 1, -2, NaN, +0, -0
  const std::vector<uint8_t> words = f32_words({0x3F800000, 0xC0000000, 0x7FC00123, 0, 0x80000000});
  for (const std::vector<uint64_t>& dims :
       {std::vector<uint64_t>{40, 90}, {90}, {5, 3, 60}, {1, 70000}}) {
    for (const double density : {0.0, 0.05, 0.7}) {
      const Csr csr = random_csr(1, dims, density, words);
      TensorInput input = input_of(csr);
      input.data = CsrData{csr.row_ptr.data(), csr.col.data(), csr.values.data()};
      for (const auto& positions : kAllChoices) {
        const auto file = write(input, with_positions(positions));
        ASSERT_TRUE(file.ok()) << file.status().message;
        EXPECT_TRUE(decoded(file.value()).dense[0] == csr.dense);
      }
    }
  }
}

TEST(Inputs, CodesKeepTheirCodebook) {
  std::mt19937_64 rng(2);
  std::vector<uint32_t> words;
  for (uint32_t i = 0; i < 100; ++i) words.push_back(0xBF000000 - 77777 * i);
  words[50] = 0;  // a trained centroid of zero
  const std::vector<uint8_t> codebook = f32_words(words);
  const Csr csr = random_csr(3, {100, 200}, 0.1, codebook);
  TensorInput input = input_of(csr);
  input.data =
      CodesData{csr.row_ptr.data(), csr.col.data(), csr.codes.data(), codebook.data(), 100};
  for (const auto& positions : kAllChoices) {
    const auto written = write(input, with_positions(positions));
    ASSERT_TRUE(written.ok()) << written.status().message;
    const ReferenceFile file = decoded(written.value());
    EXPECT_TRUE(file.dense[0] == csr.dense);
    const format::Tensor& t = file.manifest.tensors[0];
    EXPECT_EQ(t.encoding.values, format::Values::kPalette);
    EXPECT_EQ(t.encoding.palette_size, 100);
    EXPECT_EQ(t.fidelity, format::Fidelity::kBitExact);
    // Entries of value zero are entries all the same.
    if (t.encoding.is_sparse()) EXPECT_EQ(t.nonzeros, csr.col.size());
  }
}

TEST(Inputs, CodesOfEveryElement) {
  std::mt19937_64 rng(4);
  std::vector<uint8_t> codebook;
  for (uint32_t i = 0; i < 256; ++i) {
    const uint16_t word = static_cast<uint16_t>(40000 - 150 * i);
    codebook.insert(codebook.end(), {static_cast<uint8_t>(word), static_cast<uint8_t>(word >> 8)});
  }
  std::vector<uint8_t> codes(3000);
  std::vector<uint8_t> dense;
  for (uint8_t& code : codes) {
    code = static_cast<uint8_t>(rng() % 100 + 3);  // some centroids are not used
    dense.insert(dense.end(), &codebook[2 * code], &codebook[2 * code] + 2);
  }
  const uint64_t dims[] = {30, 100};
  TensorInput input;
  input.spec = {"q", DType::kU16, 0, "", dims};
  input.data = CodesData{nullptr, nullptr, codes.data(), codebook.data(), 200};
  for (const auto& positions : kAllChoices) {
    const auto written = write(input, with_positions(positions));
    ASSERT_TRUE(written.ok()) << written.status().message;
    const ReferenceFile file = decoded(written.value());
    EXPECT_TRUE(file.dense[0] == dense);
    const format::Tensor& t = file.manifest.tensors[0];
    EXPECT_EQ(t.encoding.positions, positions.value_or(format::Positions::kDense));
    EXPECT_EQ(t.encoding.values, format::Values::kPalette);
    EXPECT_EQ(t.encoding.palette_size, 100);
  }
}

TEST(Inputs, CodesOfAFullCodebook) {
  std::vector<uint32_t> words;
  for (uint32_t i = 0; i < 256; ++i) words.push_back(i << 16);  // zero among them
  const std::vector<uint8_t> codebook = f32_words(words);
  const Csr csr = random_csr(5, {64, 300}, 0.3, codebook);
  TensorInput input = input_of(csr);
  input.data =
      CodesData{csr.row_ptr.data(), csr.col.data(), csr.codes.data(), codebook.data(), 256};
  for (const auto& positions : kAllChoices) {
    const auto written = write(input, with_positions(positions));
    if (positions == format::Positions::kGap) {
      EXPECT_EQ(written.status().code, Code::InvalidArgument);
      continue;
    }
    ASSERT_TRUE(written.ok()) << written.status().message;
    EXPECT_TRUE(decoded(written.value()).dense[0] == csr.dense);
  }
}

TEST(Inputs, SignsInCodebooks) {
  const std::vector<uint8_t> codebook = f32_words({0x80000000, 0x3F800000, 0});
  const Csr csr = random_csr(6, {30, 30}, 0.5, codebook);
  TensorInput input = input_of(csr);
  input.data = CodesData{csr.row_ptr.data(), csr.col.data(), csr.codes.data(), codebook.data(), 3};
  for (const auto& positions : kAllChoices) {
    EncodeOptions options = with_positions(positions);
    EXPECT_TRUE(decoded(write(input, options).value()).dense[0] == csr.dense);
    options.canonical_zeros = true;
    const ReferenceFile file = decoded(write(input, options).value());
    EXPECT_EQ(file.manifest.tensors[0].fidelity, format::Fidelity::kValueExact);
    for (size_t i = 0; i < 900; ++i) {
      const uint64_t expected = load_word(&csr.dense[4 * i], 4) == 0x3F800000 ? 0x3F800000 : 0;
      EXPECT_EQ(load_word(&file.dense[0][4 * i], 4), expected);
    }
  }
}

// Each change to a good call makes a bad one.
TEST(Inputs, HostileArguments) {
  const std::vector<uint8_t> data(24);
  const uint64_t dims[] = {2, 3};
  const uint64_t row_ptr[] = {0, 2, 3};
  const uint32_t col[] = {0, 2, 1};
  const uint8_t codes[] = {0, 1, 0};
  const std::vector<uint8_t> codebook = f32_words({1, 2});
  TensorInput dense;
  dense.spec = {"w", DType::kF32, 0, "", dims};
  dense.data = DenseData{data};
  TensorInput csr = dense;
  csr.data = CsrData{row_ptr, col, data.data()};
  TensorInput coded = dense;
  coded.data = CodesData{row_ptr, col, codes, codebook.data(), 2};
  for (const TensorInput& good : {dense, csr, coded}) EXPECT_TRUE(write(good, {}).ok());

  const auto expect_bad = [](const TensorInput& input, const EncodeOptions& options = {}) {
    EXPECT_EQ(write(input, options).status().code, Code::InvalidArgument);
  };
  const auto bad_spec = [&](auto change) {
    TensorInput input = dense;
    change(input.spec);
    expect_bad(input);
  };
  const std::string long_name(4097, 'x');
  const uint64_t wrapping[] = {uint64_t{1} << 33, uint64_t{1} << 33};
  const uint64_t hidden[] = {0, uint64_t{1} << 40, uint64_t{1} << 40};
  const std::vector<uint64_t> many(33, 1);
  bad_spec([&](TensorSpec& s) { s.name = long_name; });
  bad_spec([](TensorSpec& s) { s.name = std::string_view("a\0b", 3); });
  bad_spec([](TensorSpec& s) { s.name = "\xC0\x80"; });
  bad_spec([](TensorSpec& s) { s.dtype = DType::kNone; });
  bad_spec([](TensorSpec& s) { s.dtype = static_cast<DType>(25); });
  bad_spec([](TensorSpec& s) { s.dtype = DType::kF64; });
  bad_spec([](TensorSpec& s) { s.dtype = DType::kOpaque; });
  bad_spec([](TensorSpec& s) {
    s.dtype = DType::kOpaque;
    s.opaque_bits = 65536;
  });
  bad_spec([&](TensorSpec& s) { s.dims = wrapping; });
  bad_spec([&](TensorSpec& s) { s.dims = hidden; });
  bad_spec([&](TensorSpec& s) { s.dims = many; });
  bad_spec([&](TensorSpec& s) { s.dims = s.dims.first(1); });

  const auto bad_options = [&](const TensorInput& input, auto change) {
    EncodeOptions options;
    change(options);
    expect_bad(input, options);
  };
  bad_options(dense, [](EncodeOptions& o) { o.sparsity = 1; });
  bad_options(dense, [](EncodeOptions& o) { o.sparsity = -0.1; });
  bad_options(dense,
              [](EncodeOptions& o) { o.sparsity = std::numeric_limits<double>::quiet_NaN(); });
  bad_options(dense, [](EncodeOptions& o) { o.bits = 9; });
  bad_options(dense, [](EncodeOptions& o) { o.gap_bits = 1; });
  bad_options(dense, [](EncodeOptions& o) { o.gap_bits = 9; });
  bad_options(dense, [](EncodeOptions& o) { o.init = static_cast<compress::ClusterInit>(4); });
  bad_options(dense, [](EncodeOptions& o) { o.positions = static_cast<format::Positions>(4); });
  bad_options(csr, [](EncodeOptions& o) { o.sparsity = 0.5; });
  bad_options(coded, [](EncodeOptions& o) { o.bits = 5; });
  TensorInput integer = dense;
  integer.spec.dtype = DType::kI32;
  bad_options(integer, [](EncodeOptions& o) { o.bits = 5; });

  const auto bad_csr = [&](std::vector<uint64_t> rows, std::vector<uint32_t> cols) {
    TensorInput input = csr;
    input.data = CsrData{rows.data(), cols.data(), data.data()};
    expect_bad(input);
    input.data = CodesData{rows.data(), cols.data(), codes, codebook.data(), 2};
    expect_bad(input);
  };
  bad_csr({1, 2, 3}, {0, 2, 1});
  bad_csr({0, 2, 1}, {0, 2, 1});
  bad_csr({0, 4, 4}, {0, 1, 2, 3});
  bad_csr({0, 2, UINT64_MAX}, {0, 1, 2});
  bad_csr({0, 2, 3}, {0, 3, 1});
  bad_csr({0, 2, 3}, {2, 0, 1});
  bad_csr({0, 2, 3}, {1, 1, 1});
  TensorInput bad = csr;
  bad.data = CsrData{nullptr, col, data.data()};
  expect_bad(bad);
  bad.data = CsrData{row_ptr, nullptr, data.data()};
  expect_bad(bad);
  bad.data = CsrData{row_ptr, col, nullptr};
  expect_bad(bad);
  const uint8_t beyond[] = {0, 2, 0};
  bad.data = CodesData{row_ptr, col, beyond, codebook.data(), 2};
  expect_bad(bad);
  bad.data = CodesData{row_ptr, col, nullptr, codebook.data(), 2};
  expect_bad(bad);
  bad.data = CodesData{row_ptr, col, codes, codebook.data(), 0};
  expect_bad(bad);
  bad.data = CodesData{row_ptr, col, codes, nullptr, 2};
  expect_bad(bad);
  const std::vector<uint8_t> twice = f32_words({1, 1});
  bad.data = CodesData{row_ptr, col, codes, twice.data(), 2};
  expect_bad(bad);
  bad.data = CodesData{nullptr, col, codes, codebook.data(), 2};
  expect_bad(bad);

  TensorInput quarter;
  const std::vector<uint8_t> padded = {0x21, 0x13};
  const uint64_t three[] = {3};
  quarter.spec = {"f4", DType::kF4, 0, "", three};
  quarter.data = DenseData{padded};
  expect_bad(quarter);
  quarter.spec.dtype = DType::kC64;
  quarter.data = CsrData{row_ptr, col, data.data()};
  EXPECT_EQ(write(quarter, {}).status().code, Code::UnsupportedDType);
}

}  // namespace
}  // namespace dcf::impl::encode
