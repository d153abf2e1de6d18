// SPDX-License-Identifier: Apache-2.0
#include <tflite_schema_generated.h>

#include <map>

#include "model_test_util.h"
#include "reassemble.h"

namespace dcf::tools::test {
namespace {

constexpr int8_t kFloat32 = 0;
constexpr int8_t kUint8 = 3;
constexpr int8_t kString = 5;
constexpr int8_t kInt8 = 9;
constexpr int8_t kInt4 = 17;

struct Tensor {
  std::string name;
  std::vector<int32_t> shape;
  int8_t type = kFloat32;
  uint32_t buffer = 0;
};

struct Buffer {
  std::string data;
  uint64_t offset = 0;
  uint64_t size = 0;
  int same_as = -1;  // the data of this other buffer
};

struct Model {
  std::vector<Buffer> buffers = {{}};
  std::vector<std::vector<Tensor>> graphs;
  uint32_t version = 3;
  const char* identifier = "TFL3";

  std::string bytes() const {
    flatbuffers::FlatBufferBuilder builder;
    std::vector<flatbuffers::Offset<flatbuffers::Vector<uint8_t>>> datas;
    std::vector<flatbuffers::Offset<tflite::Buffer>> packed_buffers;
    for (const Buffer& buffer : buffers) {
      flatbuffers::Offset<flatbuffers::Vector<uint8_t>> data = 0;
      if (buffer.same_as >= 0) {
        data = datas[static_cast<size_t>(buffer.same_as)];
      } else if (!buffer.data.empty()) {
        builder.ForceVectorAlignment(buffer.data.size(), 1, 16);
        data = builder.CreateVector(to_bytes(buffer.data));
      }
      datas.push_back(data);
      packed_buffers.push_back(tflite::CreateBuffer(builder, data, buffer.offset, buffer.size));
    }
    std::vector<flatbuffers::Offset<tflite::SubGraph>> packed_graphs;
    for (const std::vector<Tensor>& graph : graphs) {
      std::vector<flatbuffers::Offset<tflite::Tensor>> tensors;
      for (const Tensor& tensor : graph) {
        const auto name = tensor.name.empty() ? 0 : builder.CreateString(tensor.name);
        const auto shape = tensor.shape.empty() ? 0 : builder.CreateVector(tensor.shape);
        tensors.push_back(tflite::CreateTensor(builder, shape, tensor.type, tensor.buffer, name));
      }
      packed_graphs.push_back(tflite::CreateSubGraph(builder, builder.CreateVector(tensors)));
    }
    const auto subgraphs = builder.CreateVector(packed_graphs);
    const auto all_buffers = builder.CreateVector(packed_buffers);
    builder.Finish(tflite::CreateModel(builder, version, subgraphs, all_buffers), identifier);
    return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
  }
};

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
  Model model;
  model.buffers = {{}, {.data = "abcdefgh"}, {.data = "wxyz"}, {.data = "only metadata"}};
  model.graphs = {{{.name = "in", .shape = {1, 4}},
                   {.name = "w", .shape = {2, 1}, .buffer = 1},
                   {.name = "scalar", .buffer = 2}},
                  {{.name = "w again", .shape = {8}, .type = kUint8, .buffer = 1}}};
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

TEST_F(TfliteTest, WhatDoesNotFitIsBytes) {
  const std::vector<Tensor> tensors = {
      {.name = "int4", .shape = {3, 3}, .type = kInt4, .buffer = 1},
      {.name = "text", .shape = {1}, .type = kString, .buffer = 2},
      {.name = "short", .shape = {2, 2}, .buffer = 3},
      {.name = "unknown", .shape = {-1, 2}, .type = kInt8, .buffer = 4},
      {.name = "new", .shape = {5}, .type = 100, .buffer = 5},
      {.name = "old", .shape = {5}, .type = -1, .buffer = 6},
      {.name = "deep", .shape = std::vector<int32_t>(33, 1), .type = kInt8, .buffer = 7},
      {.name = "wrap", .shape = std::vector<int32_t>(3, 1 << 30), .buffer = 8}};
  Model model;
  for (size_t i = 0; i < tensors.size(); ++i) model.buffers.push_back({.data = "12345"});
  model.graphs = {tensors};
  const auto source = open(model.bytes());
  ASSERT_EQ(source->tensors().size(), tensors.size());
  const std::map<std::string, std::string> notes = {
      {"int4", "INT4 [3, 3]"},
      {"text", "STRING [1]"},
      {"short", "FLOAT32 [2, 2]"},
      {"unknown", "INT8 [-1, 2]"},
      {"new", "type 100 [5]"},
      {"old", "type -1 [5]"},
      {"deep", "INT8 [1, 1, 1, 1, 1, 1, 1, 1, ...]"},
      {"wrap", "FLOAT32 [1073741824, 1073741824, 1073741824]"}};
  for (const auto& [name, note] : notes) {
    const size_t i = find(*source, name);
    EXPECT_EQ(source->tensors()[i], meta(name, DCF_DTYPE_U8, {5}));
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
  Model model;
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
  Model model;
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
  Model model;
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
  Model model;
  model.buffers = {{}, {.data = "abcdefgh"}, {.same_as = 1}};
  model.graphs = {{{.name = "a", .shape = {2}, .buffer = 1},
                   {.name = "b", .shape = {8}, .type = kInt8, .buffer = 2}}};
  const auto source = open(model.bytes());
  ASSERT_EQ(source->tensors().size(), 1u);
  EXPECT_EQ(source->tensors()[0], meta("a", DCF_DTYPE_F32, {2}));
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(TfliteTest, RefusesBuffersThatOverlap) {
  Model model;
  model.graphs = {{{.name = "a", .buffer = 1}, {.name = "b", .buffer = 2}}};
  for (const uint64_t offset : {2000, 2001, 2007}) {
    model.buffers = {{}, {.offset = 2000, .size = 8}, {.offset = offset, .size = 4}};
    std::string bytes = model.bytes();
    bytes.resize(3000);
    expect_refused(bytes, "overlaps another one");
  }
}

TEST_F(TfliteTest, WithoutConstants) {
  Model model;
  model.buffers.clear();
  model.graphs = {{{.name = "a", .buffer = 0}}};
  for (const Model& each : {Model{.buffers = {}, .graphs = {}}, model}) {
    const auto source = open(each.bytes());
    EXPECT_TRUE(source->tensors().empty());
    EXPECT_EQ(layout_fault(*source), "");
  }
}

TEST_F(TfliteTest, RefusesWhatIsDamaged) {
  Model model;
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

TEST_F(TfliteTest, HoldsNoMoreThanItsLimit) {
  Model model;
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
