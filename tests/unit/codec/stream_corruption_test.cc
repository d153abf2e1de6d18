// SPDX-License-Identifier: Apache-2.0
// Streams of damaged and random content: every decoder accepts exactly what the reference accepts,
// and no two inputs mean the same.
#include <gtest/gtest.h>

#include "codec/stream.h"
#include "reference.h"
#include "samples.h"

namespace dcf::impl::codec {
namespace {

using testing::Random;

// Decodes with every kernel and compares verdict, symbols and position with the reference. The
// input and output buffers have their exact sizes, for the address sanitizer. Returns the symbols.
reference::Decoded compare(const std::vector<uint8_t>& input, unsigned alphabet,
                           const DecodeTable* table, size_t n) {
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  size_t expected_position = 0;
  const auto expected = reference::decode_stream(
      bytes, &expected_position, alphabet,
      table ? testing::vector_of(table->lengths()) : reference::Lengths{}, n);
  std::vector<uint8_t> out(n);
  std::vector<uint8_t> scratch(stream_scratch_size(n));
  ByteReader in(bytes);
  const Status status = decode_stream(&in, alphabet, table, out, scratch);
  EXPECT_EQ(status.ok(), expected.has_value()) << status.message;
  EXPECT_TRUE(status.ok() || *status.rule != 0);
  if (expected && status.ok()) {
    EXPECT_EQ(out, *expected);
    EXPECT_EQ(in.position(), expected_position);
  }
  if (table != nullptr && n > 1 && !bytes.empty() &&
      bytes[0] == static_cast<uint8_t>(StreamMode::kTree)) {
    for (const TreeKernels* kernels : available_tree_kernels()) {
      ByteReader data(Bytes(bytes).subspan(1));
      const bool ok = decode_huffman_tree(&data, table->tree(), *kernels, out, scratch).ok();
      EXPECT_EQ(ok, expected.has_value()) << cpu_set_name(kernels->set);
      if (expected && ok) {
        EXPECT_EQ(out, *expected) << cpu_set_name(kernels->set);
      }
    }
  }
  return expected;
}

// What was accepted must be the only bytes of its mode that mean these symbols.
void expect_unique(const std::vector<uint8_t>& bytes, const std::vector<uint8_t>& symbols,
                   unsigned alphabet, const DecodeTable* table) {
  std::vector<uint8_t> again = {bytes[0]};
  switch (static_cast<StreamMode>(bytes[0])) {
    case StreamMode::kStored:
      again.clear();
      encode_stream(symbols, alphabet, nullptr, HuffmanLayout::kAuto, &again);
      if (again[0] != bytes[0]) return;  // equal symbols, stored one by one
      break;
    case StreamMode::kConstant:
      again.push_back(symbols[0]);
      break;
    case StreamMode::kStreams:
      encode_huffman_streams(symbols, table->lengths(), &again);
      break;
    case StreamMode::kTree:
      encode_huffman_tree(symbols, table->tree(), active_tree_kernels(), &again);
      break;
  }
  ASSERT_LE(again.size(), bytes.size());
  ASSERT_TRUE(std::equal(again.begin(), again.end(), bytes.begin()));
}

struct Sample {
  std::vector<uint8_t> symbols;
  CodeLengths code;
  std::unique_ptr<const DecodeTable> table;
  explicit Sample(const CodeLengths& c) : code(c), table(std::make_unique<DecodeTable>(c)) {}
};

Sample random_sample(Random& random, size_t n) {
  const auto symbols = static_cast<unsigned>(2 + random() % (random() % 2 ? 10 : 255));
  Sample sample(
      make_code_lengths(testing::spread(random, testing::random_lengths(random, symbols, 12)))
          .take());
  sample.symbols = testing::symbols_of(random, sample.code, n);
  return sample;
}

std::vector<uint8_t> encode(const Sample& sample, StreamMode mode) {
  std::vector<uint8_t> bytes = {static_cast<uint8_t>(mode)};
  if (mode == StreamMode::kTree) {
    encode_huffman_tree(sample.symbols, sample.table->tree(), active_tree_kernels(), &bytes);
  } else {
    encode_huffman_streams(sample.symbols, sample.code, &bytes);
  }
  return bytes;
}

TEST(StreamCorruption, EveryTruncation) {
  Random random(20);
  for (const size_t n : {2, 20, 63, 64, 65, 300}) {
    const Sample sample = random_sample(random, n);
    for (const StreamMode mode : {StreamMode::kStreams, StreamMode::kTree}) {
      const std::vector<uint8_t> bytes = encode(sample, mode);
      ASSERT_TRUE(compare(bytes, 256, sample.table.get(), n).has_value());
      for (size_t size = 0; size < bytes.size(); ++size) {
        const std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
        ASSERT_FALSE(compare(cut, 256, sample.table.get(), n).has_value());
      }
    }
  }
}

TEST(StreamCorruption, DamagedStreams) {
  Random random(21);
  size_t accepted = 0;
  size_t rejected = 0;
  for (unsigned round = 0; round < 1200; ++round) {
    const size_t n = 2 + random() % (round % 8 ? 150 : 1500);
    const Sample sample = random_sample(random, n);
    for (const StreamMode mode : {StreamMode::kStreams, StreamMode::kTree}) {
      const std::vector<uint8_t> honest = encode(sample, mode);
      for (unsigned variant = 0; variant < 6; ++variant) {
        std::vector<uint8_t> bytes = honest;
        for (size_t flips = 1 + random() % 3; flips > 0; --flips) {
          // Half of the flips hit the lengths at the beginning.
          const size_t range = random() % 2 ? bytes.size() : std::min<size_t>(bytes.size(), 12);
          bytes[random() % range] ^= static_cast<uint8_t>(1u << random() % 8);
        }
        if (variant == 4) bytes.resize(bytes.size() + 1 + random() % 20);
        if (variant == 5) bytes.resize(bytes.size() - random() % std::min<size_t>(bytes.size(), 9));
        const auto decoded = compare(bytes, 256, sample.table.get(), n);
        if (::testing::Test::HasFailure()) return;
        decoded ? ++accepted : ++rejected;
        if (decoded) expect_unique(bytes, *decoded, 256, sample.table.get());
      }
    }
  }
  EXPECT_GT(accepted, 500u);
  EXPECT_GT(rejected, 500u);
}

TEST(StreamCorruption, SwappedSymbolsKeepTheLengthAndAreAccepted) {
  // Damage that keeps every size right: other symbols with codes of the same lengths.
  Random random(22);
  for (unsigned round = 0; round < 300; ++round) {
    const size_t n = 2 + random() % 300;
    Sample sample = random_sample(random, n);
    std::shuffle(sample.symbols.begin(), sample.symbols.end(), random);
    for (const StreamMode mode : {StreamMode::kStreams, StreamMode::kTree}) {
      const auto decoded = compare(encode(sample, mode), 256, sample.table.get(), n);
      ASSERT_TRUE(decoded.has_value());
      ASSERT_EQ(*decoded, sample.symbols);
    }
  }
}

TEST(StreamCorruption, RandomBytes) {
  Random random(23);
  size_t accepted = 0;
  for (unsigned round = 0; round < 30000; ++round) {
    const size_t n = 1 + random() % 70;
    const Sample sample = random_sample(random, n);
    std::vector<uint8_t> bytes(1 + random() % 60);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    bytes[0] %= 5;
    if (bytes.size() > 1 && random() % 2) bytes[1] = static_cast<uint8_t>(bytes.size() - 2);
    const unsigned alphabet = sample.code.last() + 1;
    const DecodeTable* table = random() % 4 ? sample.table.get() : nullptr;
    const auto decoded = compare(bytes, alphabet, table, n);
    if (::testing::Test::HasFailure()) return;
    accepted += decoded.has_value();
    if (decoded) expect_unique(bytes, *decoded, alphabet, table);
  }
  EXPECT_GT(accepted, 1000u);
}

TEST(StreamCorruption, EveryRuleHasItsCode) {
  const DecodeTable table(make_code_lengths(std::vector<uint8_t>{1, 2, 2}).value());
  const auto expect = [&](const std::vector<uint8_t>& bytes, size_t n, unsigned alphabet,
                          const DecodeTable* with, Code code, const char* rule) {
    std::vector<uint8_t> out(n);
    std::vector<uint8_t> scratch(stream_scratch_size(n));
    ByteReader in(bytes);
    const Status status = decode_stream(&in, alphabet, with, out, scratch);
    EXPECT_EQ(status.code, code) << status.message;
    EXPECT_STREQ(status.rule, rule) << status.message;
  };
  const DecodeTable* const none = nullptr;
  expect({}, 2, 3, none, Code::BadBitstream, "S-02");
  expect({4, 0}, 2, 3, none, Code::UnsupportedEncoding, "S-01");
  expect({2, 1, 0}, 2, 3, none, Code::BadBitstream, "S-05");
  expect({3, 1, 0}, 2, 3, none, Code::BadBitstream, "S-05");
  expect({0, 0}, 1, 3, none, Code::NonCanonical, "S-06");
  expect({0}, 9, 1, none, Code::NonCanonical, "S-06");
  expect({2, 1, 0}, 1, 3, &table, Code::NonCanonical, "S-06");
  expect({1, 2}, 2, 3, none, Code::Ok, "");
  expect({1, 3}, 2, 3, none, Code::BadIndex, "S-07");
  expect({1}, 2, 3, none, Code::BadBitstream, "S-02");
  expect({0, 0x06}, 2, 3, none, Code::Ok, "");
  expect({0, 0x0E}, 2, 3, none, Code::BadIndex, "S-07");
  expect({0, 0x16}, 2, 3, none, Code::BadBitstream, "S-02");
  expect({0, 0x47}, 3, 3, none, Code::BadBitstream, "S-02");  // and a symbol of 3
  expect({0, 0x00}, 5, 3, none, Code::BadBitstream, "S-02");
  expect({2, 1, 0x02}, 2, 2, &table, Code::BadManifest, "T-04");
  expect({2, 1, 0x02}, 2, 3, &table, Code::Ok, "");                      // 0, 1
  expect({2, 0}, 2, 3, &table, Code::BadBitstream, "S-03");              // too short
  expect({2, 2, 2, 0}, 2, 3, &table, Code::BadBitstream, "S-03");        // too long
  expect({2, 1, 0x0A}, 2, 3, &table, Code::BadBitstream, "S-03");        // padding
  expect({2, 2, 2}, 2, 3, &table, Code::BadBitstream, "S-02");           // past the chunk
  expect({2, 0x81, 0x00, 2}, 2, 3, &table, Code::BadBitstream, "S-02");  // a long varint
  // The tree: root bits 0, 1; symbol 0 takes none; the pair 1, 2 is a leaf of one index bit.
  expect({3, 2, 0x02, 0x00}, 2, 3, &table, Code::Ok, "");
  expect({3, 2, 0x06, 0x00}, 2, 3, &table, Code::BadBitstream, "S-04");        // padding
  expect({3, 2, 0x02, 0x02}, 2, 3, &table, Code::BadBitstream, "S-04");        // padding
  expect({3, 1, 0x02}, 2, 3, &table, Code::BadBitstream, "S-04");              // too short
  expect({3, 3, 0x02, 0x00, 0x00}, 2, 3, &table, Code::BadBitstream, "S-04");  // too long
  expect({3, 2, 0x02}, 2, 3, &table, Code::BadBitstream, "S-02");              // past the chunk
}

}  // namespace
}  // namespace dcf::impl::codec
