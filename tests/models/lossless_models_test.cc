// SPDX-License-Identifier: Apache-2.0
// Real checkpoints, written losslessly and restored: every byte comes back, the files are as small
// as promised, forced positions never beat the automatic choice, threads do not change a byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <dcf/dcf.hpp>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "formats/model_source.h"
#include "support/real_model.h"

namespace dcf::tools {
namespace {

std::vector<uint8_t> write(const ModelSource& model, const dcf_encode_options& options,
                           uint32_t threads) {
  std::vector<uint8_t> out;
  const dcf_sink sink{sizeof(dcf_sink), &out, [](void* ctx, const void* data, size_t size) {
                        const auto* p = static_cast<const uint8_t*>(data);
                        auto* bytes = static_cast<std::vector<uint8_t>*>(ctx);
                        bytes->insert(bytes->end(), p, p + size);
                        return 0;
                      }};
  dcf_writer_options writer_options = dcf::writer_options();
  writer_options.threads = threads;
  dcf::Writer writer = dcf::Writer::open(sink, writer_options).value();
  for (size_t i = 0; i < model.tensors().size(); ++i) {
    const TensorMeta& t = model.tensors()[i];
    writer.add_bytes(dcf::tensor_spec(t.name, t.dtype, t.dims), model.read(i), options).value();
  }
  for (const auto& [key, value] : model.metadata()) writer.add_metadata(key, value).value();
  writer.finish().value();
  return out;
}

// Every tensor comes back; with canonical zeros -0 counts as +0.
void expect_restored(const ModelSource& model, const std::vector<uint8_t>& bytes,
                     bool canonical_zeros) {
  const dcf::File file = dcf::File::open(std::span<const uint8_t>(bytes)).value();
  file.verify().value();
  ASSERT_EQ(file.size(), model.tensors().size());
  uint64_t parts = 0;
  for (size_t i = 0; i < model.tensors().size(); ++i) {
    const std::string& name = model.tensors()[i].name;
    const dcf::Tensor tensor = file.tensor(name).value();
    std::vector<uint8_t> original = model.read(i);
    if (canonical_zeros) {
      for (size_t at = 0; at + 4 <= original.size(); at += 4) {
        if (original[at] == 0 && original[at + 1] == 0 && original[at + 2] == 0 &&
            original[at + 3] == 0x80)
          original[at + 3] = 0;
      }
    }
    std::vector<uint8_t> restored(original.size());
    dcf_error error = DCF_ERROR_INIT;
    ASSERT_EQ(dcf_tensor_decode(file.get(), tensor.index(), DCF_DTYPE_NONE, restored.data(),
                                restored.size(), &error),
              DCF_OK)
        << name << ": " << error.message;
    EXPECT_TRUE(restored == original) << name;
    parts += tensor.measure().value().total;
  }
  const dcf_file_info info = file.info();
  EXPECT_EQ(parts + info.overhead_bytes, bytes.size());
  std::printf("  %zu bytes, header and manifest %llu\n", bytes.size(),
              static_cast<unsigned long long>(64 + info.manifest_bytes));
}

struct Goal {
  const char* model;
  bool canonical_zeros;
  size_t most_bytes;
};

void PrintTo(const Goal& goal, std::ostream* out) {
  *out << goal.model << (goal.canonical_zeros ? " with canonical zeros" : "");
}

class RealModel : public testing::TestWithParam<Goal> {};

TEST_P(RealModel, ComesBackFromASmallFile) {
  const std::string path = test::real_model(GetParam().model);
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is missing";
  const auto model = open_model(path);
  dcf_encode_options options;
  dcf_encode_options_init(&options);
  options.canonical_zeros = GetParam().canonical_zeros;
  const std::vector<uint8_t> bytes = write(*model, options, 1);
  EXPECT_LE(bytes.size(), GetParam().most_bytes);
  expect_restored(*model, bytes, GetParam().canonical_zeros);
  EXPECT_TRUE(write(*model, options, 2) == bytes) << "threads change the file";
  for (int positions = DCF_POSITIONS_DENSE; positions <= DCF_POSITIONS_GAP_BUCKET; ++positions) {
    options.positions = static_cast<dcf_positions>(positions);
    const std::vector<uint8_t> forced = write(*model, options, 0);
    EXPECT_GE(forced.size(), bytes.size()) << "positions " << positions;
    expect_restored(*model, forced, GetParam().canonical_zeros);
  }
}

INSTANTIATE_TEST_SUITE_P(Lossless, RealModel,
                         testing::Values(Goal{"squeezenet_v1.0_deepcompression.safetensors", false,
                                              546000},
                                         Goal{"lenet300100_sparse.safetensors", false, 54500},
                                         Goal{"lenet300100_sparse.safetensors", true, 20600},
                                         Goal{"lenet5_sparse.safetensors", false, 72500},
                                         Goal{"lenet5_sparse.safetensors", true, 17000},
                                         Goal{"lenet300100_original.safetensors", false, 890000},
                                         Goal{"lenet5_original.safetensors", false, 1430000}));

}  // namespace
}  // namespace dcf::tools
