// SPDX-License-Identifier: Apache-2.0
// Files from tensors in one call, and random tensors, for the tests of the writer.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/float_convert.h"
#include "encode/write/file_writer.h"
#include "reference_decoder.h"

namespace dcf::impl::encode {

class VectorSink final : public io::Sink {
 public:
  Status append(Bytes bytes) override {
    data.insert(data.end(), bytes.begin(), bytes.end());
    return ok_status();
  }
  std::vector<uint8_t> data;
};

// A dense tensor that owns what it is made of.
struct Sample {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<uint64_t> dims;
  std::vector<uint8_t> data;
  uint32_t opaque_bits = 0;

  TensorInput input() const {
    TensorInput in;
    in.spec.name = name;
    in.spec.dtype = dtype;
    in.spec.opaque_bits = opaque_bits;
    in.spec.opaque_name = dtype == DType::kOpaque ? "e2m1x" : "";
    in.spec.dims = dims;
    in.data = DenseData{data};
    return in;
  }
};

inline std::vector<uint8_t> finish_file(FileWriter& writer) {
  VectorSink sink;
  const Status status = writer.finish(sink);
  EXPECT_TRUE(status.ok()) << status.rule << " " << status.message;
  return sink.data;
}

inline std::vector<uint8_t> file_of(const std::vector<Sample>& samples,
                                    const EncodeOptions& options = {}, unsigned threads = 1) {
  WriterOptions writer_options;
  writer_options.parallel.threads = threads;
  FileWriter writer(writer_options);
  for (const Sample& sample : samples) {
    const Status status = writer.add(sample.input(), options);
    EXPECT_TRUE(status.ok()) << sample.name << ": " << status.message;
  }
  return finish_file(writer);
}

// The file of one tensor is the same whether threads make it, or it comes in pieces of this size.
inline void expect_same_file_by_threads_and_in_pieces(const Sample& sample, size_t piece,
                                                      const EncodeOptions& options = {}) {
  const std::vector<uint8_t> whole = file_of({sample}, options);
  EXPECT_TRUE(file_of({sample}, options, 3) == whole);
  FileWriter writer(WriterOptions{});
  const TensorInput input = sample.input();
  ASSERT_TRUE(writer.begin_tensor(input.spec, options).ok());
  for (Bytes left = sample.data; !left.empty();) {
    const size_t n = std::min<size_t>(left.size(), piece);
    ASSERT_TRUE(writer.write_piece(left.first(n)).ok());
    left = left.subspan(n);
  }
  ASSERT_TRUE(writer.end_tensor().ok());
  EXPECT_TRUE(finish_file(writer) == whole);
}

// Decodes and expects no error.
inline ReferenceFile decoded(const std::vector<uint8_t>& file) {
  ReferenceFile result = reference_decode(file);
  EXPECT_EQ(result.error, "");
  return result;
}

// The encoding that a writer chooses; the file decodes to the sample.
inline format::Encoding chosen(const Sample& sample, const EncodeOptions& options = {}) {
  const ReferenceFile file = decoded(file_of({sample}, options));
  EXPECT_TRUE(file.dense.at(0) == sample.data);
  return file.manifest.tensors.at(0).encoding;
}

inline EncodeOptions with_positions(std::optional<format::Positions> positions) {
  EncodeOptions options;
  options.positions = positions;
  return options;
}

inline const std::optional<format::Positions> kAllChoices[] = {
    std::nullopt, format::Positions::kDense, format::Positions::kBitmap, format::Positions::kGap,
    format::Positions::kGapBucket};

inline uint64_t element_count(const std::vector<uint64_t>& dims) {
  uint64_t n = 1;
  for (const uint64_t d : dims) n *= d;
  return n;
}

// Words of `levels` values (0: any bits); a share of `density` is not zero. Zeros of floats have a
// random sign if `signs`.
inline Sample random_sample(std::mt19937_64& rng, DType dtype, std::vector<uint64_t> dims,
                            double density, unsigned levels = 0, bool signs = false) {
  Sample sample;
  sample.dtype = dtype;
  sample.dims = std::move(dims);
  const uint64_t n = element_count(sample.dims);
  const size_t width = dtype_bits(dtype) / 8;
  sample.data.resize(n * width);
  std::vector<uint64_t> values(levels);
  for (uint64_t& v : values) v = rng();
  std::uniform_real_distribution<double> uniform(0, 1);
  std::normal_distribution<double> normal(0, 0.05);
  for (uint64_t i = 0; i < n; ++i) {
    uint64_t word = 0;
    if (uniform(rng) < density) {
      if (levels > 0) {
        word = values[rng() % levels];
      } else if (is_float(dtype) && rng() % 8 != 0) {
        word = double_to_word(dtype, normal(rng));
      } else {
        word = rng() >> (is_float(dtype) ? 0 : rng() % 64);
      }
    } else if (signs && is_float(dtype)) {
      word = (rng() & 1) << (8 * width - 1);
    }
    store_word(sample.data.data() + i * width, width, word);
  }
  return sample;
}

}  // namespace dcf::impl::encode
