// SPDX-License-Identifier: Apache-2.0
#include "model/class_order.h"

#include <algorithm>
#include <cstring>

namespace dcf::impl::model {
namespace {

// Shorter runs are placed class by class: a walk over the elements waits at each of them for the
// place where its class goes on.
constexpr uint64_t kShortRun = 16;
constexpr uint64_t kCachedBytes = uint64_t{16} << 10;  // bytes that stay in the first-level cache

}  // namespace

ClassOrder::ClassOrder(const format::Encoding& encoding, Bytes map, const SpreadKernels* kernels)
    : run_(encoding.class_run), map_(map), units_(map.size()), kernels_(kernels) {
  for (const uint8_t c : map_) ++starts_[c + 1u];
  for (size_t c = 0; c < kMaxClasses; ++c) {
    of_period_[c] = run_ * starts_[c + 1];
    starts_[c + 1] += starts_[c];
  }
  std::array<uint32_t, kMaxClasses + 1> next = starts_;
  for (size_t u = 0; u < map_.size(); ++u) units_[next[map_[u]]++] = static_cast<uint32_t>(u);
  if (run_ == 1 && kernels_ != nullptr) columns_ = SpreadPlan(map_, kernels_->group);
}

uint64_t ClassOrder::memory(const format::Encoding& encoding) {
  return encoding.has_classes()
             ? sizeof(ClassOrder) + encoding.class_units * sizeof(uint32_t) +
                   (encoding.class_run == 1 ? SpreadPlan::memory(encoding.class_units) : 0)
             : 0;
}

ClassOrder::Counts ClassOrder::count(uint64_t first, uint32_t n) const {
  Counts counts{};
  for (size_t c = 0; c < kMaxClasses; ++c) {
    counts[c] = static_cast<uint32_t>(n / period() * of_period_[c]);
  }
  for_each_run(first, n % period(), [&](uint64_t, uint64_t length, uint8_t c) {
    counts[c] += static_cast<uint32_t>(length);
  });
  return counts;
}

void ClassOrder::spread(uint64_t first, size_t width, Bytes grouped, MutableBytes out) const {
  switch (width) {
    case 1:
      return spread_words<1>(first, grouped, out);
    case 2:
      return spread_words<2>(first, grouped, out);
    case 4:
      return spread_words<4>(first, grouped, out);
    default:
      return spread_words<8>(first, grouped, out);
  }
}

template <size_t kWidth>
void ClassOrder::spread_words(uint64_t first, Bytes grouped, MutableBytes out) const {
  uint64_t left = out.size() / kWidth;
  const Counts counts = count(first, static_cast<uint32_t>(left));
  SpreadSources from;
  const uint8_t* next = grouped.data();
  for (size_t c = 0; c < kMaxClasses; ++c) {
    from[c] = next;
    next += counts[c] * kWidth;
  }
  uint8_t* to = out.data();
  const auto walk = [&](uint64_t n) {
    for_each_run(first, n, [&](uint64_t at, uint64_t length, uint8_t c) {
      if (length == 1) {
        std::memcpy(to + at * kWidth, from[c], kWidth);
      } else {
        std::memcpy(to + at * kWidth, from[c], length * kWidth);
      }
      from[c] += length * kWidth;
    });
    to += n * kWidth;
    first += n;
  };
  if (run_ < kShortRun && left >= 2 * period()) {
    const uint64_t head = (period() - first % period()) % period();
    walk(head);
    left -= head;
    if (kWidth == 1 && !columns_.groups().empty()) {
      for (; left >= period(); left -= period(), first += period(), to += period()) {
        kernels_->row(columns_, from, static_cast<size_t>(period()), to);
        for (size_t c = 0; c < kMaxClasses; ++c) from[c] += of_period_[c];
      }
    }
    const uint64_t step = std::max<uint64_t>(kCachedBytes / kWidth / period(), 1) * period();
    while (left >= period()) {
      const uint64_t block = std::min(step, left / period() * period());
      for (size_t c = 0; c < kMaxClasses; ++c) {
        const uint8_t* symbols = from[c];
        const uint32_t* const begin = units_.data() + starts_[c];
        const uint32_t* const end = units_.data() + starts_[c + 1];
        for (uint8_t* row = to; row < to + block * kWidth; row += period() * kWidth) {
          if (run_ == 1) {
            for (const uint32_t* u = begin; u < end; ++u, symbols += kWidth) {
              std::memcpy(row + *u * kWidth, symbols, kWidth);
            }
          } else {
            for (const uint32_t* u = begin; u < end; ++u, symbols += run_ * kWidth) {
              uint8_t* const unit = row + *u * run_ * kWidth;
              for (uint64_t i = 0; i < run_ * kWidth; ++i) unit[i] = symbols[i];
            }
          }
        }
        from[c] = symbols;
      }
      to += block * kWidth;
      first += block;
      left -= block;
    }
  }
  walk(left);
}

}  // namespace dcf::impl::model
