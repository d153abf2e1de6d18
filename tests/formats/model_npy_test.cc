// SPDX-License-Identifier: Apache-2.0
#include "formats/npy_header.h"
#include "model_test_util.h"

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

TEST_F(NpyTest, RejectsObjectsAndOtherDtypes) {
  expect_error("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "12345678", 2, "pickle");
  expect_error("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "1234", 2,
               "structured");
  expect_error("{'descr': '<c16', 'fortran_order': False, 'shape': ()}", std::string(16, 'x'), 2,
               "not supported");
  expect_error("{'descr': '<V2', 'fortran_order': False, 'shape': (1,)}", "AB", 2, "not supported");
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
  for (const TensorMeta& tensor : {meta("", DCF_DTYPE_F32, {}), meta("", DCF_DTYPE_BOOL, {7}),
                                   meta("", DCF_DTYPE_C64, {3, 4, 5})}) {
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
