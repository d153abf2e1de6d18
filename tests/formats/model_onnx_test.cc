// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <limits>

#include "formats/onnx_detect.h"
#include "model_test_util.h"
#include "proto_writer.h"
#include "reassemble.h"
#include "support/memory_meter.h"

namespace dcf::tools::test {
namespace {

// Of TensorProto.DataType.
constexpr int kFloat = 1;
constexpr int kUint8 = 2;
constexpr int kInt64 = 7;

// Fields of a GraphProto, and of an AttributeProto.
constexpr int kNode = 1;
constexpr int kInitializer = 5;
constexpr int kT = 5;
constexpr int kG = 6;

class OnnxTest : public ::testing::Test {
 protected:
  std::unique_ptr<ModelSource> open(const Proto& model) {
    return open_model(dir_.write("m.onnx", model.str()));
  }
  // A graph of these initializers.
  static Proto graph(const std::vector<Proto>& initializers) {
    Proto graph;
    for (const Proto& tensor : initializers) graph.message(kInitializer, tensor);
    return graph;
  }
  std::unique_ptr<ModelSource> open_initializers(const std::vector<Proto>& initializers) {
    return open(onnx_model(graph(initializers)));
  }
  void expect_invalid(const Proto& model, const char* text) {
    EXPECT_TOOL_ERROR(open(model), 1, text);
    EXPECT_TOOL_ERROR(open(model), 1, dir_.path("m.onnx"));
  }
  void expect_bad_tensor(const Proto& tensor, const char* text) {
    expect_invalid(onnx_model(graph({tensor})), text);
  }
  static std::vector<std::string> names(const ModelSource& source) {
    std::vector<std::string> result;
    for (const TensorMeta& tensor : source.tensors()) result.push_back(tensor.name);
    return result;
  }
  using Names = std::vector<std::string>;

