// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "model_test_util.h"
#include "reassemble.h"
#include "support/memory_meter.h"
#include "support/real_model.h"

namespace dcf::tools::test {
namespace {

class SafetensorsTest : public ::testing::Test {
 protected:
  void expect_invalid(std::string_view header, std::string_view data, const char* text,
                      int code = 1) {
    const std::string path = dir_.write("m.safetensors", safetensors(header, data));
    EXPECT_TOOL_ERROR(open_model(path), code, text);
    EXPECT_TOOL_ERROR(open_model(path), code, path);
  }
  Model read(std::string_view header, std::string_view data) {
    return read_model(dir_.write("m.safetensors", safetensors(header, data)));
  }

  TempDir dir_;
};

TEST_F(SafetensorsTest, ReadsTensorsInFileOrderWithMetadata) {
  const std::string path = dir_.write(
      "m.bin", safetensors(R"({"__metadata__":{"k":"v"},)"
                           R"("a":{"dtype":"U8","shape":[2],"data_offsets":[4,6]},)"
                           R"("b":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                           R"("e":{"dtype":"I64","shape":[3,0],"data_offsets":[6,6]}}   )",
                           "wxyzAB"));
  const auto source = open_model(path);
  ASSERT_EQ(source->tensors().size(), 3u);
  EXPECT_EQ(source->tensors()[0], meta("b", DCF_DTYPE_F32, {}));
  EXPECT_EQ(source->tensors()[1], meta("a", DCF_DTYPE_U8, {2}));
  EXPECT_EQ(source->tensors()[2], meta("e", DCF_DTYPE_I64, {3, 0}));
  EXPECT_EQ(source->read(0), to_bytes("wxyz"));
  EXPECT_EQ(source->read(1), to_bytes("AB"));
  EXPECT_TRUE(source->read(2).empty());
  EXPECT_EQ(source->metadata(), (Metadata{{"k", "v"}}));
  EXPECT_EQ(source->file_bytes(), read_text(path).size());
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(SafetensorsTest, PlainDescriptionsAreNoRest) {
  const std::string two = R"("a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                          R"("b":{"dtype":"F32","shape":[],"data_offsets":[2,6]}})";
  const auto rest = [&](const std::string& header) {
    const auto source = open_model(dir_.write("m", safetensors(header, "ABwxyz")));
    EXPECT_EQ(layout_fault(*source), "");
    return source->layout()->rest_bytes();
  };
  const std::string metadata = R"("__metadata__":{"k":"v"},)";
  EXPECT_EQ(rest("{" + two), 9u);
  EXPECT_EQ(rest("{" + two + "     "), 9u);
  EXPECT_EQ(rest("{" + metadata + two), 9u + metadata.size());
  // Anything else is kept as it is.
  const std::string swapped = R"({"b":{"dtype":"F32","shape":[],"data_offsets":[2,6]},)"
                              R"("a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})";
  const std::string escaped = R"({"\u0061":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                              R"("b":{"dtype":"F32","shape":[],"data_offsets":[2,6]}})";
  for (const std::string& header : {"{" + two + "        ", "{ " + two, swapped, escaped}) {
    EXPECT_EQ(rest(header), 8 + header.size()) << header;
  }
}

