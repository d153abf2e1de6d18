// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "formats/npy_header.h"
#include "model_test_util.h"
#include "reassemble.h"

namespace dcf::tools::test {
namespace {

class NpyTest : public ::testing::Test {
 protected:
  Model read(std::string_view dict, std::string_view data) {
    return read_model(dir_.write("weights.npy", npy(dict, data)));
  }
  void expect_error(std::string_view dict, std::string_view data, int code, const char* text) {
    EXPECT_TOOL_ERROR(read(dict, data), code, text);
  }

  TempDir dir_;
};

TEST_F(NpyTest, NamesTheTensorAfterTheFile) {
  const Model model =
      read("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }   \n", "abcdefgh");
  ASSERT_EQ(model.tensors.size(), 1u);
  EXPECT_EQ(model.tensors[0], meta("weights", DCF_DTYPE_F32, {1, 2}));
  EXPECT_EQ(model.data[0], to_bytes("abcdefgh"));
}

TEST_F(NpyTest, AcceptsEveryWayToWriteTheDict) {
  for (const char* dict : {"{'descr':'|u1','fortran_order':False,'shape':(2,)}",
                           "{\"shape\": (2,), \"fortran_order\": True, \"descr\": \"u1\"}\n",
                           "{'descr': '=u1', 'fortran_order': False, 'shape': (1L, 2L)}  \n"}) {
    EXPECT_EQ(read(dict, "AB").data.at(0), to_bytes("AB")) << dict;
  }
  EXPECT_EQ(read("{'descr': '<i2', 'fortran_order': False, 'shape': ()}", "AB").tensors.at(0),
            meta("weights", DCF_DTYPE_I16, {}));
  EXPECT_EQ(read("{'descr': '<i2', 'fortran_order': False, 'shape': (0, 7)}", "").tensors.at(0),
            meta("weights", DCF_DTYPE_I16, {0, 7}));
}

TEST_F(NpyTest, Version2And3HaveALongerSizeField) {
  const std::string dict = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,)}";
  for (const char version : {'\2', '\3'}) {
    std::string file = npy(dict, "AB");
    file[6] = version;
    file.insert(10, 2, '\0');
    EXPECT_EQ(read_model(dir_.write("v.npy", file)).data.at(0), to_bytes("AB"));
  }
  std::string file = npy(dict, "AB");
  file[6] = 4;
  EXPECT_TOOL_ERROR(open_model(dir_.write("v.npy", file)), 2, "version 4.0");
}

TEST_F(NpyTest, SwapsBigEndian) {
  EXPECT_EQ(read("{'descr': '>u4', 'fortran_order': False, 'shape': (2,)}", "ABCDEFGH").data.at(0),
            to_bytes("DCBAHGFE"));
  EXPECT_EQ(read("{'descr': '>c8', 'fortran_order': False, 'shape': ()}", "ABCDEFGH").data.at(0),
            to_bytes("DCBAHGFE"));
  EXPECT_EQ(read("{'descr': '>f8', 'fortran_order': False, 'shape': ()}", "ABCDEFGH").data.at(0),
            to_bytes("HGFEDCBA"));
}

TEST_F(NpyTest, TransposesFortranOrder) {
  EXPECT_EQ(read("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}", "adbecf").data.at(0),
            to_bytes("abcdef"));
  // Element (i, j, k) of a 2 x 3 x 2 array lies at i + 2 j + 6 k.
  EXPECT_EQ(read("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2)}", "abcdefghijkl")
                .data.at(0),
            to_bytes("agciekbhdjfl"));
  EXPECT_EQ(read("{'descr': '>u2', 'fortran_order': True, 'shape': (2, 2)}", "AaBbCcDd").data.at(0),
            to_bytes("aAcCbBdD"));
}

std::string header(const std::string& descr, const std::string& shape,
                   const char* fortran_order = "False") {
  return "{'descr': " + descr + ", 'fortran_order': " + fortran_order + ", 'shape': " + shape + "}";
}

