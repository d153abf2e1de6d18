// SPDX-License-Identifier: Apache-2.0
#include "codec/package_merge.h"

#include <algorithm>

namespace dcf::impl::codec {
namespace {

// Replaces weights, which do not fall, by the lengths of an optimal code without a limit of length,
// in linear time (Moffat and Katajainen, In-Place Calculation of Minimum-Redundancy Codes, 1995).
// Inner nodes take the places of the leaves that they have used up. At least two weights.
void replace_by_lengths(std::span<uint64_t> a) {
  const size_t n = a.size();
  // Weights of the inner nodes; those that have a parent hold its index.
  a[0] += a[1];
  size_t root = 0;
  size_t leaf = 2;
  for (size_t next = 1; next + 1 < n; ++next) {
    const auto take = [&](bool first) {
      const bool inner = root < next && (leaf >= n || a[root] < a[leaf]);
      const uint64_t weight = inner ? a[root] : a[leaf];
      a[next] = first ? weight : a[next] + weight;
      if (inner) {
        a[root++] = next;
      } else {
        ++leaf;
      }
    };
    take(true);
    take(false);
  }
  // Depths of the inner nodes, from the root down.
  a[n - 2] = 0;
  for (size_t next = n - 2; next-- > 0;) a[next] = a[a[next]] + 1;
  // Depths of the leaves: at each depth, those nodes that are no inner ones.
  uint64_t available = 1;
  uint64_t depth = 0;
  size_t inner = n - 1;  // inner nodes below this index are not counted yet
  size_t next = n;
  while (available > 0) {
    uint64_t used = 0;
    for (; inner > 0 && a[inner - 1] == depth; --inner) ++used;
    for (; available > used; --available) a[--next] = depth;
    available = 2 * used;
    ++depth;
  }
}

}  // namespace

// Most codes keep to the limit by themselves; both ways give them the same lengths where weights
// are equal. The others are found by packages: a symbol with a code of length l is l coins of its
// count, one of each value 2^-1 .. 2^-l; the cheapest set of coins worth (symbols - 1) is the
// optimal code. Level by level, from the smallest value on, coins are paired up to packages, which
// compete with the coins of the next value.
Result<CodeLengths> optimal_code_lengths(std::span<const uint64_t> histogram, unsigned limit) {
  constexpr size_t kMaxItems = 2 * kMaxSymbols;
  struct Leaf {
    uint64_t weight;
    unsigned symbol;
  };
  std::array<Leaf, kMaxSymbols> leaves;
  size_t n = 0;
  if (histogram.size() > kMaxSymbols || limit < 1 || limit > kMaxCodeLength) {
    return fail(Code::InvalidArgument, "", "the histogram or the length limit is out of range");
  }
  for (unsigned i = 0; i < histogram.size(); ++i) {
    if (histogram[i] > 0) leaves[n++] = {histogram[i], i};
  }
  if (n < 2 || n > size_t{1} << limit) {
    return fail(Code::InvalidArgument, "", "no code of this length limit has so many symbols");
  }
  std::sort(leaves.begin(), leaves.begin() + n, [](const Leaf& a, const Leaf& b) {
    return a.weight != b.weight ? a.weight < b.weight : a.symbol < b.symbol;
  });

  std::array<uint8_t, kMaxSymbols> lengths{};
  std::array<uint64_t, kMaxSymbols> unlimited;
  for (size_t i = 0; i < n; ++i) unlimited[i] = leaves[i].weight;
  replace_by_lengths({unlimited.data(), n});
  if (unlimited[0] <= limit) {
    for (size_t i = 0; i < n; ++i) lengths[leaves[i].symbol] = static_cast<uint8_t>(unlimited[i]);
    return make_code_lengths(Bytes(lengths).first(histogram.size()));
  }

  // Level 0 holds the coins of the smallest value. is_package[l][i]: item i of level l is a
  // package.
  std::array<std::array<bool, kMaxItems>, kMaxCodeLength> is_package;
  std::array<uint64_t, kMaxItems> items;
  std::array<uint64_t, kMaxItems> merged;
  size_t count = 0;
  for (unsigned level = 0; level < limit; ++level) {
    const size_t packages = count / 2;
    size_t leaf = 0;
    size_t package = 0;
    for (count = 0; leaf < n || package < packages; ++count) {
      const uint64_t pair =
          package < packages ? items[2 * package] + items[2 * package + 1] : UINT64_MAX;
      const bool take_package = leaf == n || pair < leaves[leaf].weight;
      is_package[level][count] = take_package;
      merged[count] = take_package ? pair : leaves[leaf].weight;
      ++(take_package ? package : leaf);
    }
    std::swap(items, merged);
  }

  size_t take = 2 * n - 2;
  for (unsigned level = limit; level-- > 0;) {
    size_t packages = 0;
    for (size_t i = 0; i < take; ++i) packages += is_package[level][i];
    for (size_t i = 0; i < take - packages; ++i) ++lengths[leaves[i].symbol];
    take = 2 * packages;
  }
  return make_code_lengths(Bytes(lengths).first(histogram.size()));
}

}  // namespace dcf::impl::codec
