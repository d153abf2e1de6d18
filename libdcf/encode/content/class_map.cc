// SPDX-License-Identifier: Apache-2.0
#include "encode/content/class_map.h"

#include <array>
#include <cstring>

namespace dcf::impl::encode {
namespace {

// Units that are shorter than this many bytes are moved word by word, whole periods at a time.
constexpr size_t kShortUnit = 32;
constexpr uint64_t kLongestPeriod = uint64_t{1} << 14;

using Ends = std::array<uint8_t*, kMaxClasses>;

// The elements of a period by class, and how many each class has.
struct PeriodOrder {
  std::vector<uint32_t> elements;
  std::array<size_t, kMaxClasses> counts{};

  PeriodOrder(ClassAxis axis, Bytes class_map) {
    elements.reserve(static_cast<size_t>(axis.period()));
    for (size_t c = 0; c < kMaxClasses; ++c) {
      const size_t before = elements.size();
      for (uint32_t unit = 0; unit < axis.units; ++unit) {
        if (class_map[unit] != c) continue;
        for (uint32_t i = 0; i < axis.run; ++i) elements.push_back(unit * axis.run + i);
      }
      counts[c] = elements.size() - before;
    }
  }
};

template <size_t kWidth>
void move_periods(const uint8_t* from, uint64_t periods, const PeriodOrder& order, Ends* to) {
  for (; periods > 0; --periods, from += kWidth * order.elements.size()) {
    const uint32_t* element = order.elements.data();
    for (size_t c = 0; c < kMaxClasses; ++c) {
      uint8_t* const out = (*to)[c];
      const size_t count = order.counts[c];
      for (size_t i = 0; i < count; ++i) {
        std::memcpy(out + i * kWidth, from + size_t{element[i]} * kWidth, kWidth);
      }
      element += count;
      (*to)[c] += count * kWidth;
    }
  }
}

void move_units(ClassAxis axis, Bytes class_map, uint64_t first, Bytes symbols, size_t width,
                Ends* to) {
  for_each_unit(axis, first, symbols.size() / width,
                [&](uint64_t at, uint64_t length, uint32_t unit) {
                  uint8_t*& end = (*to)[class_map[unit]];
                  const uint8_t* const from = symbols.data() + at * width;
                  end = std::copy(from, from + length * width, end);
                });
}

}  // namespace

std::vector<std::vector<uint8_t>> group_by_class(const format::Encoding& encoding, Bytes class_map,
                                                 uint64_t first, Bytes symbols, size_t width) {
  const ClassAxis axis{encoding.class_run, encoding.class_units};
  const uint64_t period = axis.period();
  const uint64_t elements = symbols.size() / width;
  // Whole periods, and what is before and after them.
  const uint64_t before = std::min((period - first % period) % period, elements);
  const uint64_t periods = (elements - before) / period;
  const uint64_t after = elements - before - periods * period;
  const uint64_t last = first + before + periods * period;

  std::array<size_t, kMaxClasses> counts{};
  const auto count = [&](uint64_t at, uint64_t n, uint64_t times) {
    for_each_unit(axis, at, n, [&](uint64_t, uint64_t length, uint32_t unit) {
      counts[class_map[unit]] += static_cast<size_t>(length * times * width);
    });
  };
  count(first, before, 1);
  count(0, periods > 0 ? period : 0, periods);
  count(last, after, 1);
  std::vector<std::vector<uint8_t>> groups(encoding.classes);
  Ends to{};
  for (size_t c = 0; c < groups.size(); ++c) {
    groups[c].resize(counts[c]);
    to[c] = groups[c].data();
  }

  const auto part = [&](uint64_t at, uint64_t n) {
    return symbols.subspan(static_cast<size_t>((at - first) * width),
                           static_cast<size_t>(n * width));
  };
  if (axis.run * width >= kShortUnit || period > kLongestPeriod || periods < 2) {
    move_units(axis, class_map, first, symbols, width, &to);
    return groups;
  }
  move_units(axis, class_map, first, part(first, before), width, &to);
  const uint8_t* const from = part(first + before, 0).data();
  const PeriodOrder order(axis, class_map);
  switch (width) {
    case 1:
      move_periods<1>(from, periods, order, &to);
      break;
    case 2:
      move_periods<2>(from, periods, order, &to);
      break;
    case 4:
      move_periods<4>(from, periods, order, &to);
      break;
    default:
      move_periods<8>(from, periods, order, &to);
      break;
  }
  move_units(axis, class_map, last, part(last, after), width, &to);
  return groups;
}

}  // namespace dcf::impl::encode
