// SPDX-License-Identifier: Apache-2.0
// Sections 5.1 and 9 of the specification, as slowly and literally as they can be written: the
// oracle of the codec tests. Shares no code with the library.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace dcf::reference {

using Bytes = std::vector<uint8_t>;
using Lengths = std::vector<uint8_t>;  // by symbol, 0 = no code

// Reads bits; throws nothing, remembers that it ran out.
struct Bits {
  const Bytes& bytes;
  size_t begin;  // in bytes
  size_t end;
  size_t position = 0;
  bool failed = false;

  unsigned next() {
    const size_t byte = begin + position / 8;
    if (byte >= end) {
      failed = true;
      return 0;
    }
    return bytes[byte] >> (position++ % 8) & 1;
  }
  unsigned field(unsigned width) {
    unsigned v = 0;
    for (unsigned i = 0; i < width; ++i) v |= next() << i;
    return v;
  }
  // The rest of the current byte is zero; moves to the next byte.
  void pad() {
    while (position % 8 != 0) {
      if (next() != 0) failed = true;
    }
  }
};

inline bool is_complete(const Lengths& lengths) {
  unsigned kraft = 0;
  for (const uint8_t length : lengths) {
    if (length > 12) return false;
    if (length > 0) kraft += 1u << (12 - length);
  }
  return kraft == 4096;
}

// (length, code) -> symbol.
using Codes = std::map<std::pair<unsigned, unsigned>, uint8_t>;

inline Codes canonical(const Lengths& lengths) {
  Codes codes;
  unsigned code = 0;
  for (unsigned length = 1; length <= 12; ++length, code <<= 1) {
    for (size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      if (lengths[symbol] == length) codes[{length, code++}] = static_cast<uint8_t>(symbol);
    }
  }
  return codes;
}

inline std::optional<uint32_t> varint(const Bytes& in, size_t* position) {
  uint64_t v = 0;
  for (unsigned i = 0; i < 5 && *position < in.size(); ++i) {
    const uint8_t byte = in[(*position)++];
    v |= uint64_t{byte & 0x7Fu} << (7 * i);
    if (byte >= 0x80) continue;
    if ((byte == 0 && i > 0) || v > 0xFFFFFFFF) return std::nullopt;
    return static_cast<uint32_t>(v);
  }
  return std::nullopt;
}

using Decoded = std::optional<Bytes>;

inline Decoded decode_streams(const Bytes& in, size_t* position, const Codes& codes, size_t n) {
  std::vector<size_t> counts = {n};
  if (n >= 64) {
    const size_t q = (n + 3) / 4;
    counts = {q, q, q, n - 3 * q};
  }
  std::vector<size_t> sizes;
  for (size_t i = 0; i < counts.size(); ++i) {
    const auto size = varint(in, position);
    if (!size) return std::nullopt;
    sizes.push_back(*size);
  }
  Bytes out;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (sizes[i] > in.size() - *position) return std::nullopt;
    Bits bits{in, *position, *position + sizes[i]};
    for (size_t j = 0; j < counts[i]; ++j) {
      unsigned code = 0;
      for (unsigned length = 1;; ++length) {
        code = code << 1 | bits.next();
        if (bits.failed) return std::nullopt;
        const auto found = codes.find({length, code});
        if (found == codes.end()) continue;
        out.push_back(found->second);
        break;
      }
    }
    bits.pad();
    if (bits.failed || bits.position != 8 * sizes[i]) return std::nullopt;
    *position += sizes[i];
  }
  return out;
}

struct FlatLeaf {
  unsigned depth;
  unsigned length;
  unsigned index_bits;
  Bytes symbols;
};

