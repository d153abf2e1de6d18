// SPDX-License-Identifier: Apache-2.0
#include "codec/huffman_streams.h"

#include <algorithm>

#include "codec/bit_reader.h"
#include "codec/bit_writer.h"

namespace dcf::impl {
namespace {

constexpr unsigned kSymbolsPerEntry = 4;
// Tables are this wide even for shorter codes, so that one look-up yields several symbols.
constexpr unsigned kMinIndexBits = 11;

unsigned total_bits(uint64_t entry) {
  return entry >> 32 & 0xFF;
}
unsigned first_bits(uint64_t entry) {
  return entry >> 40 & 0xFF;
}
unsigned symbol_count(uint64_t entry) {
  return static_cast<unsigned>(entry >> 48);
}

constexpr Status overrun() {
  return {Code::BadBitstream, "S-02", "a stream runs past its chunk"};
}

// Enters every series of codes that fits into an index, at all indices that begin with it; longer
// series overwrite shorter ones.
class TableBuilder {
 public:
  TableBuilder(const CodeLengths& code, StreamsTable* table)
      : code_(code),
        sorted_(symbols_by_length(code)),
        codes_(reversed_codes(code)),
        table_(table) {}

  // Adds one more symbol to a series of `count`, which takes the bits `prefix` of an index.
  void extend(uint64_t entry, size_t prefix, unsigned used, unsigned count) {
    const size_t size = size_t{1} << table_->index_bits;
    for (unsigned i = 0; i < sorted_.start.back(); ++i) {
      const unsigned symbol = sorted_.symbols[i];
      const unsigned length = code_.length(symbol);
      const unsigned total = used + length;
      if (total > table_->index_bits) return;
      const uint64_t symbols = (entry & 0xFFFFFFFF) | uint64_t{symbol} << (8 * count);
      const uint64_t first = count == 0 ? uint64_t{length} << 40 : entry & 0xFF0000000000;
      const uint64_t longer = symbols | first | uint64_t{total} << 32 | uint64_t{count + 1} << 48;
      const size_t begin = prefix | size_t{codes_[symbol]} << used;
      for (size_t at = begin; at < size; at += size_t{1} << total) table_->entries[at] = longer;
      if (count + 1 < kSymbolsPerEntry) extend(longer, begin, total, count + 1);
    }
  }

