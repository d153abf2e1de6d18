// SPDX-License-Identifier: Apache-2.0
// Inputs of the codec tests: symbols of many distributions, and codes of many shapes. All random
// numbers come from fixed seeds.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "codec/package_merge.h"
#include "codec/stream.h"

namespace dcf::impl::testing {

using Random = std::mt19937_64;

inline uint64_t below(Random& random, uint64_t n) {
  return random() % n;
}

// n symbols of a bell of this many symbols; larger `sharpness` means fewer bits per symbol.
inline std::vector<uint8_t> bell(Random& random, size_t n, unsigned symbols, double sharpness) {
  std::normal_distribution<double> normal(symbols / 2.0, symbols / sharpness);
  std::vector<uint8_t> out(n);
  for (uint8_t& v : out) {
    v = static_cast<uint8_t>(std::clamp(normal(random), 0.0, symbols - 1.0));
  }
  return out;
}

// Symbol i with a probability of about 2^-i-1: long codes, many leaves of one symbol.
inline std::vector<uint8_t> skewed(Random& random, size_t n, unsigned symbols) {
  std::vector<uint8_t> out(n);
  for (uint8_t& v : out) {
    const unsigned zeros = static_cast<unsigned>(std::countr_zero(random() | uint64_t{1} << 63));
    v = static_cast<uint8_t>(std::min(zeros, symbols - 1));
  }
  return out;
}

inline std::vector<uint8_t> uniform(Random& random, size_t n, unsigned symbols) {
  std::vector<uint8_t> out(n);
  for (uint8_t& v : out) v = static_cast<uint8_t>(below(random, symbols));
  return out;
}

// One of the above, or runs of them.
inline std::vector<uint8_t> any_symbols(Random& random, size_t n) {
  const auto symbols = static_cast<unsigned>(2 + below(random, 255));
  switch (below(random, 4)) {
    case 0:
      return bell(random, n, symbols, 2.0 + static_cast<double>(below(random, 20)));
    case 1:
      return skewed(random, n, symbols);
    case 2:
      return uniform(random, n, symbols);
    default: {
      std::vector<uint8_t> out = skewed(random, n, symbols);
      std::sort(out.begin(), out.end());
      return out;
    }
  }
}

// A random complete code: leaves are split until there are `symbols` of them.
inline std::vector<uint8_t> random_lengths(Random& random, unsigned symbols, unsigned limit) {
  std::vector<uint8_t> lengths = {0};
  while (lengths.size() < symbols) {
    const size_t i = below(random, 2) ? lengths.size() - 1 : below(random, lengths.size());
    const auto split = std::find_if(lengths.begin() + static_cast<ptrdiff_t>(i), lengths.end(),
                                    [&](uint8_t length) { return length < limit; });
    if (split == lengths.end()) {
      std::shuffle(lengths.begin(), lengths.end(), random);
      continue;
    }
    ++*split;
    lengths.push_back(*split);
  }
  std::shuffle(lengths.begin(), lengths.end(), random);
  return lengths;
}

// Spreads the lengths over 256 symbols in order.
inline std::vector<uint8_t> spread(Random& random, const std::vector<uint8_t>& lengths) {
  std::vector<uint8_t> out(codec::kMaxSymbols);
  std::vector<unsigned> places(codec::kMaxSymbols);
  for (unsigned i = 0; i < codec::kMaxSymbols; ++i) places[i] = i;
  std::shuffle(places.begin(), places.end(), random);
  for (size_t i = 0; i < lengths.size(); ++i) out[places[i]] = lengths[i];
  return out;
}

// Symbols drawn so that each occurs about as often as its code length says.
inline std::vector<uint8_t> symbols_of(Random& random, const codec::CodeLengths& code, size_t n) {
  std::vector<uint8_t> table;
  for (unsigned symbol = 0; symbol < codec::kMaxSymbols; ++symbol) {
    const unsigned length = code.length(symbol);
    if (length > 0)
      table.insert(table.end(), size_t{1} << (codec::kMaxCodeLength - length),
                   static_cast<uint8_t>(symbol));
  }
  std::vector<uint8_t> out(n);
  for (uint8_t& v : out) v = table[below(random, table.size())];
  return out;
}

inline std::vector<uint8_t> vector_of(const codec::CodeLengths& code) {
  return {code.lengths().begin(), code.lengths().end()};
}

}  // namespace dcf::impl::testing
