// SPDX-License-Identifier: Apache-2.0
// How small files are: against forced positions, against entropy, and on real networks.
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <ostream>
#include <string>

#include "format/header.h"
#include "support/real_model.h"
#include "writing.h"

namespace dcf::impl::encode {
namespace {

uint64_t size_of(const std::vector<Sample>& samples, const EncodeOptions& options) {
  return file_of(samples, options).size();
}

void expect_auto_is_smallest(const std::vector<Sample>& samples, EncodeOptions options,
                             const std::string& what) {
  options.positions.reset();
  const uint64_t automatic = size_of(samples, options);
  for (const auto& positions : kAllChoices) {
    options.positions = positions;
    EXPECT_LE(automatic, size_of(samples, options)) << what;
  }
}

TEST(Size, AutomaticPositionsAreNeverLarger) {
  std::mt19937_64 rng(1);
  const DType dtypes[] = {DType::kF32, DType::kF16, DType::kI32, DType::kU8, DType::kF8E4M3};
  const double densities[] = {0, 0.001, 0.02, 0.1, 0.3, 0.5, 0.8, 0.99, 1};
  for (int round = 0; round < 120; ++round) {
    std::vector<Sample> samples;
    const size_t count = round % 3 == 0 ? 1 : 1 + rng() % 12;
    for (size_t i = 0; i < count; ++i) {
      std::vector<uint64_t> dims;
      for (size_t rank = rng() % 4; rank > 0; --rank) dims.push_back(1 + rng() % 30);
      samples.push_back(random_sample(rng, dtypes[rng() % 5], dims, densities[rng() % 9],
                                      rng() % 2 * (1 + static_cast<unsigned>(rng() % 64)),
                                      rng() % 2 == 0));
      samples.back().name = "tensor." + std::to_string(i);
    }
    // Raw data at odd places, too.
    Sample raw;
    raw.name = "tensor.10raw";
    raw.dtype = DType::kC64;
    raw.dims = {rng() % 700};
    raw.data.assign(raw.dims[0] * 8, 1);
    if (round % 4 == 1) samples.push_back(raw);
    EncodeOptions options;
    options.canonical_zeros = round % 5 == 0;
    options.effort = Effort::kSmallest;
    expect_auto_is_smallest(samples, options, "round " + std::to_string(round));
  }
}

TEST(Size, AutomaticPositionsAreNeverLargerWhenLossy) {
  std::mt19937_64 rng(2);
  for (int round = 0; round < 40; ++round) {
    std::vector<Sample> samples;
    for (int i = 0; i < 3; ++i) {
      samples.push_back(
          random_sample(rng, DType::kF32, {16 + rng() % 50, 32 + rng() % 50}, i == 0 ? 1.0 : 0.5));
      // Finite ones: random bits are NaN now and then.
      for (size_t k = 3; k < samples.back().data.size(); k += 4) samples.back().data[k] &= 0xBF;
      samples.back().name = std::to_string(i);
    }
    EncodeOptions options;
    options.sparsity = round % 2 * 0.1 * static_cast<double>(rng() % 10);
    options.bits = static_cast<uint32_t>(rng() % 9);
    options.effort = Effort::kSmallest;
    expect_auto_is_smallest(samples, options, "round " + std::to_string(round));
  }
}

// A large tensor of normal weights, of which each element for which `zero(row, column)` is +0.
template <typename Zero>
Sample with_zeros(DType dtype, uint64_t rows, uint64_t cols, Zero zero) {
  std::mt19937_64 rng(3);
  std::normal_distribution<double> normal(0, 0.05);
  Sample sample;
  sample.dtype = dtype;
  sample.dims = {rows, cols};
  const size_t width = dtype_bits(dtype) / 8;
  sample.data.resize(rows * cols * width);
  for (uint64_t i = 0; i < rows * cols; ++i) {
    const double value = zero(i / cols, i % cols) ? 0 : normal(rng);
    const uint64_t word = is_float(dtype) ? double_to_word(dtype, value)
                                          : static_cast<uint8_t>(std::lround(value * 1000));
    store_word(sample.data.data() + i * width, width, word);
  }
  return sample;
}

uint64_t dense_size_of(const Sample& sample) {
  EncodeOptions dense;
  dense.positions = format::Positions::kDense;
  return size_of({sample}, dense);
}

TEST(Size, PositionsThatSaveLittleStayDense) {
  std::mt19937_64 rng(4);
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kI8}) {
    // The bits of a float beside its exponent are all wasted on a zero.
    const uint64_t every = is_float(dtype) ? 512 : 32;
    const auto scattered = [&](uint64_t, uint64_t) { return rng() % every == 0; };
    const Sample sample = with_zeros(dtype, 300, 700, scattered);
    EXPECT_EQ(size_of({sample}, {}), dense_size_of(sample)) << dtype_name(dtype);
  }
}

// Zeros in a part of the tensor that a sample must not miss.
TEST(Size, DeadRowsAndColumnsAreFound) {
  const auto dead_rows = [](uint64_t row, uint64_t) { return row >= 470; };
  const auto dead_columns = [](uint64_t, uint64_t col) { return col % 8 == 5; };
  const auto dead_block = [](uint64_t row, uint64_t col) { return row < 128 && col < 128; };
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kU8}) {
    for (const Sample& sample :
         {with_zeros(dtype, 512, 384, dead_rows), with_zeros(dtype, 512, 384, dead_columns),
          with_zeros(dtype, 512, 384, dead_block)}) {
      EncodeOptions smallest;
      smallest.effort = Effort::kSmallest;
      const uint64_t least = size_of({sample}, smallest);
      // A class of dead columns is as small as their positions.
      EXPECT_LE(least, dense_size_of(sample)) << dtype_name(dtype);
      EXPECT_LE(size_of({sample}, {}), least + least / 128 + 64) << dtype_name(dtype);
    }
  }
}

