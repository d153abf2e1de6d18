// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "model_test_util.h"
#include "reassemble.h"
#include "tflite_file.h"

namespace dcf::tools::test {
namespace {

constexpr int8_t kTfliteUint8 = 3;
constexpr int8_t kTfliteInt64 = 4;
constexpr int8_t kTfliteString = 5;
constexpr int8_t kTfliteInt8 = 9;
constexpr int8_t kInt4 = 17;

class TfliteTest : public ::testing::Test {
 protected:
  std::unique_ptr<ModelSource> open(const std::string& bytes, uint64_t max_memory = 0) const {
    return open_model(dir_.write("model.tflite", bytes), {.max_memory = max_memory});
  }
  void expect_refused(const std::string& bytes, const char* text, int code = 1) const {
    EXPECT_TOOL_ERROR(open(bytes), code, text);
  }
  // Of the constant with this name.
  static size_t find(const ModelSource& source, const std::string& name) {
    for (size_t i = 0; i < source.tensors().size(); ++i) {
      if (source.tensors()[i].name == name) return i;
    }
    ADD_FAILURE() << "no tensor " << name;
    return 0;
  }
  static std::map<uint64_t, std::string> notes_of(const ModelSource& source) {
    const std::vector<uint8_t> encoded = source.layout()->encoded();
    return LayoutReader("test", encoded).types();
  }

