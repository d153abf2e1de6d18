// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

namespace dcf::tools {

// Seconds of one call: the median of at least 5 calls, and of as many more as fit into a tenth of a
// second, up to a thousand.
template <typename Call>
double median_seconds(const Call& call) {
  using Clock = std::chrono::steady_clock;
  constexpr size_t kLeast = 5;
  constexpr size_t kMost = 1000;
  constexpr std::chrono::milliseconds kBudget{100};
  std::vector<double> seconds;
  const Clock::time_point begin = Clock::now();
  Clock::time_point start = begin;
  while (seconds.size() < kLeast || (start - begin < kBudget && seconds.size() < kMost)) {
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
