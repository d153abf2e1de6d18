// SPDX-License-Identifier: Apache-2.0
// Real checkpoints, written losslessly and restored: every byte comes back, the files are as small
// as promised, forced positions never beat the automatic choice, threads do not change a byte.
#include <dcf/dcf.h>
#include <dcf/dcf_write.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "formats/model_source.h"
#include "support/real_model.h"

namespace dcf::tools {
namespace {

struct Closer {
  void operator()(dcf_file* file) const { dcf_file_close(file); }
  void operator()(dcf_writer* writer) const { dcf_writer_close(writer); }
};

std::vector<uint8_t> write(const ModelSource& model, const dcf_encode_options& options,
                           uint32_t threads) {
  std::vector<uint8_t> out;
  const dcf_sink sink{sizeof(dcf_sink), &out, [](void* ctx, const void* data, size_t size) {
                        const auto* p = static_cast<const uint8_t*>(data);
                        auto* bytes = static_cast<std::vector<uint8_t>*>(ctx);
                        bytes->insert(bytes->end(), p, p + size);
                        return 0;
                      }};
  dcf_writer_options writer_options;
  dcf_writer_options_init(&writer_options);
  writer_options.threads = threads;
  dcf_writer* handle = nullptr;
  dcf_error error = DCF_ERROR_INIT;
  EXPECT_EQ(dcf_writer_open_sink(&sink, &writer_options, &handle, &error), DCF_OK) << error.message;
  const std::unique_ptr<dcf_writer, Closer> writer(handle);
  for (size_t i = 0; i < model.tensors().size(); ++i) {
    const TensorMeta& t = model.tensors()[i];
    const std::vector<uint8_t> data = model.read(i);
    dcf_tensor_spec spec = DCF_TENSOR_SPEC_INIT;
    spec.name = t.name.data();
    spec.name_size = t.name.size();
    spec.dtype = t.dtype;
    spec.rank = static_cast<uint32_t>(t.dims.size());
    spec.dims = t.dims.data();
    EXPECT_EQ(dcf_writer_add_dense(handle, &spec, data.data(), data.size(), &options, &error),
              DCF_OK)
        << t.name << ": " << error.message;
  }
  for (const auto& [key, value] : model.metadata()) {
    EXPECT_EQ(
        dcf_writer_add_metadata(handle, key.data(), key.size(), value.data(), value.size(), &error),
        DCF_OK);
  }
  EXPECT_EQ(dcf_writer_finish(handle, &error), DCF_OK) << error.message;
  return out;
}

std::unique_ptr<dcf_file, Closer> open(const std::vector<uint8_t>& bytes) {
  dcf_file* file = nullptr;
  dcf_error error = DCF_ERROR_INIT;
  EXPECT_EQ(dcf_file_open_memory(bytes.data(), bytes.size(), nullptr, &file, &error), DCF_OK)
      << error.rule << " " << error.message;
  return std::unique_ptr<dcf_file, Closer>(file);
}

// Every tensor comes back; with canonical zeros -0 counts as +0.
void expect_restored(const ModelSource& model, const std::vector<uint8_t>& bytes,
                     bool canonical_zeros) {
  const auto file = open(bytes);
  ASSERT_NE(file, nullptr);
  dcf_error error = DCF_ERROR_INIT;
  EXPECT_EQ(dcf_file_verify(file.get(), nullptr, nullptr, &error), DCF_OK)
      << error.rule << " " << error.message;
  ASSERT_EQ(dcf_tensor_count(file.get()), model.tensors().size());
  uint64_t parts = 0;
  for (size_t i = 0; i < model.tensors().size(); ++i) {
    const std::string& name = model.tensors()[i].name;
    size_t index = 0;
    ASSERT_EQ(dcf_tensor_find(file.get(), name.data(), name.size(), &index, &error), DCF_OK)
        << name;
    std::vector<uint8_t> original = model.read(i);
    if (canonical_zeros) {
      for (size_t at = 0; at + 4 <= original.size(); at += 4) {
        if (original[at] == 0 && original[at + 1] == 0 && original[at + 2] == 0 &&
            original[at + 3] == 0x80)
          original[at + 3] = 0;
      }
    }
    std::vector<uint8_t> restored(original.size());
    ASSERT_EQ(dcf_tensor_decode(file.get(), index, DCF_DTYPE_NONE, restored.data(), restored.size(),
                                &error),
              DCF_OK)
        << name << ": " << error.message;
    EXPECT_TRUE(restored == original) << name;
    dcf_tensor_bytes part{};
    part.struct_size = sizeof part;
    ASSERT_EQ(dcf_tensor_measure(file.get(), index, &part, &error), DCF_OK);
    parts += part.total;
  }
  dcf_file_info info{};
  info.struct_size = sizeof info;
  ASSERT_EQ(dcf_file_describe(file.get(), &info, &error), DCF_OK);
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
