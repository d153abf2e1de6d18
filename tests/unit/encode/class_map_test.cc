// SPDX-License-Identifier: Apache-2.0
// The elements of each class, in their order, for any axis and any part of a tensor.
#include "encode/content/class_map.h"

#include <gtest/gtest.h>

#include <random>

namespace dcf::impl::encode {
namespace {

std::vector<std::vector<uint8_t>> grouped_one_by_one(const format::Encoding& e, Bytes map,
                                                     uint64_t first, Bytes symbols, size_t width) {
  std::vector<std::vector<uint8_t>> groups(e.classes);
  for (size_t i = 0; i < symbols.size() / width; ++i) {
    std::vector<uint8_t>& group = groups[map[(first + i) / e.class_run % e.class_units]];
    const Bytes word = symbols.subspan(i * width, width);
    group.insert(group.end(), word.begin(), word.end());
  }
  return groups;
}

TEST(ClassMap, GroupsAreInTheOrderOfTheElements) {
  std::mt19937_64 rng(3);
  for (int round = 0; round < 600; ++round) {
    format::Encoding e;
    e.classes = static_cast<uint16_t>(2 + rng() % (kMaxClasses - 1));
    e.class_run = static_cast<uint32_t>(1 + rng() % (round % 2 == 0 ? 3 : 40));
    e.class_units = static_cast<uint32_t>(1 + rng() % 70);
    std::vector<uint8_t> map(e.class_units);
    for (uint8_t& c : map) c = static_cast<uint8_t>(rng() % e.classes);
    const size_t width = size_t{1} << rng() % 4;
    const uint64_t first = rng() % 5000;
    std::vector<uint8_t> symbols(rng() % 9000 * width);
    for (uint8_t& b : symbols) b = static_cast<uint8_t>(rng());
    ASSERT_EQ(group_by_class(e, map, first, symbols, width),
              grouped_one_by_one(e, map, first, symbols, width))
        << "classes " << e.classes << ", run " << e.class_run << ", units " << e.class_units
        << ", first " << first << ", width " << width << ", bytes " << symbols.size();
  }
}

}  // namespace
}  // namespace dcf::impl::encode