inline std::vector<FlatLeaf> flat_leaves(const Lengths& lengths) {
  std::vector<FlatLeaf> leaves;
  for (unsigned length = 1; length <= 12; ++length) {
    Bytes symbols;
    for (size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      if (lengths[symbol] == length) symbols.push_back(static_cast<uint8_t>(symbol));
    }
    auto at = symbols.begin();
    for (int b = 8; b >= 0; --b) {
      if ((symbols.size() >> b & 1) == 0) continue;
      leaves.push_back({length - b, length, static_cast<unsigned>(b), Bytes(at, at + (1 << b))});
      at += 1 << b;
    }
  }
  std::stable_sort(leaves.begin(), leaves.end(), [](const FlatLeaf& a, const FlatLeaf& b) {
    if (a.depth != b.depth) return a.depth < b.depth;
    if (a.length != b.length) return a.length < b.length;
    return a.index_bits > b.index_bits;
  });
  return leaves;
}

// Decodes the subtree whose root has the code (depth, code), reached by n symbols.
inline Bytes decode_node(Bits* bits,
                         const std::map<std::pair<unsigned, unsigned>, FlatLeaf>& leaves,
                         unsigned depth, unsigned code, size_t n) {
  Bytes out;
  const auto leaf = leaves.find({depth, code});
  if (leaf != leaves.end()) {
    for (size_t i = 0; i < n && !bits->failed; ++i) {
      out.push_back(leaf->second.symbols[bits->field(leaf->second.index_bits)]);
    }
    bits->pad();
    return out;
  }
  std::vector<bool> goes_right;
  for (size_t i = 0; i < n && !bits->failed; ++i) goes_right.push_back(bits->next() == 1);
  bits->pad();
  if (bits->failed) return out;
  const auto ones = static_cast<size_t>(std::count(goes_right.begin(), goes_right.end(), true));
  const Bytes left = decode_node(bits, leaves, depth + 1, 2 * code, n - ones);
  const Bytes right = decode_node(bits, leaves, depth + 1, 2 * code + 1, ones);
  if (bits->failed) return out;
  auto l = left.begin();
  auto r = right.begin();
  for (const bool bit : goes_right) out.push_back(bit ? *r++ : *l++);
  return out;
}

inline Decoded decode_tree(const Bytes& in, size_t* position, const Lengths& lengths, size_t n) {
  const auto size = varint(in, position);
  if (!size || *size > in.size() - *position) return std::nullopt;
  std::map<std::pair<unsigned, unsigned>, FlatLeaf> leaves;
  unsigned code = 0;
  unsigned depth = 0;
  for (const FlatLeaf& leaf : flat_leaves(lengths)) {
    code <<= leaf.depth - depth;
    depth = leaf.depth;
    leaves[{depth, code++}] = leaf;
  }
  Bits bits{in, *position, *position + *size};
  const Bytes out = decode_node(&bits, leaves, 0, 0, n);
  if (bits.failed || bits.position != 8 * size_t{*size}) return std::nullopt;
  *position += *size;
  return out;
}

// A stream of section 9 at *position; `lengths` is empty if its role has no table.
inline Decoded decode_stream(const Bytes& in, size_t* position, unsigned alphabet,
                             const Lengths& lengths, size_t n) {
  if (*position >= in.size()) return std::nullopt;
  const uint8_t mode = in[(*position)++];
  if (mode > 3 || (mode >= 2 && lengths.empty())) return std::nullopt;
  if ((n == 1 || alphabet == 1) && mode != 1) return std::nullopt;
  Bytes out;
  if (mode == 2) return decode_streams(in, position, canonical(lengths), n);
  if (mode == 3) return decode_tree(in, position, lengths, n);
  if (mode == 1) {
    if (*position >= in.size()) return std::nullopt;
    out.assign(n, in[(*position)++]);
  } else {
    unsigned width = 0;
    while ((alphabet - 1) >> width != 0) ++width;
    Bits bits{in, *position, in.size()};
    for (size_t i = 0; i < n; ++i) out.push_back(static_cast<uint8_t>(bits.field(width)));
    bits.pad();
    if (bits.failed) return std::nullopt;
    *position += bits.position / 8;
  }
  for (const uint8_t symbol : out) {
    if (symbol >= alphabet) return std::nullopt;
  }
  return out;
}

}  // namespace dcf::reference