  TempDir dir_;
};

TEST_F(TfliteTest, BuffersAreTensorsOfTheFirstTensorThatHasThem) {
  TfliteFile model;
  model.buffers = {{}, {.data = "abcdefgh"}, {.data = "wxyz"}, {.data = "only metadata"}};
  model.graphs = {{{.name = "in", .shape = {1, 4}},
                   {.name = "w", .shape = {2, 1}, .buffer = 1},
                   {.name = "scalar", .buffer = 2}},
                  {{.name = "w again", .shape = {8}, .type = kTfliteUint8, .buffer = 1}}};
  const auto source = open(model.bytes());
  ASSERT_EQ(source->tensors().size(), 2u);
  const size_t w = find(*source, "w");
  EXPECT_EQ(source->tensors()[w], meta("w", DCF_DTYPE_F32, {2, 1}));
  EXPECT_EQ(source->read(w), to_bytes("abcdefgh"));
  const size_t scalar = find(*source, "scalar");
  EXPECT_EQ(source->tensors()[scalar], meta("scalar", DCF_DTYPE_F32, {}));
  EXPECT_EQ(source->read(scalar), to_bytes("wxyz"));
  EXPECT_TRUE(notes_of(*source).empty());
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(TfliteTest, WhatDoesNotFitIsARow) {
  const std::vector<int32_t> deep(33, 1);
  const std::vector<int32_t> wrap(3, 1 << 30);
  const struct {
    TfliteTensor tensor;
    std::string note;
    TensorMeta expected;
  } cases[] = {
      {{"int4", {3, 3}, kInt4}, "INT4 [3, 3]", meta("int4", DCF_DTYPE_U8, {12})},
      {{"text", {1}, kTfliteString}, "STRING [1]", meta("text", DCF_DTYPE_U8, {12})},
      {{"int64", {1}, kTfliteInt64}, "INT64 [1]", meta("int64", DCF_DTYPE_U8, {12})},
      {{"new", {12}, 100}, "type 100 [12]", meta("new", DCF_DTYPE_U8, {12})},
      {{"old", {12}, -1}, "type -1 [12]", meta("old", DCF_DTYPE_U8, {12})},
      {{"sparse", {2, 2}}, "FLOAT32 [2, 2]", meta("sparse", DCF_DTYPE_F32, {3})},
      {{"no rank", {}}, "FLOAT32 []", meta("no rank", DCF_DTYPE_F32, {3})},
      {{"unknown", {-1, 2}, kTfliteInt8}, "INT8 [-1, 2]", meta("unknown", DCF_DTYPE_I8, {12})},
      {{"deep", deep, kTfliteInt8},
       "INT8 [1, 1, 1, 1, 1, 1, 1, 1, ...]",
       meta("deep", DCF_DTYPE_I8, {12})},
      {{"wrap", wrap},
       "FLOAT32 [1073741824, 1073741824, 1073741824]",
       meta("wrap", DCF_DTYPE_F32, {3})}};
  TfliteFile model;
  model.graphs = {{}};
  for (const auto& [tensor, note, expected] : cases) {
    model.graphs[0].push_back(tensor);
    model.graphs[0].back().buffer = static_cast<uint32_t>(model.buffers.size());
    model.buffers.push_back({.data = "twelve bytes"});
  }
  const auto source = open(model.bytes());
  ASSERT_EQ(source->tensors().size(), std::size(cases));
  for (const auto& [tensor, note, expected] : cases) {
    const size_t i = find(*source, tensor.name);
    EXPECT_EQ(source->tensors()[i], expected);
    EXPECT_EQ(notes_of(*source)[i], note);
  }
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(TfliteTest, EveryTypeWithADtype) {
  const std::map<int8_t, dcf_dtype> types = {
      {0, DCF_DTYPE_F32},  {1, DCF_DTYPE_F16},   {2, DCF_DTYPE_I32},     {3, DCF_DTYPE_U8},
      {4, DCF_DTYPE_I64},  {6, DCF_DTYPE_BOOL},  {7, DCF_DTYPE_I16},     {8, DCF_DTYPE_C64},
      {9, DCF_DTYPE_I8},   {10, DCF_DTYPE_F64},  {12, DCF_DTYPE_U64},    {15, DCF_DTYPE_U32},
      {16, DCF_DTYPE_U16}, {18, DCF_DTYPE_BF16}, {21, DCF_DTYPE_F8E4M3}, {22, DCF_DTYPE_F8E5M2}};
  TfliteFile model;
  model.graphs = {{}};
  for (const auto& [type, dtype] : types) {
    model.graphs[0].push_back({.name = std::to_string(type),
                               .shape = {3},
                               .type = type,
                               .buffer = static_cast<uint32_t>(model.buffers.size())});
    model.buffers.push_back({.data = std::string(3 * dcf_dtype_bits(dtype) / 8, 'x')});
  }
  const auto source = open(model.bytes());
  for (const auto& [type, dtype] : types) {
    const std::string name = std::to_string(type);
    EXPECT_EQ(source->tensors()[find(*source, name)], meta(name, dtype, {3}));
  }
  EXPECT_TRUE(notes_of(*source).empty());
}

TEST_F(TfliteTest, NamesAreMadeUniqueOrReplaced) {
  TfliteFile model;
  model.graphs = {{}};
  const std::vector<std::string> names = {"a", "a", "", "a\xff", std::string(4090, 'n'), "a"};
  for (const std::string& name : names) {
    model.graphs[0].push_back(
        {.name = name, .shape = {1}, .buffer = static_cast<uint32_t>(model.buffers.size())});
    model.buffers.push_back({.data = "abcd"});
  }
  const auto source = open(model.bytes());
  std::vector<std::string> found;
  for (const TensorMeta& tensor : source->tensors()) found.push_back(tensor.name);
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found,
            (std::vector<std::string>{"a", "a#2", "a#3", "buffer 3", "buffer 4", "buffer 5"}));
}

TEST_F(TfliteTest, BuffersAfterTheFlatbuffer) {
  TfliteFile model;
  model.graphs = {{{.name = "a", .shape = {2}, .buffer = 1}, {.name = "b", .buffer = 2}}};
  model.buffers = {{}, {.offset = 2000, .size = 8}, {.offset = 1996, .size = 4}};
  std::string bytes = model.bytes();
  bytes.resize(1996, '-');
  bytes += "bbbbaaaaaaaaend";
  const auto source = open(bytes);
  ASSERT_EQ(source->tensors().size(), 2u);
  EXPECT_EQ(source->tensors()[0].name, "b");
  EXPECT_EQ(source->read(1), to_bytes("aaaaaaaa"));
  EXPECT_EQ(layout_fault(*source), "");
  expect_refused(bytes.substr(0, 2007), "is cut off: a buffer of 8 bytes begins at byte 2000");
}

TEST_F(TfliteTest, BuffersOfTheSameBytesAreOneTensor) {
  TfliteFile model;
  model.buffers = {{}, {.data = "abcdefgh"}, {.same_as = 1}};
  model.graphs = {{{.name = "a", .shape = {2}, .buffer = 1},
                   {.name = "b", .shape = {8}, .type = kTfliteInt8, .buffer = 2}}};
  const auto source = open(model.bytes());
  ASSERT_EQ(source->tensors().size(), 1u);
  EXPECT_EQ(source->tensors()[0], meta("a", DCF_DTYPE_F32, {2}));
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(TfliteTest, RefusesBuffersThatOverlap) {
  TfliteFile model;
  model.graphs = {{{.name = "a", .buffer = 1}, {.name = "b", .buffer = 2}}};
  for (const uint64_t offset : {2000, 2001, 2007}) {
    model.buffers = {{}, {.offset = 2000, .size = 8}, {.offset = offset, .size = 4}};
    std::string bytes = model.bytes();
    bytes.resize(3000);
    expect_refused(bytes, "overlaps another one");
  }
}

TEST_F(TfliteTest, WithoutConstants) {
  TfliteFile model;
  model.buffers.clear();
  model.graphs = {{{.name = "a", .buffer = 0}}};
  for (const TfliteFile& each : {TfliteFile{.buffers = {}, .graphs = {}}, model}) {
    const auto source = open(each.bytes());
    EXPECT_TRUE(source->tensors().empty());
    EXPECT_EQ(layout_fault(*source), "");
  }
}

TEST_F(TfliteTest, RefusesWhatIsDamaged) {
  TfliteFile model;
  model.graphs = {{{.name = "a", .buffer = 1}}};
  expect_refused(model.bytes(), "a tensor has the buffer 1 of 1");
  model.buffers.push_back({.data = "abcd"});
  const std::string bytes = model.bytes();
  open(bytes);
  for (size_t size = 8; size < bytes.size(); ++size) {
    try {
      open(bytes.substr(0, size));
      ADD_FAILURE() << size;
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code, 1);
    }
  }
  model.version = 2;
  expect_refused(model.bytes(), "of version 2; 3 is supported", 2);
}

// Written by the flatbuffers and the schema of TensorFlow, in Python.
TEST_F(TfliteTest, ReadsWhatOthersWrote) {
  const auto source = open_model(source_file("fuzz/seeds/tflite/types"));
  ASSERT_EQ(source->tensors().size(), 5u);
  const std::map<std::string, TensorMeta> expected = {
      {"f16", meta("f16", DCF_DTYPE_F16, {2, 4})},
      {"i8", meta("i8", DCF_DTYPE_I8, {3})},
      {"sparse", meta("sparse", DCF_DTYPE_F32, {3})},
      {"bool", meta("bool", DCF_DTYPE_BOOL, {2})},
      {"i4", meta("i4", DCF_DTYPE_U8, {5})}};
  for (const auto& [name, each] : expected) {
    EXPECT_EQ(source->tensors()[find(*source, name)], each);
  }
  EXPECT_EQ(source->read(find(*source, "bool")), (Bytes{1, 0}));
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(TfliteTest, HoldsNoMoreThanItsLimit) {
  TfliteFile model;
  model.graphs = {{}};
  for (uint32_t i = 1; i <= 100; ++i) {
    model.buffers.push_back({.data = "abcd"});
    model.graphs[0].push_back({.name = "a", .buffer = i});
  }
  EXPECT_TOOL_ERROR(open(model.bytes(), 10'000), 1, "its list of buffers takes");
  EXPECT_EQ(open(model.bytes(), 100'000)->tensors().size(), 100u);
}

}  // namespace
}  // namespace dcf::tools::test
