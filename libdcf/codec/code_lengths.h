// SPDX-License-Identifier: Apache-2.0
// The lengths of a complete canonical Huffman code over at most 256 symbols, and its record in the
// tables section (spec 5.1). A value of CodeLengths is a proof: it has at least two symbols, no
// length above 12 bits, and a Kraft sum of exactly one, so every table built from it is filled
// without holes and every bit string decodes to symbols of the code.
#pragma once

#include <array>
#include <vector>

#include "base/bytes.h"

namespace dcf::impl::codec {

inline constexpr unsigned kMaxCodeLength = 12;
inline constexpr unsigned kMaxSymbols = 256;

// How often each symbol occurs.
using Histogram = std::array<uint64_t, kMaxSymbols>;

class CodeLengths {
 public:
  // Bits of the symbol's code; 0 if it has none.
  unsigned length(unsigned symbol) const { return lengths_[symbol]; }
  const std::array<uint8_t, kMaxSymbols>& lengths() const { return lengths_; }
  // The lowest and the highest symbol with a code.
  unsigned first() const { return first_; }
  unsigned last() const { return last_; }
  unsigned longest() const { return longest_; }

  friend bool operator==(const CodeLengths&, const CodeLengths&) = default;

 private:
  CodeLengths() = default;
  friend Result<CodeLengths> make_code_lengths(Bytes lengths);

  std::array<uint8_t, kMaxSymbols> lengths_{};
  uint8_t first_ = 0;
  uint8_t last_ = 0;
  uint8_t longest_ = 0;
};

// The code in which symbol i has lengths[i] bits. T-03 (BadCodeLengths) if that is no complete code
// of at least two symbols; at most 256 lengths.
Result<CodeLengths> make_code_lengths(Bytes lengths);

// Reads one code-length record; T-01 if it runs past the section, T-02, T-03.
Result<CodeLengths> parse_code_lengths(ByteReader* in);

// Appends the record of the code; there is exactly one.
void append_code_lengths(const CodeLengths& code, std::vector<uint8_t>* out);

// The symbols that have a code, in order of (length, symbol): those of length L are
// symbols[start[L], start[L + 1]).
struct SymbolsByLength {
  std::array<uint8_t, kMaxSymbols> symbols;
  std::array<uint16_t, kMaxCodeLength + 2> start;
};
SymbolsByLength symbols_by_length(const CodeLengths& code);

// The canonical codes (spec 5.1): most significant bit first, in the low length(symbol) bits.
std::array<uint16_t, kMaxSymbols> canonical_codes(const CodeLengths& code);

// The canonical codes with their bits reversed, as an LSB-first bit string holds them.
std::array<uint16_t, kMaxSymbols> reversed_codes(const CodeLengths& code);

}  // namespace dcf::impl::codec