TEST_F(SafetensorsTest, EveryDtype) {
  const std::pair<const char*, dcf_dtype> kAll[] = {{"F64", DCF_DTYPE_F64},
                                                    {"F32", DCF_DTYPE_F32},
                                                    {"F16", DCF_DTYPE_F16},
                                                    {"BF16", DCF_DTYPE_BF16},
                                                    {"F8_E4M3", DCF_DTYPE_F8E4M3},
                                                    {"F8_E5M2", DCF_DTYPE_F8E5M2},
                                                    {"F8_E4M3FNUZ", DCF_DTYPE_F8E4M3FNUZ},
                                                    {"F8_E5M2FNUZ", DCF_DTYPE_F8E5M2FNUZ},
                                                    {"F8_E8M0", DCF_DTYPE_F8E8M0},
                                                    {"F4", DCF_DTYPE_F4},
                                                    {"F6_E2M3", DCF_DTYPE_F6E2M3},
                                                    {"F6_E3M2", DCF_DTYPE_F6E3M2},
                                                    {"I64", DCF_DTYPE_I64},
                                                    {"I32", DCF_DTYPE_I32},
                                                    {"I16", DCF_DTYPE_I16},
                                                    {"I8", DCF_DTYPE_I8},
                                                    {"U64", DCF_DTYPE_U64},
                                                    {"U32", DCF_DTYPE_U32},
                                                    {"U16", DCF_DTYPE_U16},
                                                    {"U8", DCF_DTYPE_U8},
                                                    {"BOOL", DCF_DTYPE_BOOL},
                                                    {"C64", DCF_DTYPE_C64}};
  for (const auto& [name, dtype] : kAll) {
    const uint64_t bytes = 4 * dcf_dtype_bits(dtype) / 8;
    const std::string header = std::string(R"({"t":{"dtype":")") + name +
                               R"(","shape":[4],"data_offsets":[0,)" + std::to_string(bytes) +
                               "]}}";
    const Model model = read(header, std::string(bytes, 'x'));
    EXPECT_EQ(model.tensors.at(0), meta("t", dtype, {4})) << name;
  }
  expect_invalid(R"({"t":{"dtype":"F128","shape":[1],"data_offsets":[0,16]}})",
                 std::string(16, 'x'), "not supported", 2);
}

TEST_F(SafetensorsTest, RejectsBadHeaders) {
  EXPECT_TOOL_ERROR(open_model(dir_.write("a.safetensors", "abc")), 1, "too short");
  EXPECT_TOOL_ERROR(open_model(dir_.write("a.safetensors", std::string(8, '\xff'))), 1, "declares");
  EXPECT_TOOL_ERROR(open_model(dir_.write("a.safetensors", safetensors("", ""))), 1, "'{'");
  EXPECT_TOOL_ERROR(open_model(dir_.write("a.safetensors", safetensors(" {}", ""))), 1, "'{'");
  const std::string whole =
      safetensors(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "AB");
  EXPECT_TOOL_ERROR(open_model(dir_.write("a.safetensors", whole.substr(0, 20))), 1,
                    "ends inside the safetensors header");
  EXPECT_TOOL_ERROR(open_model(dir_.write("a.safetensors", whole.substr(0, whole.size() - 1))), 1,
                    "cut off: tensor 'a'");
  EXPECT_TOOL_ERROR(open_model(dir_.write("a.safetensors", whole + "C")), 1, "1 bytes after");
  expect_invalid("{", "", "not valid JSON");
  expect_invalid("{}x", "", "not valid JSON");
  expect_invalid(std::string_view("{}\0\0", 4), "", "not valid JSON at byte 3");
  expect_invalid("{\"\xff\":1}", "", "not valid JSON");
  expect_invalid(R"({"a":)" + std::string(40, '[') + std::string(40, ']') + "}", "", "deeper");
}

TEST_F(SafetensorsTest, RejectsRepeatedKeysAnywhere) {
  constexpr std::string_view kEntry = R"({"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  const std::string entry(kEntry);
  expect_invalid(R"({"a":)" + entry + R"(,"a":)" + entry + "}", "", "'a' twice");
  expect_invalid(R"({"a":{"dtype":"U8","dtype":"I8","shape":[0],"data_offsets":[0,0]}})", "",
                 "'dtype' twice");
  expect_invalid(R"({"__metadata__":{"k":"1","k":"2"}})", "", "'k' twice");
}

TEST_F(SafetensorsTest, MetadataThatIsNullIsNone) {
  EXPECT_TRUE(
      read_model(dir_.write("m", safetensors(R"({"__metadata__":null})", ""))).metadata.empty());
}

