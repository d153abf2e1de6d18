// SPDX-License-Identifier: Apache-2.0
#include "model_test_util.h"

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
