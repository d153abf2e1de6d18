// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "model_test_util.h"
#include "reassemble.h"

namespace dcf::tools::test {
namespace {

std::string bytes_npy(std::string_view data) {
  return npy(
      "{'descr': '|u1', 'fortran_order': False, 'shape': (" + std::to_string(data.size()) + ",)}",
      data);
}

class NpzTest : public ::testing::Test {
 protected:
  Model read(const std::string& content) { return read_model(dir_.write("m.npz", content)); }
  void expect_error(const std::string& content, int code, const char* text) {
    EXPECT_TOOL_ERROR(read(content), code, text);
  }

  TempDir dir_;
};

TEST_F(NpzTest, ReadsStoredAndDeflated) {
  const std::string zeros(100000, '\0');
  for (const bool zip64 : {false, true}) {
    const Model model =
        read(zip({{.name = "a.npy", .content = bytes_npy("xyz")},
                  {.name = "dir/b.npy", .content = bytes_npy(zeros), .deflate = true}},
                 {.zip64 = zip64}));
    ASSERT_EQ(model.tensors.size(), 2u);
    EXPECT_EQ(model.tensors[0], meta("a", DCF_DTYPE_U8, {3}));
    EXPECT_EQ(model.tensors[1], meta("dir/b", DCF_DTYPE_U8, {100000}));
    EXPECT_EQ(model.data[0], to_bytes("xyz"));
    EXPECT_EQ(model.data[1], to_bytes(zeros));
  }
  EXPECT_TRUE(read(zip({})).tensors.empty());
}

TEST_F(NpzTest, ChecksumsOfEmptyArrays) {
  // The checksum covers the header although there is no data. The archive is built independently
  // of the sink, whose result is then read with the proven reader.
  for (const bool deflate : {false, true}) {
    const Model model =
        read(zip({{.name = "e.npy", .content = bytes_npy(""), .deflate = deflate}}));
    EXPECT_EQ(model.tensors.at(0), meta("e", DCF_DTYPE_U8, {0}));
    write_model(dir_.path("copy.npz"), model, SinkFormat::kNpz, true);
    expect_equal(read_model(dir_.path("copy.npz")), model);
  }
}

TEST_F(NpzTest, RejectsWhatIsNoNpz) {
  expect_error(zip({{.name = "archive/data.pkl", .content = "x"}}), 2, "PyTorch");
  expect_error(zip({{.name = "word/document.xml", .content = "x"}}), 1, "no npz");
  expect_error(zip({{.name = "a.npy", .content = "x"}}), 1, "too short for npy");
  expect_error(zip({{.name = "a.npy", .content = bytes_npy("A")},
                    {.name = "a.npy", .content = bytes_npy("B")}}),
               1, "two tensors named 'a'");
  expect_error(zip({{.name = std::string("a\0b.npy", 7), .content = bytes_npy("A")}}), 1, "NUL");
  expect_error(zip({{.name = "a\xff.npy", .content = bytes_npy("A")}}), 1, "not UTF-8");
}

std::string array(const std::string& descr, const std::string& shape, std::string_view data) {
  return npy("{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + "}", data);
}

// The members that np.savez and people leave beside arrays.
std::vector<ZipItem> mixed_items() {
  return {{.name = "a.npy", .content = bytes_npy("abc")},
          {.name = "config.json", .content = "{}"},
          {.name = "folder/", .content = ""},
          {.name = "__MACOSX/._a.npy", .content = "x"},
          {.name = "sub/._a.npy", .content = "x"},
          {.name = "o.npy", .content = array("'|O'", "(2,)", "\x80\x04N.")},
          {.name = "n.npy", .content = array("'new9'", "(2,)", "1234")},
          {.name = "s.npy", .content = array("'|S3'", "(2,)", "foobar")},
          {.name = "h.npy", .content = array("'<V2'", "(2,)", "ABCD")}};
}

TEST_F(NpzTest, OtherMembersComeBackWithTheFile) {
  const std::string path = dir_.write("m.npz", zip(mixed_items()));
  const auto source = open_model(path);
  ASSERT_EQ(source->tensors().size(), 3u);
  EXPECT_EQ(source->tensors()[0], meta("a", DCF_DTYPE_U8, {3}));
  EXPECT_EQ(source->tensors()[1].opaque_name, "|S3");
  EXPECT_EQ(source->tensors()[2].opaque_name, "<V2");
  EXPECT_EQ(source->read(1), to_bytes("foobar"));
  const std::vector<std::string> expected = {
      "array 'o' holds Python objects, which are never opened here; it comes back with the file "
      "only",
      "array 'n' has the NumPy dtype 'new9', which is not supported; it comes back with the file "
      "only"};
  EXPECT_EQ(source->notes(), expected);
  ASSERT_NE(source->layout(), nullptr);
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(NpzTest, WithoutALayoutOtherMembersAreLeftOutByName) {
  std::vector<ZipItem> items = mixed_items();
  items[0].deflate = true;
  const auto source = open_model(dir_.write("m.npz", zip(items)));
  EXPECT_EQ(source->tensors().size(), 3u);
  EXPECT_EQ(source->layout(), nullptr);
  const std::vector<std::string> expected = {
      "left out: 'config.json' is no array", "left out: '__MACOSX/._a.npy' is no array",
      "left out: 'sub/._a.npy' is no array",
      "left out: array 'o' holds Python objects, which are never opened here",
      "left out: array 'n' has the NumPy dtype 'new9', which is not supported"};
  EXPECT_EQ(source->notes(), expected);
}

TEST_F(NpzTest, TheLayoutTakesPlainArraysOnly) {
  const std::string row = bytes_npy("abcdefgh");
  for (const char* dict : {"{'descr': '>i4', 'fortran_order': False, 'shape': (2,)}",
                           "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 4)}"}) {
    const auto source =
        open_model(dir_.write("m.npz", zip({{.name = "r.npy", .content = row},
                                            {.name = "x.npy", .content = npy(dict, "abcdefgh")}})));
    EXPECT_EQ(source->layout(), nullptr) << dict;
  }
  // A member that is no array may be packed in any way.
  for (const ZipItem& other : {ZipItem{.name = "t", .content = "text", .deflate = true}}) {
    for (const bool zip64 : {false, true}) {
      const auto source = open_model(
          dir_.write("m.npz", zip({{.name = "r.npy", .content = row}, other}, {.zip64 = zip64})));
      ASSERT_NE(source->layout(), nullptr);
      EXPECT_EQ(layout_fault(*source), "");
    }
  }
  const auto empty = open_model(dir_.write("m.npz", zip({})));
  ASSERT_NE(empty->layout(), nullptr);
  EXPECT_EQ(layout_fault(*empty), "");
}

// An opaque type that NumPy has is written as it was.
TEST_F(NpzTest, OpaqueElementsComeBackUnderTheirOwnType) {
  const Model model = read(
      zip({{.name = "u.npy", .content = array("'<U1'", "(2,)", std::string("a\0\0\0b\0\0\0", 8))},
           {.name = "r.npy", .content = array("[('x', '<f4'), ('y', '|S1')]", "(1,)", "abcde")},
           {.name = "q.npy", .content = array("'int4'", "(3,)", "abc")}}));
  write_model(dir_.path("copy.npz"), model, SinkFormat::kNpz, true);
  expect_equal(read_model(dir_.path("copy.npz")), model);
  const std::string copy = read_text(dir_.path("copy.npz"));
  EXPECT_NE(copy.find("'descr': '<U1'"), std::string::npos);
  EXPECT_NE(copy.find("'descr': [('x', '<f4'), ('y', '|S1')]"), std::string::npos);
  EXPECT_EQ(copy.find("'descr': 'int4'"), std::string::npos);  // NumPy alone cannot read it
}

class CsrTest : public NpzTest {
 protected:
  // 2 x 3: 0 1 0 / 2 0 3
  std::map<std::string, std::string> members_ = {
      {"format", array("'|S3'", "()", "csr")},
      {"shape", array("'<i8'", "(2,)", number(2, 8) + number(3, 8))},
      {"indptr", array("'<i4'", "(3,)", number(0, 4) + number(1, 4) + number(3, 4))},
      {"indices", array("'<i4'", "(3,)", number(1, 4) + number(0, 4) + number(2, 4))},
      {"data", array("'<u2'", "(3,)", number(1, 2) + number(2, 2) + number(3, 2))}};

  static std::string number(uint64_t value, size_t bytes) {
    std::string text;
    for (; bytes > 0; --bytes, value >>= 8) text += static_cast<char>(value & 0xff);
    return text;
  }
  std::string file(bool deflate = true) const {
    std::vector<ZipItem> items;
    for (const auto& [name, content] : members_) {
      items.push_back({.name = name + ".npy", .content = content, .deflate = deflate});
    }
    return zip(items);
  }
  Model matrix() { return read_model(dir_.write("w.npz", file())); }
  void expect_arrays() { EXPECT_EQ(matrix().tensors.size(), members_.size()); }
};

TEST_F(CsrTest, IsOneTensor) {
  const std::string dense =
      number(0, 2) + number(1, 2) + number(0, 2) + number(2, 2) + number(0, 2) + number(3, 2);
  for (const bool deflate : {false, true}) {
    const Model model = read_model(dir_.write("w.npz", file(deflate)));
    ASSERT_EQ(model.tensors.size(), 1u);
    EXPECT_EQ(model.tensors[0], meta("w", DCF_DTYPE_U16, {2, 3}));
    EXPECT_EQ(model.data[0], to_bytes(dense));
  }
  members_["_is_array"] = array("'|b1'", "()", "\1");
  members_["format"] = array("'<U3'", "()", std::string("c\0\0\0s\0\0\0r\0\0\0", 12));
  members_["indices"] =
      array("'>i8'", "(3,)",
            std::string(7, '\0') + '\1' + std::string(8, '\0') + std::string(7, '\0') + '\2');
  EXPECT_EQ(matrix().data.at(0), to_bytes(dense));
}

TEST_F(CsrTest, EmptyRowsAndColumns) {
  members_["shape"] = array("'<i8'", "(2,)", number(5, 8) + number(1, 8));
  members_["indptr"] =
      array("'<i4'", "(6,)", number(0, 12) + number(1, 4) + number(1, 4) + number(1, 4));
  members_["indices"] = array("'<i4'", "(1,)", number(0, 4));
  members_["data"] = array("'|u1'", "(1,)", "x");
  EXPECT_EQ(matrix().data.at(0), to_bytes(std::string("\0\0x\0\0", 5)));
  members_["shape"] = array("'<i8'", "(2,)", number(0, 8) + number(7, 8));
  members_["indptr"] = array("'<i4'", "(1,)", number(0, 4));
  members_["indices"] = array("'<i4'", "(0,)", "");
  members_["data"] = array("'|u1'", "(0,)", "");
  EXPECT_EQ(matrix().tensors.at(0), meta("w", DCF_DTYPE_U8, {0, 7}));
}

// What is no csr matrix in order is read as the arrays that it is.
TEST_F(CsrTest, OthersAreTheirArrays) {
  const auto intact = members_;
  const auto with = [&](const char* name, const std::string& content) {
    members_ = intact;
    members_[name] = content;
    expect_arrays();
  };
  with("format", array("'|S3'", "()", "csc"));
  with("format", array("'|S3'", "(1,)", "csr"));
  with("more", array("'|u1'", "()", "x"));
  with("data", array("'|S1'", "(3,)", "abc"));
  with("data", array("'|u1'", "(2,)", "ab"));
  with("shape", array("'<i8'", "(2,)", number(3, 8) + number(3, 8)));
  with("shape", array("'<i8'", "(2,)", number(2, 8) + number(2, 8)));
  with("shape", array("'<i8'", "(2,)", number(2, 8) + number(UINT64_MAX, 8)));
  with("shape", array("'<i8'", "(2,)", number(UINT64_MAX, 8) + number(0, 8)));
  with("shape", array("'<i8'", "(2,)", number(2, 8) + number(1 << 30, 8)));  // a bomb
  with("indptr", array("'<i4'", "(3,)", number(1, 4) + number(1, 4) + number(3, 4)));
  with("indptr", array("'<i4'", "(3,)", number(0, 4) + number(2, 4) + number(1, 4)));
  with("indptr", array("'<i4'", "(3,)", number(0, 4) + number(1, 4) + number(4, 4)));
  with("indptr", array("'<i4'", "(3,)", number(0, 4) + number(1, 4) + number(2, 4)));
  with("indices", array("'<i4'", "(3,)", number(1, 4) + number(2, 4) + number(2, 4)));
  with("indices", array("'<i4'", "(3,)", number(1, 4) + number(2, 4) + number(0, 4)));
  with("indices", array("'<i4'", "(3,)", number(1, 4) + number(0, 4) + number(3, 4)));
  with("indices", array("'<i4'", "(3,)", number(1, 4) + number(0, 4) + number(UINT32_MAX, 4)));
  members_ = intact;
  members_.erase("indptr");
  expect_arrays();
}

TEST_F(NpzTest, RejectsDamage) {
  const std::vector<ZipItem> stored = {{.name = "a.npy", .content = bytes_npy("xyz")}};
  const std::vector<ZipItem> deflated = {
      {.name = "a.npy", .content = bytes_npy("xyz"), .deflate = true}};
  const auto size = static_cast<int64_t>(stored[0].content.size());
  expect_error(zip(stored, {.crc = 1}), 1, "checksum");
  expect_error(zip(deflated, {.crc = 1}), 1, "checksum");
  expect_error(zip(stored, {.bytes = size + 1}), 1, "contradict");
  expect_error(zip(deflated, {.bytes = size + 1}), 1, "should hold 3 bytes");
  expect_error(zip(deflated, {.bytes = 1000000}), 1, "contradict");
  expect_error(zip(stored, {.method = 12}), 2, "zip method 12");
  expect_error(zip(stored, {.flags = 1}), 2, "encrypted");
  expect_error(zip(stored, {.local_name = "b.npy"}), 1, "differ");
  expect_error(zip(stored, {.local_name = "bb.npy"}), 1, "differ");
  const std::string whole = zip(stored);
  expect_error(whole.substr(0, whole.size() - 1), 1, "end record");
  expect_error(whole + "x", 1, "end record");
  expect_error("PK\x03\x04", 1, "too short");
}

// Whether the offsets count the bytes before the archive or not.
TEST_F(NpzTest, RejectsAPrefix) {
  const std::string whole = zip({{.name = "a.npy", .content = bytes_npy("xyz")}});
  const std::string prefix = "PK\x03\x04 and so on";
  expect_error(prefix + whole, 1, "directory is not where");
  std::string moved = prefix + whole;
  const auto add = [&](size_t at) {  // small numbers: one byte is enough
    moved[at] = static_cast<char>(moved[at] + static_cast<char>(prefix.size()));
  };
  add(moved.rfind("PK\x01\x02") + 42);
  add(moved.rfind("PK\x05\x06") + 16);
  expect_error(moved, 1, "bytes lie before its first entry");
}

TEST_F(NpzTest, RejectsUnpackingToOtherSizes) {
  // The array claims one byte more or less than the deflated stream holds.
  const std::string dict = "{'descr': '|u1', 'fortran_order': False, 'shape': (4,)}";
  const std::string longer = npy(dict, "wxyz");
  const std::string shorter = npy(dict, "wxy");
  const auto declared = static_cast<int64_t>(longer.size());
  expect_error(zip({{.name = "a.npy", .content = shorter, .deflate = true}}, {.bytes = declared}),
               1, "fewer bytes");
  expect_error(
      zip({{.name = "a.npy", .content = longer + "!", .deflate = true}}, {.bytes = declared}), 1,
      "more bytes");
}

TEST_F(NpzTest, RejectsOverlappingEntries) {
  // Both directory records point to the first entry.
  std::string file = zip(
      {{.name = "a.npy", .content = bytes_npy("A")}, {.name = "a.npy", .content = bytes_npy("A")}});
  const size_t second = file.rfind("PK\x01\x02");
  for (size_t i = 0; i < 4; ++i) file[second + 42 + i] = 0;
  expect_error(file, 1, "overlaps");
}

TEST_F(NpzTest, ExtraArrayMustFit) {
  const auto with_extra = [](const std::string& json) {
    return zip({{.name = "a.npy", .content = bytes_npy("xy")},
                {.name = "__dcf__.json.npy", .content = bytes_npy(json)}});
  };
  const Model model =
      read(with_extra(R"({"metadata":{"k":"v"},"tensors":{"a":{"dtype":"F8_E4M3","shape":[2]}}})"));
  ASSERT_EQ(model.tensors.size(), 1u);
  EXPECT_EQ(model.tensors[0], meta("a", DCF_DTYPE_F8E4M3, {2}));
  EXPECT_EQ(model.metadata, (Metadata{{"k", "v"}}));

  const auto tensor = [&](const std::string& text) {
    return with_extra(R"({"metadata":{},"tensors":{)" + text + "}}");
  };
  expect_error(with_extra("[]"), 1, "not a JSON object");
  expect_error(with_extra(R"({"metadata":{},"tensors":{},"x":1})"), 1, "two objects");
  expect_error(with_extra(R"({"metadata":{"k":1},"tensors":{}})"), 1, "not a string");
  expect_error(tensor(R"("b":{"dtype":"F8_E4M3","shape":[2]})"), 1, "does not hold");
  expect_error(tensor(R"("a":{"dtype":"F8_E4M3","shape":[3]})"), 1, "does not fit");
  expect_error(tensor(R"("a":{"dtype":"BF16","shape":[1]})"), 1, "does not fit");
  expect_error(tensor(R"("a":{"dtype":"NEW","shape":[2]})"), 2, "not supported");
  expect_error(tensor(R"("a":{"dtype":"OPAQUE","bits":0,"opaque_name":"x","shape":[2]})"), 1,
               "0 bits");
  expect_error(tensor(R"("a":{"dtype":"F4","shape":[9223372036854775808,9223372036854775808]})"), 1,
               "64 bits");
}

}  // namespace
}  // namespace dcf::tools::test
