// SPDX-License-Identifier: Apache-2.0
#include "reference_streams.h"

#include <algorithm>
#include <stdexcept>

namespace dcf::impl::reference {
namespace {

// Items sorted by length take canonical codes. item i: its length; returns its code.
std::vector<unsigned> canonical(const std::vector<unsigned>& sorted_lengths) {
  std::vector<unsigned> codes;
  unsigned code = 0;
  unsigned length = sorted_lengths.empty() ? 0 : sorted_lengths[0];
  for (const unsigned l : sorted_lengths) {
    code <<= l - length;
    length = l;
    codes.push_back(code++);
  }
  return codes;
}

struct Leaf {
  unsigned depth;
  unsigned length;
  unsigned index_bits;
  std::vector<uint8_t> symbols;
  unsigned code = 0;
};

// Section 9.1: every symbol is a leaf of its own. Section 9.2, steps 1 and 2: flat leaves.
std::vector<Leaf> leaves_of(const Lengths& lengths, bool flat) {
  std::vector<Leaf> leaves;
  for (unsigned length = 1; length <= 12; ++length) {
    std::vector<uint8_t> symbols;
    for (size_t s = 0; s < lengths.size(); ++s) {
      if (lengths[s] == length) symbols.push_back(static_cast<uint8_t>(s));
    }
    for (size_t at = 0; at < symbols.size();) {
      unsigned b = 0;
      while (flat && size_t{2} << b <= symbols.size() - at) ++b;
      const auto from = symbols.begin() + static_cast<ptrdiff_t>(at);
      leaves.push_back({length - b, length, b, {from, from + (ptrdiff_t{1} << b)}});
      at += size_t{1} << b;
    }
  }
  std::stable_sort(leaves.begin(), leaves.end(),
                   [](const Leaf& x, const Leaf& y) { return x.depth < y.depth; });
  std::vector<unsigned> depths;
  for (const Leaf& leaf : leaves) depths.push_back(leaf.depth);
  const std::vector<unsigned> codes = canonical(depths);
  for (size_t i = 0; i < leaves.size(); ++i) leaves[i].code = codes[i];
  return leaves;
}

const Leaf* find_leaf(const std::vector<Leaf>& leaves, unsigned depth, unsigned code) {
  for (const Leaf& leaf : leaves) {
    if (leaf.depth == depth && leaf.code == code) return &leaf;
  }
  return nullptr;
}

std::vector<uint8_t> read_node(Cursor& in, const std::vector<Leaf>& leaves, unsigned depth,
                               unsigned code, uint64_t m) {
  std::vector<uint8_t> out;
  if (const Leaf* leaf = find_leaf(leaves, depth, code)) {
    for (uint64_t i = 0; i < m; ++i) out.push_back(leaf->symbols[in.field(leaf->index_bits)]);
    in.end_string();
    return out;
  }
  require(depth < 12, "no leaf");
  std::vector<bool> right;
  for (uint64_t i = 0; i < m; ++i) right.push_back(in.field(1) != 0);
  in.end_string();
  const auto ones = static_cast<uint64_t>(std::count(right.begin(), right.end(), true));
  const std::vector<uint8_t> lower = read_node(in, leaves, depth + 1, 2 * code, m - ones);
  const std::vector<uint8_t> upper = read_node(in, leaves, depth + 1, 2 * code + 1, ones);
  size_t l = 0, u = 0;
  for (const bool goes_right : right) out.push_back(goes_right ? upper[u++] : lower[l++]);
  return out;
}

}  // namespace

void require(bool condition, const char* why) {
  if (!condition) throw std::runtime_error(why);
}

unsigned bit_width_of(uint64_t x) {
  unsigned n = 0;
  for (; x != 0; x >>= 1) ++n;
  return n;
}

Lengths read_lengths(Cursor& in) {
  const unsigned first = in.byte();
  const unsigned last = in.byte();
  Lengths lengths(first);
  while (lengths.size() <= last) {
    const auto token = static_cast<unsigned>(in.field(4));
    if (token == 13) {
      lengths.insert(lengths.end(), 3 + in.field(4), lengths.back());
    } else if (token == 14) {
      lengths.insert(lengths.end(), 3 + in.field(4), 0);
    } else {
      require(token < 13, "token 15");
      lengths.push_back(token);
    }
  }
  in.end_string();
  require(lengths.size() == last + 1, "tokens overshoot");
  uint64_t kraft = 0;
  for (const unsigned l : lengths) kraft += l > 0 ? 4096u >> l : 0;
  require(kraft == 4096, "the code is not complete");
  return lengths;
}

std::vector<uint8_t> read_streams(Cursor& in, uint64_t n, const Lengths& table) {
  std::vector<uint8_t> out;
  const std::vector<Leaf> leaves = leaves_of(table, false);
  const uint64_t parts = n < 64 ? 1 : 4;
  std::vector<uint64_t> sizes;
  for (uint64_t p = 0; p < parts; ++p) sizes.push_back(in.varint());
  for (uint64_t p = 0; p < parts; ++p) {
    const uint64_t q = (n + parts - 1) / parts;
    const uint64_t count = p + 1 < parts ? q : n - p * q;
    const size_t start = in.position();
    for (uint64_t i = 0; i < count; ++i) {
      unsigned code = 0, depth = 0;
      const Leaf* leaf = nullptr;
      while (leaf == nullptr) {
        require(depth < 12, "no code");
        code = 2 * code + static_cast<unsigned>(in.field(1));
        leaf = find_leaf(leaves, ++depth, code);
      }
      out.push_back(leaf->symbols[0]);
    }
    in.end_string();
    require(in.position() - start == sizes[p], "a bit string has another length");
  }
  return out;
}

std::vector<uint8_t> read_stream(Cursor& in, uint64_t n, unsigned alphabet, const Lengths* table) {
  const unsigned mode = in.byte();
  require(mode < 2 || table != nullptr, "no table");
  require(mode == 1 || (alphabet > 1 && n > 1), "not constant");
  std::vector<uint8_t> out;
  if (mode == 0) {
    for (uint64_t i = 0; i < n; ++i) {
      out.push_back(static_cast<uint8_t>(in.field(bit_width_of(alphabet - 1))));
    }
    in.end_string();
  } else if (mode == 1) {
    out.assign(n, in.byte());
  } else if (mode == 2) {
    out = read_streams(in, n, *table);
  } else {
    require(mode == 3, "unknown mode");
    const uint64_t size = in.varint();
    const size_t start = in.position();
    out = read_node(in, leaves_of(*table, true), 0, 0, n);
    require(in.position() - start == size, "a tree has another length");
  }
  for (const uint8_t s : out) require(s < alphabet, "a symbol outside its alphabet");
  return out;
}

}  // namespace dcf::impl::reference
