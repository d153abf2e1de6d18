// SPDX-License-Identifier: Apache-2.0
#include "codec/code_lengths.h"

#include <algorithm>

namespace dcf::impl::codec {
namespace {

constexpr unsigned kRepeat = 13;
constexpr unsigned kZeroRun = 14;
constexpr unsigned kMinRun = 3;
constexpr unsigned kMaxRun = 18;

// A record has two bytes and at most one token for each symbol.
struct Record {
  std::array<uint8_t, 2 + kMaxSymbols / 2> bytes{};
  size_t size = 0;
};

unsigned run_length(const uint8_t* p, const uint8_t* end, unsigned value) {
  unsigned n = 0;
  while (n < kMaxRun && p + n < end && p[n] == value) ++n;
  return n;
}

// The greedy record of the lengths first..last (T-08).
Record make_record(const std::array<uint8_t, kMaxSymbols>& lengths, unsigned first, unsigned last) {
  Record record;
  record.bytes[0] = static_cast<uint8_t>(first);
  record.bytes[1] = static_cast<uint8_t>(last);
  size_t tokens = 4;
  const auto put = [&](unsigned token) {
    record.bytes[tokens / 2] |= static_cast<uint8_t>(token << (tokens % 2 * 4));
    ++tokens;
  };
  const uint8_t* p = lengths.data() + first;
  const uint8_t* end = lengths.data() + last + 1;
  unsigned before = 0;
  while (p < end) {
    unsigned run = before == 0 ? 0 : run_length(p, end, before);
    unsigned token = kRepeat;
    if (run < kMinRun) {
      run = run_length(p, end, 0);
      token = kZeroRun;
    }
    if (run >= kMinRun) {
      put(token);
      put(run - kMinRun);
      p += run;
    } else {
      put(*p++);
    }
    before = p[-1];
  }
  record.size = (tokens + 1) / 2;
  return record;
}

}  // namespace

Result<CodeLengths> make_code_lengths(Bytes lengths) {
  CodeLengths code;
  unsigned kraft = 0;
  unsigned symbols = 0;
  if (lengths.size() > kMaxSymbols) {
    return fail(Code::BadCodeLengths, "T-03", "a code has more than 256 symbols");
  }
  for (unsigned i = 0; i < lengths.size(); ++i) {
    const uint8_t length = lengths[i];
    if (length == 0) continue;
    if (length > kMaxCodeLength) {
      return fail(Code::BadCodeLengths, "T-03", "a code length is above 12");
    }
    kraft += 1u << (kMaxCodeLength - length);
    if (symbols++ == 0) code.first_ = static_cast<uint8_t>(i);
    code.last_ = static_cast<uint8_t>(i);
    if (length > code.longest_) code.longest_ = length;
    code.lengths_[i] = length;
  }
  // A sum of 4096 implies two symbols, because no length is 0.
  if (kraft != 1u << kMaxCodeLength) {
    return fail(Code::BadCodeLengths, "T-03", "the Kraft sum of the code lengths is not one");
  }
  return code;
}

Result<CodeLengths> parse_code_lengths(ByteReader* in) {
  const Status truncated =
      fail(Code::BadSection, "T-06", "a code-length record runs past the tables section");
  ByteReader reader = *in;
  Bytes head;
  if (!reader.read_bytes(2, &head)) return truncated;
  const unsigned first = head[0];
  const unsigned last = head[1];
  if (first >= last) {
    return fail(Code::BadCodeLengths, "T-02", "the symbols of a code are not in order");
  }

  std::array<uint8_t, kMaxSymbols> lengths{};
  unsigned byte_of_tokens = 0;
  bool high_half = false;
  const auto next_token = [&](unsigned* token) {
    if (!high_half) {
      uint8_t byte;
      if (!reader.read_u8(&byte)) return false;
      byte_of_tokens = byte;
    }
    *token = high_half ? byte_of_tokens >> 4 : byte_of_tokens & 15;
    high_half = !high_half;
    return true;
  };
  for (unsigned symbol = first; symbol <= last;) {
    unsigned token;
    if (!next_token(&token)) return truncated;
    unsigned run = 1;
    unsigned length = token;
    if (token == kRepeat || token == kZeroRun) {
      unsigned extra;
      if (!next_token(&extra)) return truncated;
      run = kMinRun + extra;
      if (token == kRepeat && symbol == first) {
        return fail(Code::BadCodeLengths, "T-02", "a code length to repeat is missing");
      }
      length = token == kRepeat ? lengths[symbol - 1] : 0;
    } else if (token > kMaxCodeLength) {
      return fail(Code::BadCodeLengths, "T-02", "a token of a code-length record is invalid");
    }
    if (run > last + 1 - symbol) {
      return fail(Code::BadCodeLengths, "T-02", "the tokens reach beyond the last symbol");
    }
    for (; run > 0; --run) lengths[symbol++] = static_cast<uint8_t>(length);
  }
  if (lengths[first] == 0 || lengths[last] == 0) {
    return fail(Code::BadCodeLengths, "T-02", "the first or last symbol has no code");
  }
  Bytes seen;
  ByteReader again = *in;
  if (!again.read_bytes(reader.position() - in->position(), &seen)) return truncated;
  const Record canonical = make_record(lengths, first, last);
  if (!std::equal(seen.begin(), seen.end(), canonical.bytes.begin(),
                  canonical.bytes.begin() + canonical.size)) {
    return fail(Code::NonCanonical, "T-08", "a code-length record is not in its shortest form");
  }
  Result<CodeLengths> code = make_code_lengths(lengths);
  if (code.ok()) *in = reader;
  return code;
}

void append_code_lengths(const CodeLengths& code, std::vector<uint8_t>* out) {
  const Record record = make_record(code.lengths(), code.first(), code.last());
  out->insert(out->end(), record.bytes.begin(), record.bytes.begin() + record.size);
}

SymbolsByLength symbols_by_length(const CodeLengths& code) {
  SymbolsByLength sorted{};
  for (unsigned symbol = code.first(); symbol <= code.last(); ++symbol) {
    if (code.length(symbol) > 0) ++sorted.start[code.length(symbol) + 1];
  }
  for (unsigned length = 1; length <= kMaxCodeLength; ++length) {
    sorted.start[length + 1] =
        static_cast<uint16_t>(sorted.start[length + 1] + sorted.start[length]);
  }
  auto next = sorted.start;
  for (unsigned symbol = code.first(); symbol <= code.last(); ++symbol) {
    const unsigned length = code.length(symbol);
    if (length > 0) sorted.symbols[next[length]++] = static_cast<uint8_t>(symbol);
  }
  return sorted;
}

std::array<uint16_t, kMaxSymbols> canonical_codes(const CodeLengths& code) {
  const SymbolsByLength sorted = symbols_by_length(code);
  std::array<uint16_t, kMaxSymbols> codes{};
  unsigned next = 0;
  for (unsigned length = 1; length <= kMaxCodeLength; ++length, next <<= 1) {
    for (unsigned i = sorted.start[length]; i < sorted.start[length + 1]; ++i) {
      codes[sorted.symbols[i]] = static_cast<uint16_t>(next++);
    }
  }
  return codes;
}

namespace {

// The 16 bits in the opposite order.
unsigned mirrored_16(unsigned bits) {
  bits = (bits & 0x5555) << 1 | (bits >> 1 & 0x5555);
  bits = (bits & 0x3333) << 2 | (bits >> 2 & 0x3333);
  bits = (bits & 0x0F0F) << 4 | (bits >> 4 & 0x0F0F);
  return (bits & 0x00FF) << 8 | bits >> 8;
}

}  // namespace

std::array<uint16_t, kMaxSymbols> reversed_codes(const CodeLengths& code) {
  std::array<uint16_t, kMaxSymbols> codes = canonical_codes(code);
  for (unsigned symbol = code.first(); symbol <= code.last(); ++symbol) {
    codes[symbol] = static_cast<uint16_t>(mirrored_16(codes[symbol]) >> (16 - code.length(symbol)));
  }
  return codes;
}

}  // namespace dcf::impl::codec
