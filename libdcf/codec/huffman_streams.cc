// SPDX-License-Identifier: Apache-2.0
#include "codec/huffman_streams.h"

#include <algorithm>
#include <bit>
#include <memory>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/cpu.h"
#include "codec/bit_reader.h"
#include "codec/bit_writer.h"

// Lets functions for several instruction sets share one body.
#define DCF_ALWAYS_INLINE __attribute__((always_inline))

namespace dcf::impl::codec {
namespace {

constexpr unsigned kSymbolsPerEntry = 4;
// Tables are this wide even for shorter codes, so that one look-up yields several symbols, unless
// there are fewer symbols to decode than entries to fill.
constexpr unsigned kWideIndexBits = 11;

// A table entry:
//
//    63..56    55..48        47..40              39..8              7..0
//   +---------+--------+------------------+-------------------+-------------------+
//   | number  | unused | bits of          | up to 4 symbols,  | bits of all codes |
//   | of them |        | the first code   | first one lowest  |                   |
//   +---------+--------+------------------+-------------------+-------------------+
//
// The bits of all codes are lowest, because a shift by a register uses the low six bits and ignores
// the rest. The count is highest, so that one shift extracts it.
constexpr unsigned kSymbolsAt = 8;
constexpr unsigned kFirstBitsAt = 40;
constexpr unsigned kCountAt = 56;
unsigned total_bits(uint64_t entry) {
  return entry & 0x3F;
}
unsigned symbol_count(uint64_t entry) {
  return static_cast<unsigned>(entry >> kCountAt);
}
unsigned first_bits(uint64_t entry) {
  return entry >> kFirstBitsAt & 0xFF;
}
uint32_t symbols_of(uint64_t entry) {
  // BMI2 rotates into another register, and only shifts in place.
  return static_cast<uint32_t>(std::rotr(entry, kSymbolsAt));
}

constexpr Status overrun() {
  return {Code::BadBitstream, "S-02", "a stream runs past its chunk"};
}

// Fills the table: every series of codes that fits in an index is entered at all indices that begin
// with it. Longer series overwrite shorter ones.
class TableBuilder {
 public:
  // `most`: symbols of an entry.
  TableBuilder(const CodeLengths& code, unsigned most, StreamsTable* table)
      : code_(code),
        most_(most),
        sorted_(symbols_by_length(code)),
        codes_(reversed_codes(code)),
        table_(table) {}

  // Extends the series of an entry by one more symbol. `prefix`: the low bits, which are its codes.
  void extend(uint64_t entry, size_t prefix) {
    const size_t size = size_t{1} << table_->index_bits;
    const unsigned used = total_bits(entry);
    const unsigned count = symbol_count(entry);
    for (unsigned i = 0; i < sorted_.start.back(); ++i) {
      const unsigned symbol = sorted_.symbols[i];
      const unsigned length = code_.length(symbol);
      const unsigned total = used + length;
      if (total > table_->index_bits) return;
      const uint64_t first = count == 0 ? length : first_bits(entry);
      const uint64_t symbols = symbols_of(entry) | uint64_t{symbol} << 8 * count;
      const uint64_t longer =
          uint64_t{count + 1} << kCountAt | first << kFirstBitsAt | symbols << kSymbolsAt | total;
      const size_t begin = prefix | size_t{codes_[symbol]} << used;
      for (size_t at = begin; at < size; at += size_t{1} << total) table_->entries[at] = longer;
      if (count + 1 < most_) extend(longer, begin);
    }
  }

 private:
  const CodeLengths& code_;
  const unsigned most_;
  const SymbolsByLength sorted_;
  const std::array<uint16_t, kMaxSymbols> codes_;
  StreamsTable* table_;
};

// One bit string and where its remaining symbols go.
struct Lane {
  const uint8_t* in;
  const uint8_t* end;
  uint8_t* out;
  uint8_t* out_end;
  unsigned bit = 0;  // bits of *in that are used, below 8

