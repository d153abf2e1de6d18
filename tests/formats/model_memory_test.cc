// SPDX-License-Identifier: Apache-2.0
// Readers keep to their limit of memory, and memory that runs out ends in an error, not the
// program.
#include <unistd.h>

#include <functional>
#include <new>

#include "gguf_file.h"
#include "model_test_util.h"
#include "proto_writer.h"
#include "support/memory_meter.h"

namespace dcf::tools::test {
namespace {

using dcf::impl::testing::AllocationFault;
using dcf::impl::testing::MemoryMeter;

constexpr uint64_t kMiB = uint64_t{1} << 20;
// What a reader takes besides: buffers of zlib and files, names.
constexpr size_t kSlack = size_t{512} << 10;

// A reader that holds the whole tensor fails here; in pieces it is read all the same.
void expect_read_in_pieces_only(const std::string& path, const OpenHints& hints, size_t tensor,
                                uint64_t bytes) {
  const MemoryMeter meter;
  const auto source = open_model(path, hints);
  ASSERT_EQ(source->tensors().at(tensor).bytes(), bytes);
  EXPECT_TOOL_ERROR(source->read(tensor), 1, "more than the memory limit of");
  uint64_t seen = 0;
  source->read_pieces(tensor, [&](std::span<const uint8_t> piece) { seen += piece.size(); });
  EXPECT_EQ(seen, bytes);
  EXPECT_LT(meter.peak(), hints.max_memory + kSlack);
}

std::string zero_array(const char* order, uint64_t rows, uint64_t cols) {
  return npy("{'descr': '|u1', 'fortran_order': " + std::string(order) + ", 'shape': (" +
                 std::to_string(rows) + ", " + std::to_string(cols) + ")}",
             std::string(rows * cols, '\0'));
}

TEST(MemoryLimits, ADeflatedNpzOfZeros) {
  const TempDir dir;
  const std::string path = dir.write(
      "m.npz", zip({{.name = "a.npy", .content = zero_array("False", 64, kMiB), .deflate = true}}));
  expect_read_in_pieces_only(path, {.max_memory = kMiB}, 0, 64 * kMiB);
}

TEST(MemoryLimits, PlainArrays) {
  const TempDir dir;
  expect_read_in_pieces_only(dir.write("m.npy", zero_array("False", 8, kMiB)), {.max_memory = kMiB},
                             0, 8 * kMiB);
  expect_read_in_pieces_only(
      dir.write("m.safetensors",
                safetensors(R"({"a":{"dtype":"U8","shape":[8388608],"data_offsets":[0,8388608]}})",
                            std::string(8 * kMiB, 'x'))),
      {.max_memory = kMiB}, 0, 8 * kMiB);
}

TEST(MemoryLimits, BlocksOfAGgufFile) {
  const TempDir dir;
  const uint64_t blocks = 8 * kMiB / 34;
  const GgufFile file{.tensors = {gguf_tensor("w", {32, blocks}, 8, 0)},
                      .data = std::string(blocks * 34, '\0')};
  const std::string path = dir.write("m.gguf", file.bytes());
  expect_read_in_pieces_only(path, {.max_memory = kMiB}, 1, blocks * 32);
}

TEST(MemoryLimits, FortranOrderIsHeldWholeOrRefused) {
  const TempDir dir;
  const std::string path = dir.write("m.npy", zero_array("True", 8, kMiB));
  const MemoryMeter meter;
  const auto small = open_model(path, {.max_memory = kMiB});
  EXPECT_TOOL_ERROR(small->read_pieces(0, [](auto) {}), 1, "in Fortran order takes 8388608 bytes");
  EXPECT_LT(meter.peak(), kSlack);
  const auto large = open_model(path, {.max_memory = 8 * kMiB});
  large->read_pieces(0, [](auto) {});
  EXPECT_LT(meter.peak(), 9 * kMiB + kSlack);
}

TEST(MemoryLimits, AGiantLayerOfANetFile) {
  const TempDir dir;
  const std::string layers = dir.write("l.json", R"([{"name":"a","shape":[2,8388608],"bits":4}])");
  Bytes net(4 + 16 * 4 + 2 * 4, 0);  // no entries: 64 MiB of zeros
  const std::string path = dir.write("m.net", net);
  expect_read_in_pieces_only(path, {.layers_json = layers, .max_memory = kMiB}, 0, 64 * kMiB);
}

TEST(MemoryLimits, HeadersAndTheirValues) {
  const TempDir dir;
  std::string header = R"({"__metadata__":{)";
  for (int i = 0; i < 40'000; ++i) {
    header += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":\"\"";
  }
  const std::string path = dir.write("m.safetensors", safetensors(header + "}}", ""));
  const MemoryMeter meter;
  EXPECT_TOOL_ERROR(open_model(path, {.max_memory = kMiB / 8}), 1, "the safetensors header takes");
  EXPECT_TOOL_ERROR(open_model(path, {.max_memory = 4 * kMiB}), 1, "its JSON takes");
  EXPECT_LT(meter.peak(), 4 * kMiB + kSlack);
  EXPECT_EQ(open_model(path, {.max_memory = 64 * kMiB})->metadata().size(), 40'000u);
  EXPECT_LT(meter.peak(), 64 * kMiB);
}

TEST(MemoryLimits, DirectoriesOfArchives) {
  const TempDir dir;
  std::vector<ZipItem> items;
  for (int i = 0; i < 2000; ++i) items.push_back({.name = std::to_string(i), .content = ""});
  const std::string path = dir.write("m.npz", zip(items));
  EXPECT_TOOL_ERROR(open_model(path, {.max_memory = 100'000}), 1, "its directory takes");
}

// Fails one allocation after another until all have had their turn; returns how many there were.
size_t fail_each_allocation(const std::function<void()>& action) {
  for (size_t k = 0;; ++k) {
    const AllocationFault fault(k);
    try {
      action();
    } catch (const std::bad_alloc&) {
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code, 2) << error.what();
    }
    if (!fault.happened()) return k;
  }
}

Model small_model() {
  return {.tensors = {meta("a", DCF_DTYPE_F32, {3}), meta("b\n", DCF_DTYPE_BF16, {2}),
                      meta("c", DCF_DTYPE_F8E5M2, {})},
          .data = {noise(12, 1), noise(4, 2), noise(1, 3)},
          .metadata = {{"key", "value that is too long to be kept inside of a string"}}};
}

TEST(OutOfMemory, AWriterLeavesNothing) {
  const Model model = small_model();
  for (const SinkFormat format : {SinkFormat::kSafetensors, SinkFormat::kNpz}) {
    const TempDir dir;
    const std::string path = dir.path("m");
    const size_t allocations = fail_each_allocation([&] {
      try {
        write_model(path, model, format, true);
      } catch (...) {
        // Looks without memory of its own.
        EXPECT_NE(access(path.c_str(), F_OK), 0);
        throw;
      }
      ASSERT_EQ(unlink(path.c_str()), 0);
    });
    EXPECT_GT(allocations, 20u);
    EXPECT_TRUE(dir.list().empty());
  }
}

TEST(OutOfMemory, AReaderEndsInAnError) {
  const TempDir dir;
  write_model(dir.path("m.safetensors"), small_model(), SinkFormat::kSafetensors);
  write_model(dir.path("m.npz"), small_model(), SinkFormat::kNpz);
  dir.write("s", "ABCDEFGH");
  dir.write("m.json",
            R"({"modelTopology":{"a":[[1],{}]},"format":{"a":[1]},"weightsManifest":[)"
            R"({"paths":["s"],"weights":[{"name":"a","shape":[2],"dtype":"float32"}]}]})");
  dir.write("m.npy", npy("{'descr': '>u2', 'fortran_order': True, 'shape': (2, 2)}", "AaBbCcDd"));
  std::vector<std::string> names = {"m.safetensors", "m.npz", "m.json", "m.npy"};
#ifdef DCF_WITH_ONNX
  dir.write("m.onnx",
            onnx_model(Proto().message(5, onnx_external_tensor("t", 1, {2}, "s", "0", "8"))).str());
  names.push_back("m.onnx");
#endif
  for (const std::string& name : names) {
    const std::string path = dir.path(name);
    EXPECT_GT(fail_each_allocation([&] {
                const auto source = open_model(path);
                for (size_t i = 0; i < source->tensors().size(); ++i) source->read(i);
              }),
              10u)
        << name;
  }
}

}  // namespace
}  // namespace dcf::tools::test
