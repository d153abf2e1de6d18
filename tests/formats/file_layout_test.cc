// SPDX-License-Identifier: Apache-2.0
// Layouts of files, and the zstd frames they are kept in, which may be a stranger's.
#include "formats/file_layout.h"

#include <gtest/gtest.h>

#include "formats/sha256.h"
#include "formats/zstd_stream.h"
#include "model_test_util.h"

namespace dcf::tools::test {
namespace {

FileLayout sample_layout() {
  FileLayout layout("gguf");
  layout.note_type(1, "Q8_0 [32, 4]");
  layout.begin_file("model.gguf", 1000);
  layout.tensor_at(100, 0, 50);
  layout.tensor_at(150, 7, 0);  // nothing is kept of it
  const BlockPart parts[] = {{1, 2}, {2, 32}};
  layout.blocks_at(200, 4, parts);
  layout.end_file();
  layout.begin_file("sub/empty", 0);
  layout.end_file();
  return layout;
}

TEST(FileLayout, ReadsAsItWasBuilt) {
  FileLayout layout = sample_layout();
  Sha256 digest{};
  digest[0] = 7;
  layout.set_sha256(1, digest);
  EXPECT_EQ(layout.rest_bytes(), 1000u - 50 - 4 * 34);
  const std::vector<uint8_t> encoded = layout.encoded();
  LayoutReader reader("file", encoded);
  EXPECT_EQ(reader.format(), "gguf");
  EXPECT_EQ(reader.types().at(1), "Q8_0 [32, 4]");
  LayoutFile file;
  ASSERT_TRUE(reader.next_file(&file));
  EXPECT_EQ(file.name, "model.gguf");
  EXPECT_EQ(file.bytes, 1000u);
  std::vector<std::pair<Segment::Kind, uint64_t>> segments;
  for (Segment segment; reader.next_segment(&segment);) {
    segments.emplace_back(segment.kind, segment.bytes);
    if (segment.kind == Segment::Kind::kBlocks) {
      EXPECT_EQ(segment.blocks, 4u);
      ASSERT_EQ(segment.parts.size(), 2u);
      EXPECT_EQ(segment.parts[1].tensor, 2u);
      EXPECT_EQ(segment.parts[1].bytes, 32u);
    }
  }
  using Kind = Segment::Kind;
  EXPECT_EQ(segments, (std::vector<std::pair<Kind, uint64_t>>{{Kind::kRest, 100},
                                                              {Kind::kTensor, 50},
                                                              {Kind::kRest, 50},
                                                              {Kind::kBlocks, 136},
                                                              {Kind::kRest, 664}}));
  ASSERT_TRUE(reader.next_file(&file));
  EXPECT_EQ(file.name, "sub/empty");
  EXPECT_EQ(file.sha256, digest);
  Segment none;
  EXPECT_FALSE(reader.next_segment(&none));
  EXPECT_FALSE(reader.next_file(&file));
}

void read_all(std::span<const uint8_t> encoded) {
  LayoutReader reader("file", encoded);
  LayoutFile file;
  while (reader.next_file(&file)) {
    for (Segment segment; reader.next_segment(&segment);) EXPECT_GT(segment.bytes, 0u);
  }
}

TEST(FileLayout, EveryPrefixAndEveryFlippedBitIsReadOrRefused) {
  const std::vector<uint8_t> encoded = sample_layout().encoded();
  size_t refused = 0;
  for (size_t size = 0; size < encoded.size(); ++size) {
    try {
      read_all(std::span(encoded).first(size));
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GE(refused, encoded.size() - 2);  // it may end after a file
  for (size_t bit = 0; bit < 8 * encoded.size(); ++bit) {
    std::vector<uint8_t> flipped = encoded;
    flipped[bit / 8] = static_cast<uint8_t>(flipped[bit / 8] ^ (1u << bit % 8));
    try {
      read_all(flipped);
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).rfind("file: ", 0), 0u);
    }
  }
}

// One way to write each layout: numbers take the bytes they need, types rise.
TEST(FileLayout, OtherSpellingsAreRefused) {
  const uint8_t version = sample_layout().encoded()[0];
  const auto open = [&](const std::vector<uint8_t>& types) {
    std::vector<uint8_t> bytes = {version, 1, 'f'};
    bytes.insert(bytes.end(), types.begin(), types.end());
    return LayoutReader("file", bytes).types().size();
  };
  EXPECT_EQ(open({0}), 0u);
  EXPECT_EQ(open({2, 4, 1, 'a', 5, 1, 'b'}), 2u);
  EXPECT_TOOL_ERROR(open({2, 4, 1, 'a', 4, 1, 'b'}), kExitInvalid, "out of order");
  EXPECT_TOOL_ERROR(open({2, 4, 1, 'a', 3, 1, 'b'}), kExitInvalid, "out of order");
  EXPECT_TOOL_ERROR(open({1, 0x84, 0, 1, 'a'}), kExitInvalid, "more bytes than it needs");
  EXPECT_TOOL_ERROR(open({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2}), kExitInvalid,
                    "64 bits");
  EXPECT_TOOL_ERROR(open({1, 4, 1, 0xff}), kExitInvalid, "UTF-8");
}

TEST(FileLayout, AVersionThatIsNotKnownIsNotSupported) {
  std::vector<uint8_t> encoded = sample_layout().encoded();
  encoded[0] = 1;
  EXPECT_TOOL_ERROR(LayoutReader("file", encoded), kExitFailure, "version");
  EXPECT_TOOL_ERROR(LayoutReader("file", {}), kExitFailure, "version");
}

TEST(Zstd, PacksAndUnpacksInPieces) {
  const MemoryLimit limit;
  Bytes content = noise(300'000, 1);
  content.resize(600'000, 7);
  ZstdWriter writer("file", content.size(), limit);
  for (size_t at = 0; at < content.size(); at += 70'000) {
    writer.write(std::span(content).subspan(at, std::min<size_t>(70'000, content.size() - at)));
  }
  const Bytes frame = writer.finish();
  EXPECT_EQ(frame, zstd_pack("file", content, limit));
  EXPECT_EQ(zstd_unpack("file", "it", frame, limit), content);
  EXPECT_TRUE(zstd_unpack("file", "it", zstd_pack("file", {}, limit), limit).empty());
}

TEST(Zstd, DamageIsRefused) {
  const MemoryLimit limit;
  const Bytes frame = zstd_pack("file", to_bytes("some text, some text, some text"), limit);
  for (size_t size = 0; size < frame.size(); ++size) {
    EXPECT_TOOL_ERROR(zstd_unpack("file", "it", Bytes(frame.begin(), frame.begin() + size), limit),
                      kExitInvalid, "file: it ");
  }
  Bytes longer = frame;
  longer.push_back(0);
  EXPECT_TOOL_ERROR(zstd_unpack("file", "it", longer, limit), kExitInvalid, "end");
}

TEST(Zstd, TheLimitOfMemoryHolds) {
  const Bytes frame = zstd_pack("file", Bytes(1'000'000, 1), MemoryLimit());
  EXPECT_TOOL_ERROR(zstd_unpack("file", "it", frame, MemoryLimit(999'999)), kExitInvalid, "it");
  EXPECT_TOOL_ERROR(ZstdWriter("file", 1 << 20, MemoryLimit(1 << 20)), kExitInvalid, "memory");
}

// FIPS 180-4, "abc".
TEST(Sha256, IsTheStandards) {
  Sha256Hash hash;
  hash.update(to_bytes("a"));
  hash.update(to_bytes("bc"));
  const std::string abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(hex_text(hash.digest()), abc);
  hash.update(to_bytes("abc"));
  EXPECT_EQ(hex_text(hash.digest()), abc);
}

}  // namespace
}  // namespace dcf::tools::test
