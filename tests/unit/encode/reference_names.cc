// SPDX-License-Identifier: Apache-2.0
#include "reference_names.h"

#include <algorithm>
#include <map>

#include "reference_streams.h"

namespace dcf::impl::reference {
namespace {

// Section 4.4: the code of a stream, by lists of coins and packages.
Lengths best_lengths(const std::vector<uint8_t>& symbols) {
  struct Item {
    uint64_t weight;
    std::vector<size_t> symbols;  // one for each coin in it
  };
  std::vector<Item> coins;
  for (size_t s = 0; s < 256; ++s) {
    const auto count = static_cast<uint64_t>(std::count(symbols.begin(), symbols.end(), s));
    if (count > 0) coins.push_back({count, {s}});
  }
  const auto lighter = [](const Item& a, const Item& b) { return a.weight < b.weight; };
  std::stable_sort(coins.begin(), coins.end(), lighter);
  std::vector<Item> list = coins;
  for (unsigned l = 1; l < 12; ++l) {
    std::vector<Item> next = coins;
    for (size_t i = 0; i + 1 < list.size(); i += 2) {
      Item package{list[i].weight + list[i + 1].weight, list[i].symbols};
      package.symbols.insert(package.symbols.end(), list[i + 1].symbols.begin(),
                             list[i + 1].symbols.end());
      next.push_back(package);
    }
    std::stable_sort(next.begin(), next.end(), lighter);
    list = next;
  }
  Lengths lengths(256);
  for (size_t i = 0; i < 2 * coins.size() - 2; ++i) {
    for (const size_t s : list[i].symbols) ++lengths[s];
  }
  return lengths;
}

// Section 4.4: a stream with a table of its own.
std::vector<uint8_t> read_own_stream(Cursor& in, uint64_t n, unsigned alphabet) {
  std::vector<uint8_t> out;
  if (n == 0) return out;
  const unsigned mode = in.byte();
  if (mode == 1) {
    out.assign(n, in.byte());
  } else {
    require(mode == 2, "another mode");
    Lengths lengths = read_lengths(in);
    out = read_streams(in, n, lengths);
    lengths.resize(256);
    require(std::count(out.begin(), out.end(), out[0]) != static_cast<ptrdiff_t>(n),
            "one symbol in mode 2");
    require(lengths == best_lengths(out), "another code");
  }
  for (const uint8_t s : out) require(s < alphabet, "a symbol outside its alphabet");
  return out;
}

uint64_t short_varint(Cursor& in) {
  const size_t start = in.position();
  const uint64_t v = in.varint();
  require(v < uint64_t{1} << 32, "a varint is too large");
  require(in.position() - start == std::max(1u, (bit_width_of(v) + 6) / 7), "a varint is too long");
  return v;
}

}  // namespace

std::vector<std::string> read_names(Bytes coded, size_t count) {
  Cursor in(coded);
  const uint64_t literals = short_varint(in);
  const uint64_t numbers = short_varint(in);
  require(literals < uint64_t{1} << 24 && numbers <= literals, "too many numbers, or for a test");
  const std::vector<uint8_t> literal = read_own_stream(in, literals, 256);
  std::vector<uint64_t> number;
  for (const uint8_t symbol : read_own_stream(in, numbers, 228)) number.push_back(symbol);
  uint64_t size = literals;
  for (uint64_t& m : number) {
    if (m >= 128) {
      const auto extra = static_cast<unsigned>(7 + (m - 128) / 4 - 2);
      m = ((4 + (m - 128) % 4) << extra) + in.field(extra);
    }
    size += m;
  }
  in.end_string();
  require(in.at_end(), "bytes are left over");
  require(size < uint64_t{1} << 28, "too long for a test");
  std::vector<uint8_t> text;
  std::map<unsigned, size_t> latest;
  const auto append = [&](uint8_t byte) {
    const size_t i = text.size();
    if (i >= 2) latest[text[i - 2] * 256u + text[i - 1]] = i;
    text.push_back(byte);
  };
  size_t next_literal = 0;
  size_t next_number = 0;
  while (text.size() < size) {
    const size_t i = text.size();
    const auto found = i < 2 ? latest.end() : latest.find(text[i - 2] * 256u + text[i - 1]);
    int other = -1;
    if (found != latest.end()) {
      require(next_number < numbers, "too few numbers");
      const size_t j = found->second;
      const uint64_t m = number[next_number++];
      require(m <= size - i, "a number is too large");
      for (uint64_t k = 0; k < m; ++k) append(text[j + k]);
      other = text[j + m];
    }
    if (text.size() == size) break;
    require(next_literal < literals, "too few literals");
    require(literal[next_literal] != other, "a number is too small");
    append(literal[next_literal++]);
  }
  require(next_literal == literals && next_number == numbers, "something is left over");
  std::vector<std::string> names;
  Cursor steps(text);
  std::string name;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t dropped = short_varint(steps);
    require(dropped <= name.size() && dropped < uint64_t{1} << 14, "a step drops too much");
    const char first = dropped == 0 ? '\0' : name[name.size() - dropped];
    name.resize(name.size() - dropped);
    const size_t kept = name.size();
    for (uint8_t byte = steps.byte(); byte != 0; byte = steps.byte())
      name.push_back(static_cast<char>(byte));
    require(dropped == 0 || name.size() == kept || name[kept] != first, "a step puts a byte back");
    names.push_back(name);
  }
  require(steps.at_end(), "steps are left over");
  return names;
}

}  // namespace dcf::impl::reference
