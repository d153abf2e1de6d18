// SPDX-License-Identifier: Apache-2.0
#include "encode/class_map.h"

#include <array>

namespace dcf::impl {

std::vector<std::vector<uint8_t>> group_by_class(const Encoding& encoding, Bytes class_map,
                                                 uint64_t first, Bytes symbols, size_t width) {
  const ClassAxis axis{encoding.class_run, encoding.class_units};
  std::array<size_t, kMaxClasses> counts{};
  const size_t elements = symbols.size() / width;
  for_each_unit(axis, first, elements, [&](uint64_t, uint64_t length, uint32_t unit) {
    counts[class_map[unit]] += length * width;
  });
  std::vector<std::vector<uint8_t>> groups(encoding.classes);
  std::array<uint8_t*, kMaxClasses> to{};
  for (size_t c = 0; c < groups.size(); ++c) {
    groups[c].resize(counts[c]);
    to[c] = groups[c].data();
  }
  for_each_unit(axis, first, elements, [&](uint64_t at, uint64_t length, uint32_t unit) {
    uint8_t*& end = to[class_map[unit]];
    const uint8_t* const from = symbols.data() + at * width;
    if (length * width == 1) {
      *end++ = *from;
    } else {
      end = std::copy(from, from + length * width, end);
    }
  });
  return groups;
}

}  // namespace dcf::impl