  // The number of batches that can reach the end of neither the input (8 bytes are read, at most 7
  // used) nor the output.
  size_t safe_batches(size_t most_out) const {
    const auto in_left = static_cast<size_t>(end - in);
    const auto out_left = static_cast<size_t>(out_end - out);
    return in_left < 8 ? 0 : std::min((in_left - 8) / 7 + 1, out_left / most_out);
  }
};

// The part of a lane that changes in a batch. A one stands above the unused bits and marks how many
// are used: a separate count for each of four lanes would not fit in the registers.
struct Cursor {
  explicit Cursor(const Lane& lane) : in(lane.in), out(lane.out), bits(kSentinel >> lane.bit) {}
  // The number of bits used. `bits` is never zero; for zero, plain C++ would need a branch.
  DCF_ALWAYS_INLINE unsigned used() const { return static_cast<unsigned>(__builtin_clzll(bits)); }
  DCF_ALWAYS_INLINE void store(Lane* lane) const {
    const unsigned used = this->used();
    lane->in = in + used / 8;
    lane->bit = used % 8;
    lane->out = out;
  }

  // Makes 56 bits available.
  DCF_ALWAYS_INLINE void refill() {
    const unsigned used = this->used();
    const uint8_t* const next = in + used / 8;
    in = next;
    bits = (load_le<uint64_t>(next) | kSentinel) >> (used % 8);
    // Without this, stores wait for their lines: the hardware does not prefetch four outputs.
    __builtin_prefetch(out + kAhead, 1);
  }
  template <typename Low>
  DCF_ALWAYS_INLINE void look_up(const uint64_t* entries, Low low) {
    const uint64_t entry = entries[low(bits)];
    store_le(out, symbols_of(entry));
    bits >>= total_bits(entry);
    out += symbol_count(entry);
  }