TEST_F(NpyTest, ReadsHeadersThatNumPyReads) {
  for (const char* dict :
       {"{u'descr': u'<i2', u'fortran_order': False, u'shape': (1L, 1L), }\n",
        "{ 'shape' : ( 1 , 1, ) ,\n\t'descr' : \"<i2\",\r\n 'fortran_order':True}  \n\n",
        "  {'descr': 'int16', 'fortran_order': False, 'shape': (1, 1)}",
        "{'descr': 'h', 'fortran_order': False, 'shape': (1, 1)}",
        "{'descr': '=i2', 'fortran_order': False, 'shape': (1, 1)}"}) {
    const Model model = read(dict, "AB");
    EXPECT_EQ(model.tensors.at(0), meta("weights", DCF_DTYPE_I16, {1, 1})) << dict;
    EXPECT_EQ(model.data.at(0), to_bytes("AB")) << dict;
  }
}

TEST_F(NpyTest, ReadsTypesOfMlDtypes) {
  const std::pair<const char*, dcf_dtype> types[] = {{"bfloat16", DCF_DTYPE_BF16},
                                                     {"float8_e4m3fn", DCF_DTYPE_F8E4M3},
                                                     {"float8_e5m2", DCF_DTYPE_F8E5M2},
                                                     {"<f1", DCF_DTYPE_F8E5M2},
                                                     {"float8_e4m3fnuz", DCF_DTYPE_F8E4M3FNUZ},
                                                     {"float8_e8m0fnu", DCF_DTYPE_F8E8M0},
                                                     {"float8_e5m2fnuz", DCF_DTYPE_F8E5M2FNUZ}};
  for (const auto& [name, dtype] : types) {
    const Model model = read(header("'" + std::string(name) + "'", "(2,)"),
                             std::string(dcf_dtype_bits(dtype) / 4, 'x'));
    EXPECT_EQ(model.tensors.at(0), meta("weights", dtype, {2})) << name;
  }
}

TensorMeta opaque(const std::string& type, uint32_t bytes, std::vector<uint64_t> dims) {
  return {.name = "weights",
          .dtype = DCF_DTYPE_OPAQUE,
          .bits = 8 * bytes,
          .opaque_name = type,
          .dims = std::move(dims)};
}

TEST_F(NpyTest, ElementsOfOtherTypesAreOpaque) {
  struct Case {
    const char* type;
    uint32_t bytes;
  };
  for (const Case& c : {Case{"'|S3'", 3},
                        {"'<U2'", 8},
                        {"'>U2'", 8},
                        {"'<V2'", 2},
                        {"'|V1'", 1},
                        {"'<M8[ns]'", 8},
                        {"'<m8'", 8},
                        {"'<c16'", 16},
                        {"'<f16'", 16},
                        {"'<W4'", 4},
                        {"'int4'", 1},
                        {"'float4_e2m1fn'", 1},
                        {"[('a', '<f4')]", 4},
                        {"[('a', '<f4'), ('b', '|u1', (2, 3)), ('', '|V1')]", 11},
                        {"[(('title', 'c'), [('x', '>i2', 2), ('y', 'U1')])]", 8}}) {
    const std::string name =
        c.type[0] == '[' ? c.type : std::string(c.type + 1, strlen(c.type) - 2);
    std::string data(4 * c.bytes, '\0');
    for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i);
    const Model model = read(header(c.type, "(2, 2)"), data);
    EXPECT_EQ(model.tensors.at(0), opaque(name, c.bytes, {2, 2}));
    EXPECT_EQ(model.data.at(0), to_bytes(data)) << c.type;
    // Their elements move as a whole.
    const Model moved = read(header(c.type, "(2, 2)", "True"), data);
    const std::string expected = data.substr(0, c.bytes) + data.substr(2 * c.bytes, c.bytes) +
                                 data.substr(c.bytes, c.bytes) + data.substr(3 * c.bytes);
    EXPECT_EQ(moved.data.at(0), to_bytes(expected)) << c.type;
  }
}

TEST_F(NpyTest, ElementsOfManyBytesOrNoneAreRowsOfBytes) {
  std::string data(2 * 8193, 'x');
  data[8193] = 'y';
  EXPECT_EQ(read(header("'|S8193'", "(2,)"), data).tensors.at(0),
            meta("weights", DCF_DTYPE_U8, {2, 8193}));
  EXPECT_EQ(read(header("'|S0'", "(2,)"), "").tensors.at(0), meta("weights", DCF_DTYPE_U8, {2, 0}));
  // Larger than the block that is moved at a time.
  const size_t width = 300'000;
  std::string wide;
  for (const char c : {'a', 'c', 'b', 'd'}) wide += std::string(width, c);
  const Model model = read(header("'|V300000'", "(2, 2)", "True"), wide);
  EXPECT_EQ(model.tensors.at(0), meta("weights", DCF_DTYPE_U8, {2, 2, width}));
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(model.data.at(0)[i * width], "abcd"[i]);
}

