// SPDX-License-Identifier: Apache-2.0
#include "codec/stream.h"

#include <algorithm>

#include "codec/bit_reader.h"
#include "codec/bit_writer.h"

namespace dcf::impl::codec {
namespace {

constexpr size_t kMaxStream = size_t{1} << 31;

unsigned stored_width(unsigned alphabet) {
  return static_cast<unsigned>(std::bit_width(alphabet - 1));
}

Status overrun() {
  return fail(Code::BadBitstream, "S-02", "a stream runs past its chunk");
}
Status bad_symbol() {
  return fail(Code::BadIndex, "S-07", "a symbol is outside its alphabet");
}

Status decode_stored(ByteReader* in, unsigned alphabet, MutableBytes out) {
  const unsigned width = stored_width(alphabet);
  Bytes bytes;
  if (!in->read_bytes(packed_size(out.size(), width), &bytes)) return overrun();
  if (!unpack_bits(bytes, width, out)) {
    return fail(Code::BadBitstream, "S-02", "the padding of a stored stream is not zero");
  }
  if (alphabet < 1u << width && *std::max_element(out.begin(), out.end()) >= alphabet) {
    return bad_symbol();
  }
  return ok_status();
}

bool use_tree(size_t n, HuffmanLayout layout) {
  if (layout == HuffmanLayout::kAuto) return n >= kTreeSymbols;
  return layout == HuffmanLayout::kTree;
}

// What a histogram says about the forms of its stream; sizes without the mode byte.
struct Choice {
  StreamMode mode;
  uint64_t size;
};

// A histogram is seen here as far as its alphabet reaches; that of a small tensor has few symbols.
using Counts = std::span<const uint64_t>;

bool covers(const CodeLengths& code, Counts counts) {
  for (unsigned i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0 && code.length(i) == 0) return false;
  }
  return true;
}

// The size of huffman-streams if the bits divided evenly.
uint64_t streams_estimate(Counts counts, const CodeLengths& code, uint64_t n) {
  uint64_t bits = 0;
  for (unsigned i = 0; i < counts.size(); ++i) bits += counts[i] * code.length(i);
  const uint64_t parts = n < kFourStreams ? 1 : 4;
  const uint64_t bytes = ceil_div(bits, 8) + parts - 1;
  return bytes + parts * varint_size(ceil_div(bytes, parts));
}

// `symbols` is empty when only an estimate is wanted; `plan` receives the tree if that is chosen.
Choice choose(const Histogram& histogram, Bytes symbols, unsigned alphabet, const CodeLengths* code,
              HuffmanLayout layout, TreePlan* plan) {
  const Counts counts = Counts(histogram).first(alphabet);
  uint64_t n = 0;
  unsigned used = 0;
  for (const uint64_t count : counts) {
    n += count;
    used += count > 0;
  }
  if (used <= 1) return {StreamMode::kConstant, 1};
  Choice best = {StreamMode::kStored, packed_size(n, stored_width(alphabet))};
  if (code == nullptr || !covers(*code, counts)) return best;
  Choice coded;
  if (use_tree(n, layout)) {
    build_tree_plan(*code, plan);
    coded = {StreamMode::kTree, huffman_tree_size(histogram, *plan)};
  } else if (symbols.empty()) {
    coded = {StreamMode::kStreams, streams_estimate(counts, *code, n)};
  } else {
    coded = {StreamMode::kStreams, huffman_streams_size(symbols, *code)};
  }
  return coded.size < best.size ? coded : best;
}

}  // namespace

Status decode_stream(ByteReader* in, unsigned alphabet, const DecodeTable* table, MutableBytes out,
                     MutableBytes scratch) {
  if (out.empty() || out.size() > kMaxStream || alphabet < 1 || alphabet > kMaxSymbols ||
      scratch.size() < stream_scratch_size(out.size())) {
    return fail(Code::InvalidArgument, "", "the size of a stream or its alphabet is out of range");
  }
  uint8_t mode;
  if (!in->read_u8(&mode)) return overrun();
  const bool huffman = is_huffman(mode);
  if (mode > static_cast<uint8_t>(StreamMode::kTree)) {
    return fail(Code::UnsupportedEncoding, "S-01", "the mode of a stream is unknown");
  }
  if (huffman && table == nullptr) {
    return fail(Code::BadBitstream, "S-05", "a Huffman stream has no table");
  }
  if ((alphabet == 1 || out.size() == 1) && mode != static_cast<uint8_t>(StreamMode::kConstant)) {
    return fail(Code::NonCanonical, "S-06", "a stream of one symbol is not in mode constant");
  }
  if (huffman && table->lengths().last() >= alphabet) {
    return fail(Code::BadManifest, "T-04", "a table has symbols outside the alphabet");
  }
  switch (static_cast<StreamMode>(mode)) {
    case StreamMode::kStored:
      return decode_stored(in, alphabet, out);
    case StreamMode::kConstant: {
      uint8_t symbol;
      if (!in->read_u8(&symbol)) return overrun();
      if (symbol >= alphabet) return bad_symbol();
      std::fill(out.begin(), out.end(), symbol);
      return ok_status();
    }
    case StreamMode::kStreams:
      return decode_huffman_streams(in, table->streams(out.size()), out);
    case StreamMode::kTree:
      break;
  }
  return decode_huffman_tree(in, table->tree(), active_tree_kernels(), out, scratch);
}

Histogram histogram_of(Bytes symbols) {
  Histogram histogram{};
  if (symbols.size() <
      4 * kMaxSymbols) {  // that it takes to clear the counters below and add them up
    for (const uint8_t symbol : symbols) ++histogram[symbol];
    return histogram;
  }
  // Eight counters for each symbol, so that equal neighbours do not wait for each other; one load
  // for eight symbols.
  std::array<std::array<uint32_t, kMaxSymbols>, 8> counts{};
  size_t i = 0;
  for (; symbols.size() - i >= 8; i += 8) {
    const auto word = load_le<uint64_t>(symbols.data() + i);
    for (unsigned j = 0; j < 8; ++j) ++counts[j][word >> 8 * j & 0xFF];
  }
  for (; i < symbols.size(); ++i) ++histogram[symbols[i]];
  for (unsigned s = 0; s < kMaxSymbols; ++s) {
    for (const auto& part : counts) histogram[s] += part[s];
  }
  return histogram;
}

void encode_stream(Bytes symbols, unsigned alphabet, const CodeLengths* code, HuffmanLayout layout,
                   std::vector<uint8_t>* out) {
  const Histogram histogram = histogram_of(symbols);
  TreePlan plan;
  const Choice choice = choose(histogram, symbols, alphabet, code, layout, &plan);
  out->push_back(static_cast<uint8_t>(choice.mode));
  switch (choice.mode) {
    case StreamMode::kStored:
      pack_bits(symbols, stored_width(alphabet), out);
      break;
    case StreamMode::kConstant:
      out->push_back(symbols[0]);
      break;
    case StreamMode::kStreams:
      encode_huffman_streams(symbols, *code, out);
      break;
    case StreamMode::kTree:
      encode_huffman_tree(symbols, plan, active_tree_kernels(), out);
      break;
  }
}

uint64_t stream_cost(const Histogram& histogram, unsigned alphabet, const CodeLengths* code,
                     HuffmanLayout layout) {
  TreePlan plan;
  return 1 + choose(histogram, {}, alphabet, code, layout, &plan).size;
}

}  // namespace dcf::impl::codec
