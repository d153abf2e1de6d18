// SPDX-License-Identifier: Apache-2.0
// Streams of honest content: round trips against the reference decoder, sizes and choices.
#include "codec/stream.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "reference.h"
#include "samples.h"
#include "support/test_paths.h"

namespace dcf::impl::codec {
namespace {

using testing::Random;

constexpr HuffmanLayout kLayouts[] = {HuffmanLayout::kAuto, HuffmanLayout::kStreams,
                                      HuffmanLayout::kTree};

// Encodes, decodes with exact-size buffers and every kernel, and compares with the reference.
void check(const std::vector<uint8_t>& symbols, unsigned alphabet, const CodeLengths* code) {
  std::optional<DecodeTable> table;
  if (code != nullptr) table.emplace(*code);
  for (const HuffmanLayout layout : kLayouts) {
    std::vector<uint8_t> bytes;
    encode_stream(symbols, alphabet, code, layout, &bytes);
    const uint64_t cost = stream_cost(histogram_of(symbols), alphabet, code, layout);
    if (bytes[0] == static_cast<uint8_t>(StreamMode::kStreams)) {
      ASSERT_NEAR(static_cast<double>(cost), static_cast<double>(bytes.size()), 7.0);
    } else if (cost != bytes.size()) {
      // Only huffman-streams, which turned out larger than stored by a rounded byte, may differ.
      ASSERT_NE(layout, HuffmanLayout::kTree);
      ASSERT_NEAR(static_cast<double>(cost), static_cast<double>(bytes.size()), 7.0);
    }
    bytes = std::vector<uint8_t>(bytes);  // exact size
    std::vector<uint8_t> out(symbols.size());
    std::vector<uint8_t> scratch(stream_scratch_size(symbols.size()));
    ByteReader in(bytes);
    const Status status = decode_stream(&in, alphabet, table ? &*table : nullptr, out, scratch);
    ASSERT_TRUE(status.ok()) << status.message;
    ASSERT_EQ(in.remaining(), 0u);
    ASSERT_EQ(out, symbols);
    if (bytes[0] == static_cast<uint8_t>(StreamMode::kTree)) {
      for (const TreeKernels* kernels : available_tree_kernels()) {
        std::vector<uint8_t> again = {bytes[0]};
        encode_huffman_tree(symbols, table->tree(), *kernels, &again);
        ASSERT_EQ(again, bytes) << cpu_set_name(kernels->set);
        std::fill(out.begin(), out.end(), 0xEE);
        ByteReader data(Bytes(bytes).subspan(1));
        ASSERT_TRUE(decode_huffman_tree(&data, table->tree(), *kernels, out, scratch).ok());
        ASSERT_EQ(out, symbols) << cpu_set_name(kernels->set);
      }
    }
    size_t position = 0;
    const auto expected = reference::decode_stream(
        bytes, &position, alphabet, code ? testing::vector_of(*code) : reference::Lengths{},
        symbols.size());
    ASSERT_TRUE(expected.has_value());
    ASSERT_EQ(*expected, symbols);
    ASSERT_EQ(position, bytes.size());
  }
}

void check_own_code(const std::vector<uint8_t>& symbols) {
  const auto code = optimal_code_lengths(histogram_of(symbols));
  check(symbols, kMaxSymbols, code.ok() ? &code.value() : nullptr);
}

TEST(Stream, EverySizeUpTo300) {
  Random random(12);
  for (size_t n = 1; n <= 300; ++n) {
    check_own_code(testing::any_symbols(random, n));
    check_own_code(testing::skewed(random, n, 5));
  }
}

TEST(Stream, SizesAtEdges) {
  Random random(13);
  for (const size_t n : {511, 512, 513, 4095, 4096, 4097, 16384, 65535, 65536, 70000}) {
    for (unsigned round = 0; round < 4; ++round) check_own_code(testing::any_symbols(random, n));
  }
}

TEST(Stream, EveryShapeOfCode) {
  Random random(14);
  for (unsigned round = 0; round < 300; ++round) {
    const auto symbols = static_cast<unsigned>(2 + random() % 255);
    const auto limit = std::max(8u, static_cast<unsigned>(8 + random() % 5));
    const CodeLengths code =
        make_code_lengths(testing::spread(random, testing::random_lengths(random, symbols, limit)))
            .take();
    check(testing::symbols_of(random, code, 1 + random() % 1000), code.last() + 1, &code);
  }
}

TEST(Stream, TheCodeWithTheMostLeaves) {
  // By exhaustive search over the number of symbols of each length: 38 leaves.
  const std::pair<uint8_t, unsigned> counts[] = {{12, 62}, {11, 31}, {10, 31}, {9, 31}, {8, 63},
                                                 {7, 15},  {6, 15},  {5, 7},   {4, 1}};
  std::vector<uint8_t> lengths;
  for (const auto& [length, count] : counts) lengths.insert(lengths.end(), count, length);
  const auto code = make_code_lengths(lengths);
  ASSERT_TRUE(code.ok());
  TreePlan plan;
  build_tree_plan(code.value(), &plan);
  EXPECT_EQ(plan.node_count, 2 * 38u - 1);
  Random random(15);
  for (const size_t n : {100, 5000}) {
    check(testing::symbols_of(random, code.value(), n), kMaxSymbols, &code.value());
  }
}

TEST(Stream, FlatCodesOfEveryWidth) {
  Random random(16);
  for (uint8_t width = 1; width <= 8; ++width) {
    const std::vector<uint8_t> lengths(size_t{1} << width, width);
    const CodeLengths code = make_code_lengths(lengths).take();
    for (const size_t n : {2, 31, 32, 33, 255, 1000}) {
      const auto symbols = testing::uniform(random, n, 1u << width);
      check(symbols, kMaxSymbols, &code);
      // The encoder prefers stored, so these trees of one leaf are made by hand.
      TreePlan plan;
      build_tree_plan(code, &plan);
      for (const TreeKernels* kernels : available_tree_kernels()) {
        std::vector<uint8_t> bytes;
        encode_huffman_tree(symbols, plan, *kernels, &bytes);
        std::vector<uint8_t> out(n);
        std::vector<uint8_t> scratch(tree_scratch_size(n));
        ByteReader in(bytes);
        ASSERT_TRUE(decode_huffman_tree(&in, plan, *kernels, out, scratch).ok());
        ASSERT_EQ(out, symbols);
      }
    }
  }
}

// The example of spec/dcf-format.md, section 9.2.
TEST(Stream, TreeExampleOfTheSpec) {
  std::ifstream in(std::string(DCF_SOURCE_DIR) + "/spec/dcf-format.md");
  const std::string spec{std::istreambuf_iterator<char>(in), {}};
  const std::string before = "The symbols 3 0 2 1 4 0 are stored as `";
  const size_t at = spec.find(before);
  ASSERT_NE(at, std::string::npos);
  std::istringstream fields(spec.substr(at + before.size()));
  std::vector<uint8_t> bytes = {static_cast<uint8_t>(StreamMode::kTree)};
  for (unsigned byte = 0; fields >> std::hex >> byte;) bytes.push_back(static_cast<uint8_t>(byte));
  const DecodeTable table(make_code_lengths(std::vector<uint8_t>{2, 2, 2, 3, 3}).take());
  std::vector<uint8_t> out(6);
  std::vector<uint8_t> scratch(stream_scratch_size(out.size()));
  ByteReader reader(bytes);
  const Status status = decode_stream(&reader, 5, &table, out, scratch);
  EXPECT_TRUE(status.ok()) << status.message;
  EXPECT_EQ(reader.remaining(), 0u);
  EXPECT_EQ(out, (std::vector<uint8_t>{3, 0, 2, 1, 4, 0}));
}

TEST(Stream, StoredAndConstant) {
  Random random(17);
  for (unsigned alphabet = 2; alphabet <= 256; ++alphabet) {
    const auto symbols = testing::uniform(random, 1 + random() % 100, alphabet);
    check(symbols, alphabet, nullptr);
  }
  std::vector<uint8_t> bytes;
  encode_stream(std::vector<uint8_t>(1000, 7), 8, nullptr, HuffmanLayout::kAuto, &bytes);
  EXPECT_EQ(bytes, (std::vector<uint8_t>{1, 7}));
}

TEST(Stream, TheSmallestFormIsChosen) {
  Random random(18);
  const auto mode_of = [](const std::vector<uint8_t>& symbols, const CodeLengths* code) {
    std::vector<uint8_t> bytes;
    encode_stream(symbols, kMaxSymbols, code, HuffmanLayout::kAuto, &bytes);
    return static_cast<StreamMode>(bytes[0]);
  };
  const auto small = testing::bell(random, 4095, 200, 20);
  const auto large = testing::bell(random, 4096, 200, 20);
  const CodeLengths code = optimal_code_lengths(histogram_of(large)).take();
  EXPECT_EQ(mode_of(large, &code), StreamMode::kTree);
  EXPECT_EQ(mode_of(large, nullptr), StreamMode::kStored);
  const CodeLengths small_code = optimal_code_lengths(histogram_of(small)).take();
  EXPECT_EQ(mode_of(small, &small_code), StreamMode::kStreams);
  auto noise = testing::uniform(random, 5000, 256);
  EXPECT_EQ(mode_of(noise, &code), StreamMode::kStored) << "symbols without a code";
}

TEST(Stream, OutputIsNotOverrun) {
  Random random(19);
  for (size_t n = 1; n < 200; ++n) {
    const auto symbols = testing::any_symbols(random, n);
    const auto code = optimal_code_lengths(histogram_of(symbols));
    if (!code.ok()) continue;
    const DecodeTable table(code.value());
    for (const TreeKernels* kernels : available_tree_kernels()) {
      std::vector<uint8_t> tree;
      std::vector<uint8_t> streams;
      encode_huffman_tree(symbols, table.tree(), *kernels, &tree);
      encode_huffman_streams(symbols, code.value(), &streams);
      std::vector<uint8_t> out(n + 128, 0xC9);
      std::vector<uint8_t> scratch(tree_scratch_size(n) + 128, 0xC9);
      ByteReader tree_in(tree);
      ASSERT_TRUE(decode_huffman_tree(&tree_in, table.tree(), *kernels,
                                      MutableBytes(out).subspan(64, n),
                                      MutableBytes(scratch).first(tree_scratch_size(n)))
                      .ok());
      ByteReader streams_in(streams);
      ASSERT_TRUE(
          decode_huffman_streams(&streams_in, table.streams(n), MutableBytes(out).subspan(64, n))
              .ok());
      const auto is_canary = [](uint8_t v) { return v == 0xC9; };
      ASSERT_TRUE(std::all_of(out.begin(), out.begin() + 64, is_canary));
      ASSERT_TRUE(std::all_of(out.end() - 64, out.end(), is_canary));
      ASSERT_TRUE(std::all_of(scratch.end() - 128, scratch.end(), is_canary));
    }
  }
}

TEST(Stream, ArgumentsOutOfRange) {
  const std::vector<uint8_t> bytes = {1, 0};
  std::vector<uint8_t> out(4);
  std::vector<uint8_t> scratch(stream_scratch_size(4));
  const auto code = [&](unsigned alphabet, MutableBytes symbols, MutableBytes memory) {
    ByteReader in(bytes);
    return decode_stream(&in, alphabet, nullptr, symbols, memory).code;
  };
  EXPECT_EQ(code(256, out, scratch), Code::Ok);
  EXPECT_EQ(code(0, out, scratch), Code::InvalidArgument);
  EXPECT_EQ(code(257, out, scratch), Code::InvalidArgument);
  EXPECT_EQ(code(256, {}, scratch), Code::InvalidArgument);
  EXPECT_EQ(code(256, out, MutableBytes(scratch).first(scratch.size() - 1)), Code::InvalidArgument);
}

}  // namespace
}  // namespace dcf::impl::codec
