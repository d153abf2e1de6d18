// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace dcf::tools {

// How often a call is made to be measured: at least so many times, and as many more as fit into the
// time, up to a thousand.
struct Repeats {
  size_t least = 5;
  std::chrono::duration<double> time = std::chrono::milliseconds{100};
};

// For a model of so many tensors. Of very many each gets less time, so that small ones take about
// 20 seconds together.
inline Repeats repeats_for(size_t tensors) {
  constexpr size_t kMany = 1000;
  constexpr size_t kMeasured = 7;  // of a tensor: decoding, copying, loading and four products
  constexpr std::chrono::seconds kWhole{20};
  Repeats repeats;
  if (tensors <= kMany) return repeats;
  repeats.least = 1;
  repeats.time = std::chrono::duration<double>(kWhole) / static_cast<double>(tensors * kMeasured);
  return repeats;
}

// Seconds of one call, the median.
template <typename Call>
double median_seconds(const Call& call, const Repeats& repeats = {}) {
  using Clock = std::chrono::steady_clock;
  constexpr size_t kMost = 1000;
  std::vector<double> seconds;
  const Clock::time_point begin = Clock::now();
  Clock::time_point start = begin;
  while (seconds.size() < repeats.least ||
         (start - begin < repeats.time && seconds.size() < kMost)) {
    call();
    const Clock::time_point end = Clock::now();
    seconds.push_back(std::chrono::duration<double>(end - start).count());
    start = end;
  }
  const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::nth_element(seconds.begin(), middle, seconds.end());
  return *middle;
}

}  // namespace dcf::tools