TEST_F(SafetensorsTest, RejectsBadEntries) {
  expect_invalid(R"({"a":[]})", "", "not a JSON object");
  expect_invalid(R"({"a":{"shape":[0],"data_offsets":[0,0]}})", "", "no 'dtype'");
  expect_invalid(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1}})", "", "unknown");
  expect_invalid(R"({"a":{"dtype":8,"shape":[0],"data_offsets":[0,0]}})", "", "not a string");
  expect_invalid(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}})", "", "unsigned");
  expect_invalid(R"({"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}})", "A", "unsigned");
  expect_invalid(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0]}})", "", "two numbers");
  expect_invalid(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,1]}})", "A", "2 bytes");
  expect_invalid(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}})", "AB", "data_offsets");
  expect_invalid(R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}})", "A", "whole bytes");
  expect_invalid(R"({"__metadata__":{"k":1}})", "", "not a string");
  expect_invalid(R"({"__metadata__":[]})", "", "not a JSON object");
  expect_invalid(R"({"a\u0000b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", "", "NUL");
  expect_invalid(
      R"({")" + std::string(4097, 'n') + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
      "", "longer than 4096");
  std::string ones = "1";
  for (int i = 0; i < 32; ++i) ones += ",1";
  expect_invalid(R"({"a":{"dtype":"U8","shape":[)" + ones + R"(],"data_offsets":[0,1]}})", "A",
                 "more than 32 dimensions");
}

TEST_F(SafetensorsTest, RejectsSizesThatWrap) {
  // 2^32 * 2^32 wraps to 0, which would fit to the empty data.
  expect_invalid(R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", "",
                 "64 bits");
  expect_invalid(R"({"a":{"dtype":"F64","shape":[288230376151711744],"data_offsets":[0,0]}})", "",
                 "64 bits");
}

TEST_F(SafetensorsTest, RejectsGapsAndOverlaps) {
  const auto two = [](int begin, int end) {
    return R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
           R"("b":{"dtype":"U8","shape":[2],"data_offsets":[)" +
           std::to_string(begin) + "," + std::to_string(end) + "]}}";
  };
  EXPECT_EQ(read(two(2, 4), "ABCD").data.at(1), to_bytes("CD"));
  expect_invalid(two(1, 3), "ABC", "'b' overlaps");
  expect_invalid(two(0, 2), "AB", "'b' overlaps");
  expect_invalid(two(3, 5), "ABCDE", "'b' leaves a gap");
}

// Room that doubles where a list outgrows it is why four times the tensors may take a little more
// than four times the memory.
TEST_F(SafetensorsTest, OpeningTakesMemoryInProportionToTheTensors) {
  const auto open = [&](int tensors) {
    Model model;
    for (int i = 0; i < tensors; ++i) {
      const std::string name = "layer." + std::to_string(100000 + i) + ".weight";
      model.tensors.push_back(meta(name, DCF_DTYPE_F32, {2, 1}));
      model.data.push_back(noise(8, static_cast<uint64_t>(i)));
    }
    const std::string path = dir_.path(std::to_string(tensors) + ".safetensors");
    write_model(path, model, SinkFormat::kSafetensors);
    const impl::testing::MemoryMeter meter;
    EXPECT_EQ(open_model(path)->tensors().size(), static_cast<size_t>(tensors));
    return std::pair(meter.allocations(), meter.total());
  };
  const auto [allocations, bytes] = open(5000);
  const auto [more_allocations, more_bytes] = open(20000);
  EXPECT_LE(more_allocations, 5 * allocations);
  EXPECT_LE(more_bytes, 5 * bytes);
}

TEST_F(SafetensorsTest, RealModelsMakeTheRoundTrip) {
  for (const char* name : {"lenet5_sparse.safetensors", "lenet300100_original.safetensors"}) {
    const std::string path = dcf::test::real_model(name);
    if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is missing";
    const Model model = read_model(path);
    EXPECT_FALSE(model.tensors.empty());
    const std::string copy = dir_.path(name);
    write_model(copy, model, SinkFormat::kSafetensors);
    expect_equal(model, read_model(copy));
  }
}

}  // namespace
}  // namespace dcf::tools::test
