// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "formats/gguf_types.h"
#include "gguf_file.h"
#include "model_test_util.h"
#include "reassemble.h"

namespace dcf::tools::test {
namespace {

constexpr uint32_t kF32 = 0;
constexpr uint32_t kF16 = 1;
constexpr uint32_t kQ4_0 = 2;
constexpr uint32_t kQ4_1 = 3;
constexpr uint32_t kQ5_0 = 6;
constexpr uint32_t kQ5_1 = 7;
constexpr uint32_t kQ8_0 = 8;
constexpr uint32_t kQ4K = 12;
constexpr uint32_t kText = 8;
constexpr uint32_t kArray = 9;
constexpr uint32_t kU32 = 4;

class GgufTest : public ::testing::Test {
 protected:
  std::unique_ptr<ModelSource> open(const std::string& bytes) const {
    return open_model(dir_.write("model.gguf", bytes));
  }
  void expect_refused(const std::string& bytes, const char* text, int code = 1) const {
    EXPECT_TOOL_ERROR(open(bytes), code, text);
  }
  void expect_refused(const GgufFile& file, const char* text, int code = 1) const {
    expect_refused(file.bytes(), text, code);
  }

  TempDir dir_;
};

std::map<uint64_t, std::string> notes_of(const ModelSource& source) {
  const std::vector<uint8_t> encoded = source.layout()->encoded();
  return LayoutReader("test", encoded).types();
}

// Blocks whose scales differ little and whose codes are few: worth splitting.
std::string soft_blocks(uint32_t type, uint64_t blocks) {
  const GgufType& t = *find_gguf_type(type);
  std::string out;
  const Bytes random = noise(blocks * t.block_bytes, type);
  size_t at = 0;
  for (uint64_t b = 0; b < blocks; ++b) {
    for (const GgufPart& part : t.parts) {
      for (uint32_t i = 0; i < part.bytes; ++i, ++at) {
        const bool high = part.scale && i % 2 == 1;
        out.push_back(static_cast<char>(high ? 0x24 : random[at] & 0x3f));
      }
    }
  }
  return out;
}

TEST_F(GgufTest, NumbersAreTensorsOfTheSameBytes) {
  GgufFile file;
  const struct {
    uint32_t type;
    dcf_dtype dtype;
    uint64_t width;
  } kinds[] = {{0, DCF_DTYPE_F32, 4},  {1, DCF_DTYPE_F16, 2},  {24, DCF_DTYPE_I8, 1},
               {25, DCF_DTYPE_I16, 2}, {26, DCF_DTYPE_I32, 4}, {27, DCF_DTYPE_I64, 8},
               {28, DCF_DTYPE_F64, 8}, {30, DCF_DTYPE_BF16, 2}};
  for (const auto& kind : kinds) {
    file.tensors.push_back(
        gguf_tensor("t" + std::to_string(kind.type), {3, 2}, kind.type, file.data.size()));
    const Bytes bytes = noise(6 * kind.width, kind.type);
    file.data.append(bytes.begin(), bytes.end());
    file.data.resize((file.data.size() + 31) / 32 * 32);
  }
  const auto source = open(file.bytes());
  ASSERT_EQ(source->tensors().size(), std::size(kinds));
  for (size_t i = 0; i < std::size(kinds); ++i) {
    EXPECT_EQ(source->tensors()[i],
              meta("t" + std::to_string(kinds[i].type), kinds[i].dtype, {2, 3}));
    EXPECT_EQ(source->read(i), noise(6 * kinds[i].width, kinds[i].type));
    EXPECT_FALSE(source->is_scale(i));
  }
  EXPECT_EQ(notes_of(*source).at(0), "F32 [3, 2]");
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(GgufTest, ShapesThatReadTheSameFromBothEndsHaveNoNote) {
  GgufFile file;
  file.tensors = {gguf_tensor("a", {2, 2}, kF32, 0), gguf_tensor("b", {1}, kF32, 32),
                  gguf_tensor("c", {}, kF32, 64), gguf_tensor("d", {1, 1, 1, 2}, kF16, 96)};
  file.data = std::string(100, 'x');
  const auto source = open(file.bytes());
  EXPECT_EQ(source->tensors().at(2).dims, std::vector<uint64_t>{});
  EXPECT_EQ(notes_of(*source), (std::map<uint64_t, std::string>{{3, "F16 [1, 1, 1, 2]"}}));
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(GgufTest, BlocksAreSplitIntoScalesAndCodes) {
  struct Expected {
    std::string suffix;
    dcf_dtype dtype;
    uint64_t columns;  // of a row of 128 elements
  };
  const Expected scales{".scales", DCF_DTYPE_F16, 4};
  const Expected mins{".mins", DCF_DTYPE_F16, 4};
  const Expected high{".high_bits", DCF_DTYPE_U8, 16};
  const Expected nibbles{".codes", DCF_DTYPE_U8, 64};
  const std::map<uint32_t, std::vector<Expected>> all = {
      {kQ4_0, {scales, nibbles}},
      {kQ4_1, {scales, mins, nibbles}},
      {kQ5_0, {scales, high, nibbles}},
      {kQ5_1, {scales, mins, high, nibbles}},
      {kQ8_0, {scales, {".codes", DCF_DTYPE_I8, 128}}}};
  for (const auto& [type, parts] : all) {
    const uint64_t blocks = 4 * 300 * 2;
    GgufFile file;
    file.data = soft_blocks(type, blocks);
    file.tensors = {gguf_tensor("w", {128, 300, 2}, type, 0)};
    const auto source = open(file.bytes());
    const std::string& name = std::string(find_gguf_type(type)->name);
    ASSERT_EQ(source->tensors().size(), parts.size()) << name;
    uint64_t begin = 0;
    for (size_t p = 0; p < parts.size(); ++p) {
      EXPECT_EQ(source->tensors()[p],
                meta("w" + parts[p].suffix, parts[p].dtype, {2, 300, parts[p].columns}));
      const bool is_scale = parts[p].suffix == ".scales" || parts[p].suffix == ".mins";
      EXPECT_EQ(source->is_scale(p), is_scale) << name;
      EXPECT_EQ(notes_of(*source).at(p), name + " [128, 300, 2]");
      // The part of each block in turn.
      const uint64_t block_bytes = find_gguf_type(type)->block_bytes;
      const uint64_t part_bytes = find_gguf_type(type)->parts[p].bytes;
      std::string expected;
      for (uint64_t b = 0; b < blocks; ++b) {
        expected += file.data.substr(b * block_bytes + begin, part_bytes);
      }
      EXPECT_EQ(source->read(p), to_bytes(expected)) << name;
      begin += part_bytes;
    }
    EXPECT_EQ(layout_fault(*source), "") << name;
  }
}

TEST_F(GgufTest, BlocksThatSplittingDoesNotMakeSmallerStayWhole) {
  for (const uint32_t type : {kQ4_0, kQ8_0, kQ4K}) {
    const GgufType& t = *find_gguf_type(type);
    const Bytes random = noise(t.block_bytes * 6000, type);
    GgufFile file;
    file.data.assign(random.begin(), random.end());
    file.tensors = {gguf_tensor("w", {uint64_t{t.block_elements} * 3, 2000}, type, 0)};
    const auto source = open(file.bytes());
    ASSERT_EQ(source->tensors().size(), 1u);
    EXPECT_EQ(source->tensors()[0], (TensorMeta{.name = "w",
                                                .dtype = DCF_DTYPE_OPAQUE,
                                                .bits = t.block_bytes * 8,
                                                .opaque_name = std::string(t.name),
                                                .dims = {2000, 3}}));
    EXPECT_EQ(source->read(0), random);
    EXPECT_EQ(layout_fault(*source), "");
  }
}

TEST_F(GgufTest, FewBlocksStayWhole) {
  GgufFile file;
  file.data = soft_blocks(kQ8_0, 2);
  file.tensors = {gguf_tensor("w", {32, 2}, kQ8_0, 0)};
  EXPECT_EQ(open(file.bytes())->tensors().at(0).opaque_name, "Q8_0");
}

TEST_F(GgufTest, NamesOfPartsThatAreTakenAreNumbered) {
  GgufFile file;
  file.data = soft_blocks(kQ8_0, 3200);
  const uint64_t end = file.data.size();
  file.data += std::string(36, 'x');
  file.tensors = {gguf_tensor("w.codes", {1}, kF32, end), gguf_tensor("w", {320, 320}, kQ8_0, 0),
                  gguf_tensor("w.codes#2", {1}, kF32, end + 32)};
  const auto source = open(file.bytes());
  ASSERT_EQ(source->tensors().size(), 4u);
  EXPECT_EQ(source->tensors()[0].name, "w.scales");
  EXPECT_EQ(source->tensors()[1].name, "w.codes#3");
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(GgufTest, TypesOfUnknownSizeReachToTheNextTensor) {
  GgufFile file;
  file.tensors = {gguf_tensor("new", {64, 2}, 139, 0), gguf_tensor("f", {2}, kF32, 64),
                  gguf_tensor("old", {64}, 31, 96)};
  file.data = std::string(150, 'x');
  const auto source = open(file.bytes());
  ASSERT_EQ(source->tensors().size(), 3u);
  EXPECT_EQ(source->tensors()[0], (TensorMeta{.name = "new",
                                              .dtype = DCF_DTYPE_OPAQUE,
                                              .bits = 8,
                                              .opaque_name = "type 139",
                                              .dims = {64}}));
  EXPECT_EQ(source->tensors()[2].bytes(), 54u);
  EXPECT_EQ(notes_of(*source).at(0), "type 139 [64, 2]");
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(GgufTest, AnyOrderGapsAndBytesAfterTheLastTensor) {
  GgufFile file;
  file.pairs = {gguf_pair("general.alignment", kU32, le32(8))};
  file.alignment = 8;
  file.tensors = {gguf_tensor("last", {1}, kF32, 40), gguf_tensor("first", {2}, kF16, 8),
                  gguf_tensor("empty", {0, 5}, kF32, 40)};
  file.data = std::string(100, 'x');
  const auto source = open(file.bytes());
  EXPECT_EQ(source->tensors().at(0).name, "first");
  EXPECT_EQ(source->tensors().at(1), meta("empty", DCF_DTYPE_F32, {5, 0}));
  EXPECT_EQ(source->tensors().at(2).name, "last");
  EXPECT_EQ(source->layout()->rest_bytes(), file.bytes().size() - 8);
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(GgufTest, WithoutTensors) {
  GgufFile file;
  file.version = 2;
  file.pairs = {gguf_pair("general.architecture", kText, gguf_text("llama"))};
  const auto source = open(file.bytes());
  EXPECT_TRUE(source->tensors().empty());
  EXPECT_EQ(source->metadata(), (Metadata{{"gguf.architecture", "llama"}}));
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(GgufTest, EveryMetadataType) {
  GgufFile file;
  const std::string one(8, '\1');
  const struct {
    uint32_t type;
    size_t bytes;
  } fixed[] = {{0, 1}, {1, 1}, {2, 2},  {3, 2},  {4, 4}, {5, 4},
               {6, 4}, {7, 1}, {10, 8}, {11, 8}, {12, 8}};
  for (const auto& [type, bytes] : fixed) {
    const std::string key = "k" + std::to_string(type);
    file.pairs.push_back(gguf_pair(key, type, one.substr(0, bytes)));
    file.pairs.push_back(gguf_pair(
        key + "s", kArray, le32(type) + le64(2) + one.substr(0, bytes) + one.substr(0, bytes)));
  }
  const std::string texts = le32(kText) + le64(2) + gguf_text("") + gguf_text("a\xff");
  file.pairs.push_back(gguf_pair("texts", kArray, texts));
  file.pairs.push_back(gguf_pair("nested", kArray, le32(kArray) + le64(2) + texts + texts));
  file.pairs.push_back(gguf_pair("none", kArray, le32(kArray) + le64(0)));
  file.pairs.push_back(gguf_pair("general.name", kText, gguf_text("SmolLM2 \xc3\xa9")));
  file.pairs.push_back(gguf_pair("general.architecture", kU32, le32(7)));
  file.tensors = {gguf_tensor("t", {1}, kF32, 0)};
  file.data = "abcd";
  const auto source = open(file.bytes());
  EXPECT_EQ(source->read(0), to_bytes("abcd"));
  EXPECT_EQ(source->metadata(), (Metadata{{"gguf.name", "SmolLM2 \xc3\xa9"}}));
}

TEST_F(GgufTest, OnlyShortTextsBecomeMetadata) {
  for (const std::string& text :
       {std::string(), std::string(257, 'x'), std::string("a\xff"), std::string("a\0b", 3)}) {
    GgufFile file;
    file.pairs = {gguf_pair("general.name", kText, gguf_text(text))};
    EXPECT_TRUE(open(file.bytes())->metadata().empty());
  }
}

TEST_F(GgufTest, RefusesOtherVersionsAndByteOrders) {
  GgufFile file;
  for (const uint32_t version : {0, 1, 4}) {
    file.version = version;
    expect_refused(file, "2 and 3 are supported", 2);
  }
  file.version = 0x03000000;
  expect_refused(file, "big-endian", 2);
}

TEST_F(GgufTest, RefusesEveryCut) {
  GgufFile file;
  file.pairs = {gguf_pair("general.name", kText, gguf_text("n")),
                gguf_pair("a", kArray, le32(kText) + le64(2) + gguf_text("x") + gguf_text("y"))};
  file.tensors = {gguf_tensor("w", {32, 2}, kQ8_0, 0), gguf_tensor("v", {2, 4}, kF32, 96)};
  file.data = std::string(128, 'x');
  const std::string bytes = file.bytes();
  open(bytes);
  for (size_t size = 4; size < bytes.size(); ++size) {
    expect_refused(bytes.substr(0, size), "is cut off: ");
  }
}

TEST_F(GgufTest, RefusesCountsThatTheFileCannotHold) {
  const std::string magic = "GGUF" + le32(3);
  const uint64_t many = uint64_t{1} << 62;
  for (const uint64_t count : {uint64_t{1}, many, UINT64_MAX}) {
    expect_refused(magic + le64(count) + le64(0), "is cut off: it ends inside the GGUF header");
    expect_refused(magic + le64(0) + le64(count), "is cut off: it ends inside the GGUF header");
    expect_refused(GgufFile{.pairs = {gguf_pair("a", kText, le64(count))}}, "is cut off");
    for (const uint32_t type : {kU32, kText, kArray, 0u}) {
      const GgufFile file{.pairs = {gguf_pair("a", kArray, le32(type) + le64(count))}};
      expect_refused(file, "is cut off");
    }
  }
  // More tensors than a .dcf file holds, in a file that has the room.
  std::string file = magic + le64((1 << 20) + 1) + le64(0);
  file.resize(24u << 20 | 4096);
  expect_refused(file, "more than 1048576 tensors");
}

TEST_F(GgufTest, RefusesDamagedMetadata) {
  const std::string value = le32(1);
  expect_refused(GgufFile{.pairs = {gguf_pair("a", 13, value)}}, "type 13, which does not exist");
  expect_refused(GgufFile{.pairs = {gguf_pair("a", kArray, le32(13) + le64(0))}}, "type 13");
  expect_refused(GgufFile{.pairs = {gguf_pair("a", kArray, le32(13) + le64(1) + le64(0))}},
                 "type 13");
  expect_refused(GgufFile{.pairs = {gguf_pair("", kU32, value)}}, "key of 0 bytes");
  expect_refused(GgufFile{.pairs = {gguf_pair(std::string(65536, 'k'), kU32, value)}},
                 "key of 65536 bytes");
  expect_refused(GgufFile{.pairs = {gguf_pair("a", kU32, value), gguf_pair("a", kU32, value)}},
                 "the metadata key 'a' twice");
  for (const unsigned depth : {8u, 9u}) {
    std::string nested = le32(kU32) + le64(1) + value;
    for (unsigned i = 1; i < depth; ++i) nested = le32(kArray) + le64(1) + nested;
    const GgufFile file{.pairs = {gguf_pair("a", kArray, nested)}};
    if (depth == 8) {
      open(file.bytes());
    } else {
      expect_refused(file, "more than 8 deep");
    }
  }
}

TEST_F(GgufTest, RefusesDamagedAlignment) {
  for (const uint32_t alignment : {0, 24}) {
    expect_refused(GgufFile{.pairs = {gguf_pair("general.alignment", kU32, le32(alignment))}},
                   "not a power of two");
  }
  expect_refused(GgufFile{.pairs = {gguf_pair("general.alignment", 10, le64(32))}}, "not a u32");
  const GgufFile huge{.pairs = {gguf_pair("general.alignment", kU32, le32(uint64_t{1} << 31))},
                      .tensors = {gguf_tensor("a", {1}, kF32, 0)},
                      .data = "abcd"};
  expect_refused(huge, "before the data of its tensors");
}

TEST_F(GgufTest, RefusesDamagedTensors) {
  const auto refused = [&](std::vector<std::string> tensors, const char* text) {
    expect_refused(GgufFile{.tensors = std::move(tensors), .data = std::string(256, 'x')}, text);
  };
  const uint64_t big = uint64_t{1} << 40;
  refused({gguf_tensor("a", {1, 1, 1, 1, 1}, kF32, 0)}, "has 5 dimensions, more than 4");
  refused({gguf_tensor("a", {uint64_t{1} << 63}, kF32, 0)}, "does not fit into 64 bits");
  refused({gguf_tensor("a", {big, big}, kF32, 0)}, "does not fit into 64 bits");
  refused({gguf_tensor("a", {big, big, 0}, kF32, 0)}, "does not fit into 64 bits");
  refused({gguf_tensor("a", {0, big, big}, kF32, 0)}, "does not fit into 64 bits");
  refused({gguf_tensor("a", {big, 1 << 22}, kF32, 0)}, "does not fit into 64 bits");
  refused({gguf_tensor("a", {48}, kQ8_0, 0)}, "no blocks of 32 (Q8_0)");
  refused({gguf_tensor("a", {}, kQ4_1, 0)}, "no blocks of 32 (Q4_1)");
  refused({gguf_tensor("a", {1}, kF32, 16)}, "no multiple of 32");
  refused({gguf_tensor("a", {1}, kF32, 256)}, "is cut off");
  refused({gguf_tensor("a", {1}, kF32, UINT64_MAX - 31)}, "is cut off");
  refused({gguf_tensor("a", {65}, kF32, 0)}, "is cut off");
  refused({gguf_tensor("a", {1}, kF32, 0), gguf_tensor("a", {1}, kF32, 32)}, "two tensors named");
  refused({gguf_tensor("a", {9}, kF32, 32), gguf_tensor("b", {1}, kF32, 64)}, "overlaps");
  refused({gguf_tensor("a", {1}, kF32, 32), gguf_tensor("b", {1}, kF16, 32)}, "overlaps");
  refused({gguf_tensor("a", {1}, 99, 32), gguf_tensor("b", {1}, 99, 32)}, "overlaps");
  refused({gguf_tensor("a\xff", {1}, kF32, 0)}, "is not UTF-8");
  refused({gguf_tensor(std::string("a\0", 2), {1}, kF32, 0)}, "NUL");
  refused({gguf_tensor(std::string(4097, 'n'), {1}, kF32, 0)}, "name of 4097 bytes");
}

// Written by gguf-py, the library of llama.cpp.
TEST_F(GgufTest, ReadsWhatTheReferenceWrote) {
  const auto numbers = open_model(source_file("fuzz/seeds/gguf/numbers"));
  EXPECT_EQ(numbers->metadata(),
            (Metadata{{"gguf.architecture", "llama"}, {"gguf.name", "numbers"}}));
  ASSERT_EQ(numbers->tensors().size(), 8u);
  EXPECT_EQ(numbers->tensors()[0], meta("f32", DCF_DTYPE_F32, {2, 3}));
  EXPECT_EQ(numbers->read(0), floats({-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(numbers->tensors()[7], meta("bf16", DCF_DTYPE_BF16, {2, 3}));
  EXPECT_EQ(numbers->read(7),
            (Bytes{0, 0, 0x80, 0x3f, 0, 0x40, 0x40, 0x40, 0x80, 0x40, 0xa0, 0x40}));
  EXPECT_EQ(layout_fault(*numbers), "");

  // Rows of -1, 0 and 1 times 1, 2, 3 or 4.
  const auto blocks = open_model(source_file("fuzz/seeds/gguf/split_q8_0"));
  ASSERT_EQ(blocks->tensors().size(), 3u);
  EXPECT_EQ(blocks->tensors()[0], meta("w.scales", DCF_DTYPE_F16, {45, 2}));
  EXPECT_EQ(blocks->tensors()[1], meta("w.codes", DCF_DTYPE_I8, {45, 64}));
  const Bytes codes = blocks->read(1);
  for (size_t i = 0; i < codes.size(); ++i) {
    EXPECT_EQ(static_cast<int8_t>(codes[i]), (static_cast<int>(i % 32 % 3) - 1) * 127);
  }
  EXPECT_EQ(layout_fault(*blocks), "");
}

TEST_F(GgufTest, HoldsNoMoreThanItsLimit) {
  GgufFile file;
  for (int i = 0; i < 200; ++i) {
    file.pairs.push_back(gguf_pair("key" + std::to_string(i), kU32, le32(1)));
    file.tensors.push_back(gguf_tensor("t" + std::to_string(i), {1}, kF32, uint64_t{32} * i));
  }
  file.data = std::string(200 * 32, 'x');
  const std::string path = dir_.write("m.gguf", file.bytes());
  EXPECT_TOOL_ERROR(open_model(path, {.max_memory = 4096}), 1,
                    "the set of its metadata keys takes");
  EXPECT_TOOL_ERROR(open_model(path, {.max_memory = 100'000}), 1, "its list of tensors takes");
  EXPECT_EQ(open_model(path, {.max_memory = 1'000'000})->tensors().size(), 200u);
}

}  // namespace
}  // namespace dcf::tools::test