 private:
  const CodeLengths& code_;
  const SymbolsByLength sorted_;
  const std::array<uint16_t, kMaxSymbols> codes_;
  StreamsTable* table_;
};

// One bit string and the symbols it still has to give.
struct Lane {
  const uint8_t* in;
  const uint8_t* end;
  uint8_t* out;
  uint8_t* out_end;
  unsigned bit = 0;  // bits of *in that are used, below 8
};

// Whole batches of all lanes, as long as none of them can reach the end of its input or output.
// A batch reads 8 bytes of a lane, uses at most 7 of them, and stores at most 4 bytes per look-up.
template <unsigned kLookups>
void decode_batches(const StreamsTable& table, std::array<Lane, 4>* lanes) {
  constexpr size_t kMaxOut = kLookups * kSymbolsPerEntry;
  const uint64_t* entries = table.entries.data();
  const uint64_t mask = low_mask(table.index_bits);
  auto [a, b, c, d] = *lanes;
  for (;;) {
    size_t batches = SIZE_MAX;
    for (const Lane* lane : {&a, &b, &c, &d}) {
      const size_t in_left = static_cast<size_t>(lane->end - lane->in);
      const size_t out_left = static_cast<size_t>(lane->out_end - lane->out);
      batches = std::min({batches, in_left < 8 ? 0 : (in_left - 8) / 7 + 1, out_left / kMaxOut});
    }
    if (batches == 0) break;
    for (; batches > 0; --batches) {
      uint64_t bits_a = load_le<uint64_t>(a.in) >> a.bit;
      uint64_t bits_b = load_le<uint64_t>(b.in) >> b.bit;
      uint64_t bits_c = load_le<uint64_t>(c.in) >> c.bit;
      uint64_t bits_d = load_le<uint64_t>(d.in) >> d.bit;
      const auto step = [&](Lane& lane, uint64_t& bits) {
        const uint64_t entry = entries[bits & mask];
        store_le(lane.out, static_cast<uint32_t>(entry));
        bits >>= total_bits(entry);
        lane.bit += total_bits(entry);
        lane.out += symbol_count(entry);
      };
      for (unsigned i = 0; i < kLookups; ++i) {
        step(a, bits_a);
        step(b, bits_b);
        step(c, bits_c);
        step(d, bits_d);
      }
      for (Lane* lane : {&a, &b, &c, &d}) {
        lane->in += lane->bit / 8;
        lane->bit %= 8;
      }
    }
  }
  *lanes = {a, b, c, d};
}

// The rest of one lane, symbol by symbol where entries no longer fit, and the check of its end.
Status finish_lane(const StreamsTable& table, const Lane& lane) {
  BitReader reader({lane.in, lane.end});
  reader.skip(lane.bit);
  const uint64_t mask = low_mask(table.index_bits);
  uint8_t* out = lane.out;
  while (lane.out_end - out >= static_cast<ptrdiff_t>(kSymbolsPerEntry)) {
    const uint64_t entry = table.entries[reader.peek() & mask];
    store_le(out, static_cast<uint32_t>(entry));
    reader.skip(total_bits(entry));
    out += symbol_count(entry);
  }
  while (out < lane.out_end) {
    const uint64_t entry = table.entries[reader.peek() & mask];
    *out++ = static_cast<uint8_t>(entry);
    reader.skip(first_bits(entry));
  }
  if (!reader.finish()) {
    return fail(Code::BadBitstream, "S-03", "a bit string does not end where its length says");
  }
  return ok_status();
}

// The symbols of each bit string: all in one, or in four parts of which the last may be shorter.
template <typename T>
size_t split(std::span<T> symbols, std::array<std::span<T>, 4>* parts) {
  if (symbols.size() < kFourStreams) {
    (*parts)[0] = symbols;
    return 1;
  }
  const size_t q = ceil_div(symbols.size(), 4);
  for (size_t i = 0; i < 3; ++i) (*parts)[i] = symbols.subspan(i * q, q);
  (*parts)[3] = symbols.subspan(3 * q);
  return 4;
}

uint64_t part_size(Bytes symbols, const CodeLengths& code) {
  uint64_t bits = 0;
  for (const uint8_t symbol : symbols) bits += code.length(symbol);
  return ceil_div(bits, 8);
}

}  // namespace

void build_streams_table(const CodeLengths& code, StreamsTable* table) {
  table->index_bits = std::max(code.longest(), kMinIndexBits);
  TableBuilder(code, table).extend(0, 0, 0, 0);
}

Status decode_huffman_streams(ByteReader* in, const StreamsTable& table, MutableBytes out) {
  std::array<MutableBytes, 4> parts;
  const size_t count = split(out, &parts);
  std::array<uint32_t, 4> sizes;
  for (size_t i = 0; i < count; ++i) {
    if (!in->read_varint(&sizes[i])) return overrun();
  }
  std::array<Lane, 4> lanes;
  for (size_t i = 0; i < count; ++i) {
    Bytes bytes;
    if (!in->read_bytes(sizes[i], &bytes)) return overrun();
    lanes[i] = {bytes.data(), bytes.data() + bytes.size(), parts[i].data(),
                parts[i].data() + parts[i].size()};
  }
  // A look-up uses at most index_bits, and 57 bits of a load are sure to be there.
  if (count == 4) {
    if (table.index_bits <= 11) {
      decode_batches<5>(table, &lanes);
    } else {
      decode_batches<4>(table, &lanes);
    }
  }
  for (size_t i = 0; i < count; ++i) DCF_TRY(finish_lane(table, lanes[i]));
  return ok_status();
}

uint64_t huffman_streams_size(Bytes symbols, const CodeLengths& code) {
  std::array<Bytes, 4> parts;
  const size_t count = split(symbols, &parts);
  uint64_t total = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t size = part_size(parts[i], code);
    total += size + varint_size(size);
  }
  return total;
}

void encode_huffman_streams(Bytes symbols, const CodeLengths& code, std::vector<uint8_t>* out) {
  const auto codes = reversed_codes(code);
  std::array<Bytes, 4> parts;
  const size_t count = split(symbols, &parts);
  for (size_t i = 0; i < count; ++i) {
    append_varint(out, static_cast<uint32_t>(part_size(parts[i], code)));
  }
  BitWriter writer(out);
  for (size_t i = 0; i < count; ++i) {
    for (const uint8_t symbol : parts[i]) writer.put(codes[symbol], code.length(symbol));
    writer.finish();
  }
}

}  // namespace dcf::impl