  static constexpr uint64_t kSentinel = uint64_t{1} << 63;
  static constexpr size_t kAhead = 64;
  // In memory, as there are not enough registers. Volatile, because otherwise the compiler adds in
  // memory and reads the sum back, and every look-up of the lane waits for that.
  const uint8_t* volatile in;
  uint8_t* out;
  uint64_t bits;
};

// Decodes whole batches of all lanes, as long as no lane can reach the end of its input or output.
// low(bits) gives the bits of an index.
template <unsigned kLookups, typename Low>
inline DCF_ALWAYS_INLINE void decode_batches_here(const StreamsTable& table,
                                                  std::array<Lane, 4>* lanes, Low low) {
  const uint64_t* const entries = table.entries.data();
  for (;;) {
    size_t batches = SIZE_MAX;
    for (const Lane& lane : *lanes) {
      batches = std::min(batches, lane.safe_batches(kLookups * kSymbolsPerEntry));
    }
    if (batches == 0) return;
    Cursor a((*lanes)[0]);
    Cursor b((*lanes)[1]);
    Cursor c((*lanes)[2]);
    Cursor d((*lanes)[3]);
    for (; batches > 0; --batches) {
      a.refill();
      b.refill();
      c.refill();
      d.refill();
      for (unsigned i = 0; i < kLookups; ++i) {
        a.look_up(entries, low);
        b.look_up(entries, low);
        c.look_up(entries, low);
        d.look_up(entries, low);
      }
    }
    a.store(&(*lanes)[0]);
    b.store(&(*lanes)[1]);
    c.store(&(*lanes)[2]);
    d.store(&(*lanes)[3]);
  }
}

// For BMI2 and LZCNT: a shift by a register that leaves the flags alone, low bits in one
// instruction, leading zeros in one instruction. The number of instructions decides the speed.
#if defined(__x86_64__)
#define DCF_BMI2 __attribute__((target("bmi,bmi2,lzcnt")))
template <unsigned kLookups>
DCF_BMI2 void decode_batches_bmi2(const StreamsTable& table, std::array<Lane, 4>* lanes) {
  const unsigned n = table.index_bits;
  const auto low = [n](uint64_t bits) DCF_BMI2 { return _bzhi_u64(bits, n); };
  decode_batches_here<kLookups>(table, lanes, low);
}
#endif

template <unsigned kLookups>
void decode_batches(const StreamsTable& table, std::array<Lane, 4>* lanes) {
#if defined(__x86_64__)
  if (kernel_choice().allowed.has(CpuSet::kAvx2))
    return decode_batches_bmi2<kLookups>(table, lanes);
#endif
  const uint64_t mask = low_mask(table.index_bits);
  decode_batches_here<kLookups>(table, lanes, [mask](uint64_t bits) { return bits & mask; });
}

// Decodes the rest of one lane, symbol by symbol once entries no longer fit, and checks its end.
Status finish_lane(const StreamsTable& table, const Lane& lane) {
  BitReader reader({lane.in, lane.end});
  reader.skip(lane.bit);
  const uint64_t mask = low_mask(table.index_bits);
  uint8_t* out = lane.out;
  while (lane.out_end - out >= static_cast<ptrdiff_t>(kSymbolsPerEntry)) {
    const uint64_t entry = table.entries[reader.peek() & mask];
    store_le(out, symbols_of(entry));
    reader.skip(total_bits(entry));
    out += symbol_count(entry);
  }
  while (out < lane.out_end) {
    const uint64_t entry = table.entries[reader.peek() & mask];
    *out++ = static_cast<uint8_t>(symbols_of(entry));
    reader.skip(first_bits(entry));
  }
  if (!reader.finish()) {
    return fail(Code::BadBitstream, "S-03", "a bit string does not end where its length says");
  }
  return ok_status();
}

// The number of symbols of each bit string: one bit string of all, or four, the last of which may
// have fewer.
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

// What the encoder appends for a symbol.
struct CodeBits {
  uint16_t bits;
  uint16_t length;
};

// Writes the bit string of the symbols, and up to 7 bytes after it. Returns its end.
uint8_t* encode_part(Bytes symbols, const std::array<CodeBits, kMaxSymbols>& codes, uint8_t* out) {
  constexpr size_t kPerStore = 4;  // codes that fit in a word after up to 7 bits of the last store
  static_assert(kPerStore * kMaxCodeLength + 7 <= 64);
  uint64_t pending = 0;
  unsigned count = 0;
  const auto put = [&](uint8_t symbol) {
    const CodeBits code = codes[symbol];
    pending |= uint64_t{code.bits} << count;
    count += code.length;
  };
  const auto store = [&] {
    store_le(out, pending);
    out += count / 8;
    pending >>= count / 8 * 8;
    count %= 8;
  };
  size_t i = 0;
  for (; symbols.size() - i >= kPerStore; i += kPerStore, store()) {
    for (size_t k = 0; k < kPerStore; ++k) put(symbols[i + k]);
  }
  for (; i < symbols.size(); ++i) put(symbols[i]);
  store();
  return out + ceil_div(count, 8);
}

}  // namespace

void build_streams_table(const CodeLengths& code, size_t symbols, StreamsTable* table) {
  const auto worth = static_cast<unsigned>(std::bit_width(symbols / 4));
  table->index_bits = std::max(code.longest(), std::min(worth, kWideIndexBits));
  // Filling an entry takes as long as decoding a few symbols, and once more for each further one.
  const size_t uses = symbols >> table->index_bits;  // of an entry
  TableBuilder(code, uses >= 4 ? kSymbolsPerEntry : uses >= 2 ? 2 : 1, table).extend(0, 0);
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
  // A look-up uses at most index_bits of the 56 bits that are there.
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
  const auto reversed = reversed_codes(code);
  std::array<CodeBits, kMaxSymbols> codes;
  for (unsigned s = 0; s < kMaxSymbols; ++s) {
    codes[s] = {reversed[s], static_cast<uint16_t>(code.length(s))};
  }
  std::array<Bytes, 4> parts;
  const size_t count = split(symbols, &parts);
  const size_t room = ceil_div(symbols.size() * kMaxCodeLength, 8) + count + sizeof(uint64_t);
  const std::unique_ptr<uint8_t[]> data(new uint8_t[room]);  // not zeroed
  uint8_t* end = data.get();
  for (size_t i = 0; i < count; ++i) {
    uint8_t* const start = end;
    end = encode_part(parts[i], codes, start);
    append_varint(out, static_cast<uint32_t>(end - start));
  }
  out->insert(out->end(), data.get(), end);
}

}  // namespace dcf::impl::codec
