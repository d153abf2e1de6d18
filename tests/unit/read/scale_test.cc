// SPDX-License-Identifier: Apache-2.0
// Files of very many tensors, and manifests as large as their limit.
#include <gtest/gtest.h>

#include <string>

#include "dcf/dcf.h"
#include "support/memory_meter.h"
#include "support/sample.h"

namespace dcf::impl {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

// Tensors without elements, of rank 2, with names of 20 bytes.
Blob empty_tensors(size_t count) {
  FileParts parts = make_parts({});
  format::ManifestColumns& c = parts.columns;
  for (size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(1000000 + i);
    const std::string name = "layers." + number + ".state";
    c.names.insert(c.names.end(), name.begin(), name.end());
    c.name_lengths.push_back(static_cast<uint16_t>(name.size()));
    c.dims.insert(c.dims.end(), {0, 5});
  }
  c.dtypes.assign(count, static_cast<uint8_t>(DType::kF32));
  c.ranks.assign(count, 2);
  c.encodings.assign(count, 0);
  c.nonzeros.assign(count, 0);
  return assemble(parts);
}

TEST(Scale, OpeningTakesLittleForATensorAndNoAllocations) {
  size_t allocations = 0;
  for (const size_t count : {1000, 50000}) {
    const Blob bytes = empty_tensors(count);
    const MemoryMeter meter;
    dcf_file* file = nullptr;
    ASSERT_EQ(dcf_file_open_memory(bytes.data(), bytes.size(), nullptr, &file, nullptr), DCF_OK);
    if (allocations == 0) allocations = meter.allocations();
    EXPECT_EQ(meter.allocations(), allocations);
    // 45 bytes of columns, once or twice; the tensor, its texts and its place in the tables.
    EXPECT_LT(meter.peak(), 380 * count + 60000);
    dcf_file_info info = DCF_FILE_INFO_INIT;
    EXPECT_EQ(dcf_file_describe(file, &info, nullptr), DCF_OK);
    EXPECT_LE(meter.held(), info.memory_bytes + 20000);
    dcf_file_close(file);
    EXPECT_EQ(meter.held(), 0u);
  }
}

TEST(Scale, EmptyTensorsCostNothingToDescribeAndMeasure) {
  const Blob bytes = empty_tensors(1000);
  dcf_file* file = nullptr;
  ASSERT_EQ(dcf_file_open_memory(bytes.data(), bytes.size(), nullptr, &file, nullptr), DCF_OK);
  const MemoryMeter meter;
  dcf_tensor_info info = DCF_TENSOR_INFO_INIT;
  dcf_tensor_bytes size = DCF_TENSOR_BYTES_INIT;
  for (size_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(dcf_tensor_describe(file, i, &info, nullptr), DCF_OK);
    ASSERT_EQ(dcf_tensor_measure(file, i, &size, nullptr), DCF_OK);
    ASSERT_EQ(size.total, 0u);
    size_t found = 0;
    ASSERT_EQ(dcf_tensor_find(file, info.name, info.name_size, &found, nullptr), DCF_OK);
    ASSERT_EQ(found, i);
  }
  EXPECT_EQ(meter.allocations(), 0u);
  dcf_file_close(file);
}

// Section 11: the manifest counts five times.
TEST(Scale, ManifestsOfTheirLimitFitIntoFiveTimesTheMemory) {
  constexpr size_t kBytes = size_t{4} << 20;
  const Blob bytes = assemble(make_parts({}, {{"key", std::string(kBytes - 16384, 'v')}}));
  dcf_open_options options;
  dcf_open_options_init(&options);
  options.max_manifest = kBytes;
  options.max_memory = 5 * kBytes;
  dcf_file* file = nullptr;
  dcf_error error = DCF_ERROR_INIT;
  {
    const MemoryMeter meter;
    EXPECT_EQ(dcf_file_open_memory(bytes.data(), bytes.size(), &options, &file, &error), DCF_OK)
        << error.message;
    EXPECT_LE(meter.peak(), options.max_memory);
  }
  dcf_file_close(file);
  options.max_memory = kBytes;
  EXPECT_EQ(dcf_file_open_memory(bytes.data(), bytes.size(), &options, &file, &error),
            DCF_STATUS_LIMIT_MEMORY);
  EXPECT_NE(std::string(error.message).find("max_memory"), std::string::npos) << error.message;
  EXPECT_EQ(error.offset, 64u);
  options.max_memory = 5 * kBytes;
  options.max_manifest = kBytes / 2;
  EXPECT_EQ(dcf_file_open_memory(bytes.data(), bytes.size(), &options, &file, &error),
            DCF_STATUS_LIMIT_MEMORY);
  EXPECT_NE(std::string(error.message).find("max_manifest"), std::string::npos) << error.message;
  EXPECT_EQ(error.offset, 64u);
}

}  // namespace
}  // namespace dcf::impl