  TempDir dir_;
};

TEST_F(OnnxTest, InitializersAreFoundByOffset) {
  const auto source = open_initializers({onnx_raw_tensor("b", kFloat, {1, 2}, "abcdefgh"),
                                         onnx_raw_tensor("a", kUint8, {3}, "xyz"),
                                         onnx_raw_tensor("s", kFloat, {}, "1234")});
  ASSERT_EQ(source->tensors().size(), 3u);
  EXPECT_EQ(source->tensors()[0], meta("b", DCF_DTYPE_F32, {1, 2}));
  EXPECT_EQ(source->tensors()[1], meta("a", DCF_DTYPE_U8, {3}));
  EXPECT_EQ(source->tensors()[2], meta("s", DCF_DTYPE_F32, {}));
  EXPECT_EQ(source->read(0), to_bytes("abcdefgh"));
  EXPECT_EQ(source->read(1), to_bytes("xyz"));
  EXPECT_EQ(layout_fault(*source), "");
  EXPECT_EQ(source->layout()->file_name(0), "m.onnx");
  EXPECT_EQ(source->metadata(),
            (Metadata{{"onnx.ir_version", "8"}, {"onnx.producer_name", "test"}}));
}

TEST_F(OnnxTest, EveryDataType) {
  struct Case {
    int type;
    const char* name;
    size_t bytes;  // of four elements
    dcf_dtype dtype;
  };
  const Case kAll[] = {{1, "FLOAT", 16, DCF_DTYPE_F32},
                       {2, "UINT8", 4, DCF_DTYPE_U8},
                       {3, "INT8", 4, DCF_DTYPE_I8},
                       {4, "UINT16", 8, DCF_DTYPE_U16},
                       {5, "INT16", 8, DCF_DTYPE_I16},
                       {6, "INT32", 16, DCF_DTYPE_I32},
                       {7, "INT64", 32, DCF_DTYPE_I64},
                       {9, "BOOL", 4, DCF_DTYPE_BOOL},
                       {10, "FLOAT16", 8, DCF_DTYPE_F16},
                       {11, "DOUBLE", 32, DCF_DTYPE_F64},
                       {12, "UINT32", 16, DCF_DTYPE_U32},
                       {13, "UINT64", 32, DCF_DTYPE_U64},
                       {14, "COMPLEX64", 32, DCF_DTYPE_C64},
                       {15, "COMPLEX128", 64, DCF_DTYPE_OPAQUE},
                       {16, "BFLOAT16", 8, DCF_DTYPE_BF16},
                       {17, "FLOAT8E4M3FN", 4, DCF_DTYPE_F8E4M3},
                       {18, "FLOAT8E4M3FNUZ", 4, DCF_DTYPE_F8E4M3FNUZ},
                       {19, "FLOAT8E5M2", 4, DCF_DTYPE_F8E5M2},
                       {20, "FLOAT8E5M2FNUZ", 4, DCF_DTYPE_F8E5M2FNUZ},
                       {23, "FLOAT4E2M1", 2, DCF_DTYPE_F4},
                       {24, "FLOAT8E8M0", 4, DCF_DTYPE_F8E8M0}};
  for (const Case& c : kAll) {
    const Bytes data = noise(c.bytes, 3);
    const auto source = open_initializers(
        {onnx_raw_tensor("t", c.type, {2, 2}, std::string(data.begin(), data.end()))});
    ASSERT_EQ(source->tensors().size(), 1u) << c.name;
    EXPECT_EQ(source->tensors()[0].dtype, c.dtype) << c.name;
    EXPECT_EQ(source->tensors()[0].dims, (std::vector<uint64_t>{2, 2})) << c.name;
    EXPECT_EQ(source->read(0), data) << c.name;
    EXPECT_EQ(layout_fault(*source), "") << c.name;
  }
  EXPECT_EQ(open_initializers({onnx_raw_tensor("t", 15, {1}, std::string(16, 'c'))})
                ->tensors()[0]
                .opaque_name,
            "COMPLEX128");
}

// The types' own names, in the layout.
std::map<uint64_t, std::string> types_of(const ModelSource& source) {
  const std::vector<uint8_t> encoded = source.layout()->encoded();
  return LayoutReader("layout", encoded).types();
}

TEST_F(OnnxTest, PackedTypesAreTheirBytes) {
  const auto source = open_initializers(
      {onnx_raw_tensor("i4", 22, {3, 4}, "abcdef"), onnx_raw_tensor("u4", 21, {3}, "ab"),
       onnx_raw_tensor("u2", 25, {2, 8}, "abcd"), onnx_raw_tensor("i2", 26, {}, "a")});
  ASSERT_EQ(source->tensors().size(), 4u);
  EXPECT_EQ(source->tensors()[0], meta("i4", DCF_DTYPE_U8, {3, 2}));
  EXPECT_EQ(source->tensors()[1], meta("u4", DCF_DTYPE_U8, {2}));
  EXPECT_EQ(source->tensors()[2], meta("u2", DCF_DTYPE_U8, {2, 2}));
  EXPECT_EQ(source->tensors()[3], meta("i2", DCF_DTYPE_U8, {1}));
  EXPECT_EQ(types_of(*source),
            (std::map<uint64_t, std::string>{
                {0, "INT4 [3, 4]"}, {1, "UINT4 [3]"}, {2, "UINT2 [2, 8]"}, {3, "INT2 []"}}));
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(OnnxTest, WhatDcfCannotSayIsARowOfBytes) {
  const auto source = open_initializers(
      {onnx_raw_tensor("newer", 99, {2, 2}, "abcd"), onnx_raw_tensor("text", 8, {1}, "abc"),
       onnx_raw_tensor("short", kFloat, {4}, "abcdefgh"),
       onnx_raw_tensor("odd", 23, {3}, "\x11\x21"), onnx_raw_tensor("even", 23, {3}, "\x11\x01"),
       onnx_raw_tensor("ranks", kUint8, std::vector<uint64_t>(33, 1), "a"),
       onnx_raw_tensor("wrap", kFloat, {uint64_t{1} << 62, 4}, "ab"),
       onnx_raw_tensor("none", 0, {1}, "ab")});
  ASSERT_EQ(source->tensors().size(), 8u);
  EXPECT_EQ(source->tensors()[0], meta("newer", DCF_DTYPE_U8, {4}));
  EXPECT_EQ(source->tensors()[2], meta("short", DCF_DTYPE_U8, {8}));
  EXPECT_EQ(source->tensors()[3], meta("odd", DCF_DTYPE_U8, {2}));
  EXPECT_EQ(source->tensors()[4], meta("even", DCF_DTYPE_F4, {3}));
  EXPECT_EQ(source->tensors()[5].dims, (std::vector<uint64_t>{1}));
  const auto types = types_of(*source);
  EXPECT_EQ(types.at(0), "type 99 [2, 2]");
  EXPECT_EQ(types.at(1), "STRING [1]");
  EXPECT_EQ(types.at(2), "FLOAT [4]");
  EXPECT_EQ(types.at(3), "FLOAT4E2M1 [3]");
  EXPECT_FALSE(types.contains(4));
  EXPECT_TRUE(types.at(5).ends_with(", 1, ...]"));
  EXPECT_EQ(types.at(7), "UNDEFINED [1]");
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(OnnxTest, TypedData) {
  const auto source = open_initializers(
      {onnx_tensor("f", kFloat, {2}).bytes(4, "abcdefgh"),
       onnx_tensor("c", 14, {1}).bytes(4, "abcdefgh"),
       onnx_tensor("d", 11, {1}).bytes(10, "abcdefgh"),
       // Not found by offset: varints, texts, single numbers, pieces, and a field of another type.
       onnx_tensor("i", 6, {2}).bytes(5, "\x01\x02"), onnx_tensor("l", kInt64, {1}).number(7, 5),
       onnx_tensor("u", 13, {2}).bytes(11, "\x01\x02"), onnx_tensor("t", 8, {1}).bytes(6, "text"),
       onnx_tensor("g", kFloat, {1})
           .raw("\x25"
                "abcd"),
       onnx_tensor("p", kFloat, {2}).bytes(4, "abcd").bytes(4, "efgh"),
       onnx_tensor("x", 10, {2}).bytes(4, "abcd"), onnx_tensor("e", kFloat, {0}).bytes(9, ""),
       // Empty fields beside the one with values.
       onnx_raw_tensor("r", kFloat, {1}, "abcd").bytes(4, "").bytes(5, "").bytes(10, "")});
  EXPECT_EQ(names(*source), (Names{"f", "c", "d", "r"}));
  EXPECT_EQ(source->read(0), to_bytes("abcdefgh"));
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(OnnxTest, ManyCodedValuesAreSaid) {
  const std::string ones(4095, '\1');
  EXPECT_TRUE(open_initializers({onnx_tensor("i", 6, {4095}).bytes(5, ones)})->notes().empty());
  const auto source = open_initializers(
      {onnx_tensor("i", 6, {4095}).bytes(5, ones), onnx_tensor("t", 8, {1}).bytes(6, "text")});
  EXPECT_EQ(source->notes(), (Names{"2 tensors of 4099 bytes are coded as varints, as text or in "
                                    "pieces, and stay in the graph"}));
  EXPECT_TRUE(source->tensors().empty());
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(OnnxTest, EveryPlaceOfATensor) {
  const auto constant = [](const char* output, const char* data) {
    return onnx_node("Constant", {}, output,
                     {onnx_attribute("value", kT, onnx_raw_tensor("ignored", kFloat, {1}, data))});
  };
  const Proto sparse = Proto()
                           .message(1, onnx_raw_tensor("sp", kFloat, {1}, "vvvv"))
                           .message(2, onnx_raw_tensor("", kInt64, {1}, "iiiiiiii"))
                           .number(3, 9);
  const Proto inner = Proto()
                          .message(kNode, constant("deep", "dddd"))
                          .message(kInitializer, onnx_raw_tensor("w", kFloat, {1}, "inn1"));
  const Proto middle =
      Proto()
          .message(kNode, onnx_node("Loop", {}, "l", {onnx_attribute("body", kG, inner)}))
          .message(kInitializer, onnx_raw_tensor("w", kFloat, {1}, "mid1"));
  Proto lists = Proto().bytes(1, "parts");
  lists.message(10, onnx_raw_tensor("", kFloat, {1}, "par0"))
      .message(10, onnx_raw_tensor("", kFloat, {1}, "par1"))
      .message(11, graph({onnx_raw_tensor("listed", kFloat, {1}, "list")}))
      .message(23, sparse);
  const Proto outer =
      Proto()
          .message(
              kNode,
              onnx_node("If", {"c"}, "i",
                        {onnx_attribute("then_branch", kG, middle),
                         onnx_attribute("extra", kT, onnx_raw_tensor("", kFloat, {1}, "extr"))}))
          .message(kNode, constant("k", "kkkk"))
          .message(kNode, onnx_node("Custom", {}, "o", {lists}))
          .message(kNode,
                   onnx_node("Constant", {}, "sc", {onnx_attribute("sparse_value", 22, sparse)}))
          .message(kInitializer, onnx_raw_tensor("w", kFloat, {1}, "top1"))
          .message(15, sparse);
  const Proto function =
      Proto()
          .bytes(1, "fn")
          .message(7, constant("k", "fnkk"))
          .message(11, onnx_attribute("alpha", kT, onnx_raw_tensor("", kFloat, {1}, "fnal")));
  const Proto training = Proto()
                             .message(1, graph({onnx_raw_tensor("init", kFloat, {1}, "tini")}))
                             .message(2, graph({onnx_raw_tensor("step", kFloat, {1}, "talg")}));
  const auto source = open(onnx_model(outer).message(20, training).message(25, function));
  EXPECT_EQ(names(*source),
            (Names{"deep", "w", "w#2", "i.extra", "k", "o.parts[0]", "o.parts[1]", "listed",
                   "o.parts[2].values", "o.parts[2].indices", "sc.values", "sc.indices", "w#3",
                   "sp.values", "sp.indices", "init", "step", "k#2", "fn.alpha"}));
  EXPECT_EQ(source->read(1), to_bytes("inn1"));
  EXPECT_EQ(source->read(12), to_bytes("top1"));
  EXPECT_EQ(source->tensors()[14], meta("sp.indices", DCF_DTYPE_I64, {1}));
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(OnnxTest, FieldsInAnyOrder) {
  Proto tensor =
      Proto().bytes(9, "abcdefgh").bytes(8, "late").number(2, kFloat).bytes(1, "\x02\x01");
  Proto attribute = Proto().message(kT, onnx_raw_tensor("", kFloat, {1}, "abcd")).bytes(1, "value");
  Proto node = Proto().message(5, attribute).bytes(4, "Constant").bytes(2, "out");
  Proto model =
      Proto().message(7, Proto().message(kInitializer, tensor).message(kNode, node)).number(1, 8);
  const auto source = open(model);
  ASSERT_EQ(names(*source), (Names{"late", "out"}));
  EXPECT_EQ(source->tensors()[0].dims, (std::vector<uint64_t>{2, 1}));
}

TEST_F(OnnxTest, ScalesOfQuantisedTensors) {
  const auto scalar = [](const char* name) { return onnx_raw_tensor(name, kFloat, {}, "abcd"); };
  Proto quantised;
  quantised.message(kNode, onnx_node("Identity", {"tied"}, "passed"))
      .message(kNode, onnx_node("DequantizeLinear", {"w", "passed", "z"}, "d"))
      .message(kNode, onnx_node("QLinearConcat", {"cs", "cz", "x", "xs", "xz", "y", "ys"}, "q"))
      .message(14,
               Proto().bytes(1, "t").message(2, Proto().bytes(1, "SCALE_TENSOR").bytes(2, "a")));
  for (const char* name :
       {"w", "tied", "z", "cs", "cz", "x", "xs", "xz", "y", "ys", "a", "m_scale", "scaled"}) {
    quantised.message(kInitializer, scalar(name));
  }
  const auto source = open(onnx_model(quantised));
  Names scales;
  for (size_t i = 0; i < source->tensors().size(); ++i) {
    if (source->is_scale(i)) scales.push_back(source->tensors()[i].name);
  }
  EXPECT_EQ(scales, (Names{"tied", "z", "cs", "cz", "xs", "xz", "ys", "a", "m_scale"}));
  // Nothing is quantised here.
  EXPECT_FALSE(open_initializers({scalar("m_scale")})->is_scale(0));
}

TEST_F(OnnxTest, ExternalData) {
  std::filesystem::create_directories(dir_.path("sub"));
  dir_.write("sub/w.bin", "....ABCDefgh..IJKL");
  dir_.write("v", "12345678");
  const auto source =
      open_initializers({onnx_external_tensor("late", kFloat, {1}, "./sub/w.bin", "14", nullptr),
                         onnx_external_tensor("early", kFloat, {1}, "sub/w.bin", "4", "4"),
                         onnx_raw_tensor("own", kFloat, {1}, "own1"),
                         onnx_external_tensor("tied", kFloat, {1}, "sub/./w.bin", "4", "4"),
                         onnx_external_tensor("all", kFloat, {2}, "v", nullptr, nullptr),
                         onnx_external_tensor("next", kFloat, {1}, "sub/w.bin", "8", "4"),
                         onnx_external_tensor("empty", kFloat, {0}, "v", "8", "0")});
  EXPECT_EQ(names(*source), (Names{"own", "early", "next", "late", "all"}));
  EXPECT_EQ(source->read(1), to_bytes("ABCD"));
  EXPECT_EQ(source->read(3), to_bytes("IJKL"));
  EXPECT_EQ(source->read(4), to_bytes("12345678"));
  ASSERT_EQ(source->layout()->files(), 3u);
  EXPECT_EQ(source->layout()->file_name(1), "sub/w.bin");
  EXPECT_EQ(source->layout()->file_name(2), "v");
  EXPECT_EQ(source->file_bytes(), read_text(dir_.path("m.onnx")).size() + 18 + 8);
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(OnnxTest, ExternalDataWithoutALengthEndsWithItsValuesOrItsFile) {
  dir_.write("w", "ABCDEFGHIJ");
  const auto source =
      open_initializers({onnx_external_tensor("known", kFloat, {1}, "w", "2", nullptr),
                         onnx_external_tensor("newer", 99, {1}, "w", "6", nullptr)});
  EXPECT_EQ(source->read(0), to_bytes("CDEF"));
  EXPECT_EQ(source->read(1), to_bytes("GHIJ"));
}

TEST_F(OnnxTest, ATiedTensorIsAScaleIfOneOfThemIs) {
  dir_.write("w", "ABCD");
  Proto tied = Proto().message(kNode, onnx_node("DequantizeLinear", {"x", "second"}, "d"));
  for (const char* name : {"first", "second"}) {
    tied.message(kInitializer, onnx_external_tensor(name, kFloat, {1}, "w", "0", "4"));
  }
  const auto source = open(onnx_model(tied));
  EXPECT_EQ(names(*source), (Names{"first"}));
  EXPECT_TRUE(source->is_scale(0));
}

TEST_F(OnnxTest, BadExternalData) {
  dir_.write("w", "ABCDEFGH");
  dir_.write(".w", "ABCD");
  std::filesystem::create_symlink("w", dir_.path("link"));
  const auto bad = [&](const char* location, const char* offset, const char* length,
                       const char* text) {
    const Proto tensor = onnx_external_tensor("t", kFloat, {1}, location, offset, length);
    expect_bad_tensor(tensor, text);
  };
  for (const char* path : {"../w", "/etc/passwd", "a/../w", "a//w", ".", "..", "./.", "w/", "/w",
                           ".w", "a\\w", "C:w", "\xff", "./../w"}) {
    bad(path, "0", "4", "not a plain path below the model's folder");
  }
  bad("", "0", "4", "empty location");
  bad(nullptr, "0", "4", "without a location");
  bad("link", "0", "4", "symbolic link");
  bad("m.onnx", "0", "4", "names itself");
  bad("./m.onnx", "0", "4", "names itself");
  std::filesystem::create_directories(dir_.path("folder"));
  bad("none", "0", "4", "no such file");
  bad("w/none", "0", "4", "Not a directory");
  bad("folder", "0", "4", "is a directory");
  bad("w", "5", "4", "ends after the end");
  bad("w", "9", "0", "begins after the end");
  bad("w", "9", nullptr, "begins after the end");
  bad("w", "6", nullptr, "ends after the end");
  bad("w", "18446744073709551615", "4", "begins after the end");
  bad("w", "4", "18446744073709551615", "ends after the end");
  for (const char* number : {"", "-1", "+1", " 1", "1 ", "0x1", "1e1", "18446744073709551616"}) {
    bad("w", number, "4", "no number of bytes");
    bad("w", "0", number, "no number of bytes");
  }
  const auto entry = [](const char* key, const char* value) {
    return Proto().bytes(1, key).bytes(2, value);
  };
  for (const char* key : {"location", "offset", "length"}) {
    Proto twice = onnx_external_tensor("t", kFloat, {1}, "w", "1", "1");
    expect_bad_tensor(twice.message(13, entry(key, "1")), "two ");
  }
  expect_bad_tensor(onnx_external_tensor("t", kFloat, {1}, "w", "0", "4").bytes(9, "abcd"),
                    "here and in external data");
  expect_bad_tensor(onnx_raw_tensor("t", kFloat, {1}, "abcd").number(14, 2), "data_location");
}

TEST_F(OnnxTest, OverlapsOfExternalData) {
  dir_.write("w", "ABCDEFGHIJKL");
  const auto tensor = [](const char* name, const char* offset, const char* length) {
    return onnx_external_tensor(name, kUint8, {4}, "w", offset, length);
  };
  for (const auto& [offset, length] : {std::pair{"2", "4"}, {"0", "3"}, {"0", "8"}, {"3", "1"}}) {
    expect_invalid(onnx_model(graph({tensor("a", "0", "4"), tensor("b", offset, length)})),
                   "overlaps tensor");
  }
  // A long one, a short one inside, and one behind that which overlaps the long one only.
  expect_invalid(
      onnx_model(graph({tensor("a", "0", "8"), tensor("b", "8", "4"), tensor("c", "6", "1")})),
      "overlaps tensor");
}

TEST_F(OnnxTest, WhatMeansTwoThingsIsRefused) {
  const auto twice = [](const Proto& tensor, int field, std::string_view value) {
    Proto result = tensor;
    return result.bytes(field, value);
  };
  const Proto tensor = onnx_raw_tensor("t", kFloat, {1}, "abcd");
  expect_bad_tensor(twice(tensor, 9, "efgh"), "a second raw_data");
  expect_bad_tensor(twice(tensor, 8, "u"), "a second name");
  expect_bad_tensor(Proto(tensor).number(2, 1), "a second data_type");
  expect_bad_tensor(Proto(tensor).number(14, 0).number(14, 0), "a second data_location");
  expect_bad_tensor(twice(tensor, 4, "efgh"), "values in two fields");
  expect_bad_tensor(twice(tensor, 5, "\x01"), "values in two fields");
  expect_bad_tensor(twice(tensor, 6, "text"), "values in two fields");
  const Proto model = onnx_model(graph({tensor}));
  expect_invalid(Proto(model).message(7, graph({tensor})), "a second graph");
  expect_invalid(Proto(model).number(1, 8), "a second version");
  Proto attribute = onnx_attribute("value", kT, tensor);
  attribute.message(kT, tensor);
  expect_invalid(onnx_model(Proto().message(kNode, onnx_node("Constant", {}, "o", {attribute}))),
                 "a second tensor");
}

TEST_F(OnnxTest, DamagedStructure) {
  const std::string whole =
      onnx_model(graph({onnx_raw_tensor("t", kFloat, {2, 1}, "abcdefgh")})).str();
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::string path = dir_.write("cut.onnx", std::string_view(whole).substr(0, size));
    try {
      // The opset, at the end, is not looked at.
      EXPECT_EQ(open_model(path)->tensors().size(), 1u) << size;
      EXPECT_GE(size, whole.size() - 6);
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code, 1) << error.what();
    }
  }
  const Proto tensor = onnx_tensor("t", kFloat, {1});
  expect_bad_tensor(Proto(tensor).raw("\x4a\x7f"
                                      "abc"),
                    "ends after the message");
  expect_bad_tensor(Proto(tensor).raw("\x4a\xff\xff\xff\xff\x0f"), "ends after the message");
  expect_bad_tensor(Proto(tensor).raw("\x4a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
                    "ends after the message");
  expect_bad_tensor(Proto(tensor).raw("\x48\x01"), "has no length");
  expect_bad_tensor(Proto(tensor).raw(std::string_view("\x12\x00", 2)), "a second data_type");
  expect_bad_tensor(Proto().raw(std::string_view("\x12\x00", 2)), "is no number");
  expect_bad_tensor(Proto(tensor).raw(std::string_view("\x00\x01", 2)), "is no field");
  expect_bad_tensor(Proto(tensor).raw("\x9b\x06\x9c\x06"), "wire type 3");
  expect_bad_tensor(Proto(tensor).raw("\x9e\x06"), "wire type 6");
  expect_bad_tensor(Proto(tensor).raw("\x9d\x06\x01"), "cut off");
  expect_bad_tensor(Proto(tensor).raw("\x99\x06\x01"), "cut off");
  expect_bad_tensor(Proto(tensor).raw("\x98\x06\xff"), "does not end");
  expect_bad_tensor(Proto(tensor).bytes(4, "abc"), "part of a number");
  expect_bad_tensor(Proto(tensor).number(1, std::numeric_limits<uint64_t>::max()),
                    "negative dimension");
  expect_bad_tensor(onnx_raw_tensor("\xff", kFloat, {1}, "abcd"), "not UTF-8");
  expect_bad_tensor(onnx_raw_tensor(std::string(5000, 'n'), kFloat, {1}, "abcd"), "more than 4096");
  EXPECT_TOOL_ERROR(open(Proto().number(1, 8).bytes(2, "no graph")), 1, "not what its name says");
}

TEST_F(OnnxTest, UnknownFieldsAreTheGraphs) {
  Proto tensor = onnx_raw_tensor("t", kFloat, {1}, "abcd");
  tensor.number(99, 7)
      .bytes(98, "new")
      .raw(
          "\x9d\x06"
          "1234")
      .raw(
          "\x99\x06"
          "12345678");
  const auto source = open_initializers({tensor});
  EXPECT_EQ(names(*source), (Names{"t"}));
  EXPECT_EQ(layout_fault(*source), "");
}

// A graph inside a graph, `levels` deep: three messages each.
Proto nested(int levels) {
  Proto graph = Proto().message(kInitializer, onnx_raw_tensor("w", kFloat, {1}, "abcd"));
  for (int i = 1; i < levels; ++i) {
    graph = Proto().message(kNode,
                            onnx_node("If", {}, "o", {onnx_attribute("then_branch", kG, graph)}));
  }
  return graph;
}

TEST_F(OnnxTest, DeepNesting) {
  EXPECT_EQ(names(*open(onnx_model(nested(33)))), (Names{"w"}));
  expect_invalid(onnx_model(nested(34)), "nested more than 100 deep");
  expect_invalid(onnx_model(nested(2000)), "nested more than 100 deep");
}

TEST_F(OnnxTest, TwoGigabytesInOneFile) {
  const std::string path = dir_.write("m.onnx", onnx_model(graph({})).str());
  std::filesystem::resize_file(path, uint64_t{1} << 31);
  EXPECT_TOOL_ERROR(open_model(path), 1, "external data");
}

TEST_F(OnnxTest, LargeTensorsAreNotHeld) {
  constexpr uint64_t kBytes = uint64_t{3} << 30;
  std::filesystem::resize_file(dir_.write("w", "ABCD"), kBytes);
  const std::string path = dir_.write(
      "m.onnx",
      onnx_model(
          graph({onnx_raw_tensor("own", kUint8, {uint64_t{8} << 20}, std::string(8 << 20, 'x')),
                 onnx_external_tensor("far", kUint8, {kBytes}, "w", "0", nullptr)}))
          .str());
  const dcf::impl::testing::MemoryMeter meter;
  const auto source = open_model(path, {.max_memory = uint64_t{1} << 20});
  ASSERT_EQ(source->tensors().size(), 2u);
  EXPECT_EQ(source->tensors()[1].bytes(), kBytes);
  source->read_pieces(0, [](auto) {});
  EXPECT_LT(meter.peak(), size_t{2} << 20);
}

TEST_F(OnnxTest, ListsKeepToTheLimitOfMemory) {
  std::vector<Proto> many(3000, onnx_raw_tensor("t", kUint8, {1}, "a"));
  Proto node;
  for (int i = 0; i < 30'000; ++i) node.bytes(1, "");
  const std::string tensors = dir_.write("t.onnx", onnx_model(graph(many)).str());
  const std::string inputs = dir_.write("i.onnx", onnx_model(Proto().message(kNode, node)).str());
  const dcf::impl::testing::MemoryMeter meter;
  for (const std::string& path : {tensors, inputs}) {
    EXPECT_TOOL_ERROR(open_model(path, {.max_memory = uint64_t{1} << 20}), 1,
                      "list of its tensors");
  }
  EXPECT_LT(meter.peak(), size_t{2} << 20);
  const auto source = open_model(tensors, {.max_memory = uint64_t{4} << 20});
  EXPECT_EQ(source->tensors().back().name, "t#3000");
  EXPECT_LT(meter.peak(), size_t{4} << 20);
}

TEST_F(OnnxTest, OtherFilesOfProtobufAreNone) {
  const auto is_onnx = [&](const std::string& content) {
    return looks_like_onnx(InputFile(dir_.write("other", content)));
  };
  EXPECT_TRUE(is_onnx(onnx_model(graph({})).str()));
  EXPECT_TRUE(is_onnx(onnx_model(graph({onnx_raw_tensor("", kFloat, {1}, "abcd")})).str()));
  // TensorFlow's saved_model.pb and GraphDef; Core ML; SentencePiece; text that starts like a
  // graph.
  EXPECT_FALSE(is_onnx(Proto().number(1, 1).bytes(2, "meta graph").str()));
  EXPECT_FALSE(is_onnx(Proto().bytes(1, "node").bytes(4, "versions").str()));
  EXPECT_FALSE(is_onnx(Proto().number(1, 5).bytes(2, "description").bytes(500, "net").str()));
  EXPECT_FALSE(is_onnx(Proto().bytes(1, "piece").bytes(1, "piece").str()));
  EXPECT_FALSE(is_onnx(": some text"));
  EXPECT_FALSE(is_onnx(Proto().number(1, 8).bytes(7, "text").str()));
  EXPECT_FALSE(is_onnx(Proto().number(1, 0).message(7, graph({})).str()));
  EXPECT_FALSE(is_onnx(Proto().number(1, 8).number(7, 1).str()));
  EXPECT_FALSE(is_onnx(std::string(100, '\xff')));
}

}  // namespace
}  // namespace dcf::tools::test