double entropy_bytes(const std::map<uint64_t, uint64_t>& counts) {
  double total = 0, bits = 0;
  for (const auto& [symbol, n] : counts) total += static_cast<double>(n);
  for (const auto& [symbol, n] : counts) {
    bits -= static_cast<double>(n) * std::log2(static_cast<double>(n) / total);
  }
  return bits / 8;
}

TEST(Size, PaperStorageIsCloseToItsEntropy) {
  // 4096 x 9216 would take too long under sanitizers; a quarter of the rows is enough.
  Sample sample;
  sample.dims = {1024, 9216};
  std::mt19937_64 rng(3);
  std::normal_distribution<float> normal(0, 0.01F);
  sample.data.resize(4 * element_count(sample.dims));
  for (size_t i = 0; i < sample.data.size(); i += 4) {
    store_word(&sample.data[i], 4, std::bit_cast<uint32_t>(normal(rng)));
  }
  EncodeOptions options = with_positions(format::Positions::kGap);
  options.sparsity = 0.91;
  options.bits = 5;
  const std::vector<uint8_t> file = file_of({sample}, options);
  const ReferenceFile result = decoded(file);
  double best = 1e18;
  for (unsigned b = 2; b <= 8; ++b) {
    std::map<uint64_t, uint64_t> gaps, codes;
    for (uint64_t r = 0; r < 1024; ++r) {
      uint64_t next = 0;
      for (uint64_t c = 0; c < 9216; ++c) {
        const uint64_t word = load_word(&result.dense[0][4 * (r * 9216 + c)], 4);
        if (word == 0) continue;
        const uint64_t gap = c - next;
        gaps[(1u << b) - 1] += gap >> b;
        codes[0] += gap >> b;
        ++gaps[gap & ((1u << b) - 1)];
        ++codes[word];
        next = c + 1;
      }
    }
    if (codes[0] == 0) codes.erase(0);
    best = std::min(best, entropy_bytes(gaps) + entropy_bytes(codes));
  }
  EXPECT_LT(static_cast<double>(file.size()), 1.013 * best);
}

// The tensors of a safetensors file of f32: just enough of a parser for files known to be good.
std::vector<Sample> load_safetensors(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::vector<Sample> samples;
  if (all.size() < 8) return samples;
  const uint64_t header = load_le<uint64_t>(bytes_of(all).data());
  const std::string json = all.substr(8, header);
  const auto numbers_at = [&](size_t at) {
    std::vector<uint64_t> numbers;
    for (at = json.find('[', at) + 1; json[at] != ']'; ++at) {
      if (std::isdigit(static_cast<unsigned char>(json[at])) == 0) continue;
      size_t used = 0;
      numbers.push_back(std::stoull(json.substr(at), &used));
      at += used - 1;
    }
    return numbers;
  };
  for (size_t at = 0; (at = json.find("\"dtype\"", at)) != std::string::npos; ++at) {
    Sample sample;
    const size_t end = json.rfind("\":", at);
    const size_t start = json.rfind('"', end - 1) + 1;
    sample.name = json.substr(start, end - start);
    sample.dims = numbers_at(json.find("\"shape\"", at));
    const std::vector<uint64_t> range = numbers_at(json.find("\"data_offsets\"", at));
    const Bytes data = bytes_of(all).subspan(8 + header + range[0], range[1] - range[0]);
    sample.data.assign(data.begin(), data.end());
    samples.push_back(sample);
  }
  return samples;
}

struct Model {
  const char* file;
  bool canonical;
  uint64_t most;
};

// The name of a test; without this, bytes of a pointer.
void PrintTo(const Model& model, std::ostream* out) {
  *out << model.file << (model.canonical ? " with canonical zeros" : "");
}

class RealModel : public testing::TestWithParam<Model> {};

TEST_P(RealModel, StayBelowTheirBounds) {
  const std::string path = test::real_model(GetParam().file);
  const std::vector<Sample> samples = load_safetensors(path);
  if (samples.empty()) GTEST_SKIP() << path << " is missing";
  EncodeOptions options;
  options.canonical_zeros = GetParam().canonical;
  const std::vector<uint8_t> file = file_of(samples, options);
  EXPECT_LE(file.size(), GetParam().most);
  const ReferenceFile result = decoded(file);
  uint64_t front =
      format::kHeaderBytes + format::parse_header(file, file.size()).value().manifest_size;
  if (samples.size() == 6) EXPECT_LE(front, 500u);
  for (const Sample& sample : samples) {
    for (size_t i = 0; i < result.dense.size(); ++i) {
      if (result.manifest.tensors[i].name != sample.name || GetParam().canonical) continue;
      EXPECT_TRUE(result.dense[i] == sample.data) << sample.name;
    }
  }
  for (const auto& positions : kAllChoices) {
    options.positions = positions;
    EXPECT_LE(file.size(), size_of(samples, options));
  }
}

INSTANTIATE_TEST_SUITE_P(Data, RealModel,
                         testing::Values(Model{"squeezenet_v1.0_deepcompression.safetensors", false,
                                               537000},
                                         Model{"lenet300100_sparse.safetensors", false, 52600},
                                         Model{"lenet300100_sparse.safetensors", true, 19900},
                                         Model{"lenet5_sparse.safetensors", false, 69700},
                                         Model{"lenet5_sparse.safetensors", true, 16300}));

}  // namespace
}  // namespace dcf::impl::encode
