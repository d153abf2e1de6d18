// SPDX-License-Identifier: Apache-2.0
// M-01 and M-02: bytes that are no packed message, that have another form than the canonical one,
// or that point where they must not. Hashes play no part here: these are the bytes an attacker
// sends.
#include <gtest/gtest.h>

#include <random>

#include "support/sample.h"

namespace dcf::impl::format {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

Status parse(const Blob& bytes) {
  const Blob exact(bytes);  // a buffer without slack, for the address sanitizer
  return parse_manifest_columns(exact.data(), exact.size(), Limits{}.max_manifest).status();
}

void expect(const Blob& bytes, Code code, const char* rule) {
  const Status s = parse(bytes);
  EXPECT_EQ(s.code, code) << s.message;
  EXPECT_STREQ(s.rule, rule);
}

Blob valid_manifest() {
  std::vector<Sample> samples;
  for (const Encoding& e : encodings_of(DType::kF32)) {
    samples.push_back(random_sample(DType::kF32, {4, 30}, e, 1));
    samples.back().name = std::to_string(samples.size());
    samples.back().huffman = codec::HuffmanLayout::kStreams;
  }
  const FileParts parts = take_apart(assemble(make_parts(samples, {{"a", "b"}}, {{3, {1}}})));
  return serialise_manifest_columns(parts.columns).value();
}

// Packs whole words without ever being clever: each word has its own tag.
Blob pack_plainly(const Blob& words) {
  Blob out;
  for (size_t i = 0; i < words.size(); i += 8) {
    uint8_t tag = 0;
    for (size_t k = 0; k < 8; ++k) tag = static_cast<uint8_t>(tag | (words[i + k] != 0) << k);
    out.push_back(tag);
    for (size_t k = 0; k < 8; ++k) {
      if (words[i + k] != 0) out.push_back(words[i + k]);
    }
    if (tag == 0x00 || tag == 0xFF) out.push_back(0);
  }
  return out;
}

Blob unpack(const Blob& packed) {
  Blob out;
  for (size_t i = 0; i < packed.size();) {
    const uint8_t tag = packed[i++];
    for (int k = 0; k < 8; ++k) out.push_back((tag >> k & 1) != 0 ? packed[i++] : 0);
    if (tag == 0x00) out.insert(out.end(), size_t{8} * packed[i++], 0);
    if (tag == 0xFF) {
      const size_t run = size_t{8} * packed[i++];
      out.insert(out.end(), packed.begin() + static_cast<ptrdiff_t>(i),
                 packed.begin() + static_cast<ptrdiff_t>(i + run));
      i += run;
    }
  }
  return out;
}

TEST(ManifestBytes, Malformed) {
  expect({}, Code::BadManifest, "M-01");
  expect({0x00}, Code::BadManifest, "M-01");
  expect({0xFF}, Code::BadManifest, "M-01");
  expect({0x01}, Code::BadManifest, "M-01");
  expect({0xFF, 1, 2, 3, 4, 5, 6, 7, 8}, Code::BadManifest, "M-01");
  expect({0xFF, 1, 2, 3, 4, 5, 6, 7, 8, 1}, Code::BadManifest, "M-01");
}

TEST(ManifestBytes, EveryTruncation) {
  const Blob valid = valid_manifest();
  ASSERT_TRUE(parse(valid).ok());
  for (size_t size = 0; size < valid.size(); ++size) {
    const Status s = parse(Blob(valid.begin(), valid.begin() + static_cast<ptrdiff_t>(size)));
    EXPECT_TRUE(s.code == Code::BadManifest || s.code == Code::NonCanonical) << size;
  }
}

TEST(ManifestBytes, AnyExtension) {
  for (const Blob& more : {Blob{0x00, 0x00}, Blob{0x01, 0x05}, Blob{0x00, 0x07}}) {
    Blob bytes = valid_manifest();
    bytes.insert(bytes.end(), more.begin(), more.end());
    expect(bytes, Code::NonCanonical, "M-02");
  }
}

TEST(ManifestBytes, AnotherPackingOfTheSameWords) {
  const Blob valid = valid_manifest();
  const Blob other = pack_plainly(unpack(valid));
  ASSERT_NE(valid, other);
  expect(other, Code::NonCanonical, "M-02");
}

// An empty column is a null pointer; an empty list in its place means the same.
TEST(ManifestBytes, AnEmptyListInPlaceOfNull) {
  Blob words = unpack(serialise_manifest_columns(ManifestColumns{}).value());
  ASSERT_EQ(words.size(), 8u);  // a null or an empty struct
  // A struct of no data and one pointer, an empty list of bytes.
  words = {0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 2, 0, 0, 0};
  expect(pack_plainly(words), Code::NonCanonical, "M-02");
}

TEST(ManifestBytes, WordsThatNoPointerReaches) {
  Blob words = unpack(valid_manifest());
  words.insert(words.end(), {1, 0, 0, 0, 0, 0, 0, 0});
  expect(pack_plainly(words), Code::NonCanonical, "M-02");
}

TEST(ManifestBytes, TrailingZerosOfTheStruct) {
  // The root struct with one data word of zero: canonical form cuts it off.
  expect(pack_plainly({0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), Code::NonCanonical,
         "M-02");
}

// nameLengths as a list of another element size: Cap'n Proto reads larger elements as the field's,
// as if the schema had grown, but not smaller ones.
TEST(ManifestBytes, ListsOfAnotherElementSize) {
  const auto with_code = [](uint8_t code) {
    return pack_plainly({0, 0, 0, 0, 0, 0, 2,
                         0, 0, 0, 0, 0, 0, 0,
                         0, 0, 1, 0, 0, 0, static_cast<uint8_t>(1 << 3 | code),
                         0, 0, 0, 5, 0, 0, 0,
                         0, 0, 0, 0});
  };
  expect(with_code(4), Code::NonCanonical, "M-02");  // of 4 bytes
  expect(with_code(2), Code::BadManifest, "M-01");   // of 1 byte
}

TEST(ManifestBytes, PointersThatLeaveTheMessage) {
  const Blob valid = unpack(valid_manifest());
  // Far pointer, capability, struct at the end of the address space, list of 2^29 - 1 words, and a
  // list whose tag claims 2^29 elements of no size.
  const std::vector<Blob> roots = {{2, 0, 0, 0, 0, 0, 0, 0},
                                   {3, 0, 0, 0, 0, 0, 0, 0},
                                   {6, 0, 0, 0, 1, 0, 0, 0},
                                   {0xFC, 0xFF, 0xFF, 0x7F, 1, 0, 1, 0},
                                   {0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF},
                                   {1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF},
                                   {0xFC, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0}};
  for (const Blob& root : roots) {
    Blob words = valid;
    std::copy(root.begin(), root.end(), words.begin());
    EXPECT_FALSE(parse(pack_plainly(words)).ok());
  }
  for (size_t size = 8; size <= 0xFF;
       ++size) {  // a list pointer of each kind in the first pointer field
    for (const uint32_t count : {1u, 0x10000u, 0x1FFFFFFFu}) {
      Blob words = {0, 0, 0, 0, 0, 0, 2, 0, 5, 0, 0, 0, 0, 0, 0, 0,
                    1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
      store_le(&words[12], (count << 3) | static_cast<uint32_t>(size % 8));
      store_le(&words[20], (count << 3) | static_cast<uint32_t>(size / 8 % 8));
      const Status s = parse(pack_plainly(words));
      EXPECT_TRUE(s.code == Code::BadManifest || s.code == Code::NonCanonical) << s.message;
    }
  }
}

// Words and packed bytes of a valid manifest, changed at random: rejected or equal in meaning to
// what was parsed, never a crash, never much memory.
TEST(ManifestBytes, AHundredThousandMutants) {
  const Blob packed = valid_manifest();
  const Blob words = unpack(packed);
  std::mt19937_64 random(2024);
  unsigned accepted = 0;
  for (int i = 0; i < 100000; ++i) {
    const bool of_words = i % 2 == 0;
    Blob bytes = of_words ? words : packed;
    for (unsigned changes = 1 + random() % 3; changes > 0; --changes) {
      // Most pointers stand at the beginning.
      const size_t at = random() % 4 == 0 ? random() % bytes.size()
                                          : random() % std::min<size_t>(bytes.size(), 260);
      if (random() % 2 == 0)
        bytes[at] ^= static_cast<uint8_t>(1u << (random() % 8));
      else
        bytes[at] = static_cast<uint8_t>(random());
    }
    if (of_words) bytes = pack_plainly(bytes);
    const Blob exact(bytes);
    Result<ManifestColumns> columns =
        parse_manifest_columns(exact.data(), exact.size(), uint64_t{1} << 20);
    if (!columns.ok()) {
      EXPECT_STRNE(columns.status().rule, "");
      continue;
    }
    ++accepted;
    EXPECT_EQ(serialise_manifest_columns(columns.value()).value(), exact);
    const Result<Manifest> manifest = validate_manifest(columns.take(), Limits{});
    if (!manifest.ok()) EXPECT_STRNE(manifest.status().rule, "");
  }
  EXPECT_GT(accepted, 1000u);
}

}  // namespace
}  // namespace dcf::impl::format