TEST_F(NpyTest, RejectsObjectsAndUnknownTypes) {
  expect_error(header("'|O'", "(1,)"), "12345678", 2, "pickle");
  expect_error(header("'object'", "(1,)"), "\x80\x04N.", 2, "pickle");
  expect_error(header("[('a', '<f4'), ('b', 'O')]", "(1,)"), "123456789012", 2, "pickle");
  for (const char* type :
       {"'<f3'", "'x4'", "''", "'<'", "'S-1'", "'S99999999999999999999'", "'M4'", "'U3]'",
        "[('a',)]", "[('a', '<q4')]", "[('a', '<f4', (2)) x]", "[('a', 'V2147483647', 2)]"}) {
    expect_error(header(type, "(1,)"), "AB", 2, "not supported");
  }
  // A list that does not end, and one that is nested deeply.
  expect_error("{'descr': [('a', '<f4'), 'fortran_order': False, 'shape': (1,)}", "", 1,
               "malformed");
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "[('a', ";
  deep += "'<f4'";
  for (int i = 0; i < 1000; ++i) deep += ")]";
  expect_error(header(deep, "(1,)"), "ABCD", 2, "not supported");
}

TEST_F(NpyTest, TheSameFileCanBePutTogetherAgain) {
  for (const std::string& dict :
       {header("'<f4'", "(2,)"), header("'|S8'", "(1, 1)"), header("'<f4'", "(1, 2)", "True"),
        header("'>U2'", "()"), header("'|S0'", "(3, 3)", "True")}) {
    const auto source = open_model(
        dir_.write("m.npy", npy(dict, dict.find("S0") == std::string::npos ? "abcdefgh" : "")));
    ASSERT_NE(source->layout(), nullptr) << dict;
    EXPECT_EQ(layout_fault(*source), "") << dict;
  }
  for (const std::string& dict : {header("'>f4'", "(2,)"), header("'|u1'", "(2, 4)", "True")}) {
    EXPECT_EQ(open_model(dir_.write("m.npy", npy(dict, "abcdefgh")))->layout(), nullptr) << dict;
  }
}

TEST_F(NpyTest, RejectsMalformedDicts) {
  for (const char* dict :
       {"", "{", "{}", "{'descr': '|u1'}", "x{'descr': '|u1', 'fortran_order': False, 'shape': ()}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': ()} x",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, -1)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2}",
        "{'descr': '|u1', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        "{'descr': '|u1, 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|\\u1', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': exit(), 'fortran_order': False, 'shape': (1,)}"}) {
    expect_error(dict, "A", 1, "malformed npy header");
  }
  expect_error("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}", "", 1,
               "64 bits");
  expect_error("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "", 1,
               "64 bits");
}

TEST_F(NpyTest, DataMustFillTheFile) {
  const char* const dict = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,)}";
  expect_error(dict, "A", 1, "should hold 2 bytes of data, but holds 1");
  expect_error(dict, "ABC", 1, "should hold 2 bytes");
  EXPECT_TOOL_ERROR(open_model(dir_.write("x.npy", npy(dict, "AB").substr(0, 30))), 1, "cut off");
  EXPECT_TOOL_ERROR(open_model(dir_.write("x.npy", "\x93NUMPY")), 1, "too short");
}

TEST_F(NpyTest, WrittenHeadersAreAlignedAndReadBack) {
  TensorMeta opaque_text = opaque("<U3", 12, {2});
  opaque_text.name = "";
  for (const TensorMeta& tensor : {meta("", DCF_DTYPE_F32, {}), meta("", DCF_DTYPE_BOOL, {7}),
                                   meta("", DCF_DTYPE_C64, {3, 4, 5}), opaque_text}) {
    const Bytes header = make_npy_header(tensor);
    EXPECT_EQ(header.size() % 64, 0u);
    size_t at = 0;
    const NpyHeader read =
        read_npy_header("t", header.size() + tensor.bytes(), [&](std::span<uint8_t> out) {
          std::copy_n(header.begin() + static_cast<std::ptrdiff_t>(at), out.size(), out.begin());
          at += out.size();
        });
    EXPECT_EQ(read.meta, tensor);
    EXPECT_EQ(read.header_bytes, header.size());
  }
}

}  // namespace
}  // namespace dcf::tools::test
