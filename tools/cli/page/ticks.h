// SPDX-License-Identifier: Apache-2.0
// Where an axis has its marks, and what stands at them.
#pragma once

#include <string>
#include <vector>

namespace dcf::tools::html {

struct Tick {
  double value;
  std::string label;
};

// Multiples of 1, 2 or 5 times a power of ten within [low, high], about `wanted` of them. low <
// high, both finite.
std::vector<Tick> linear_ticks(double low, double high, size_t wanted);

// Powers of ten within [low, high]. If there are more than `wanted`, only every n-th; if there are
// few, also twos and fives; if even these are few, linear ticks. 0 < low < high.
std::vector<Tick> log_ticks(double low, double high, size_t wanted);

// "0.05", "1200", "20k", "3M": `value` in as many decimals as a step of `step` needs.
std::string tick_label(double value, double step);

}  // namespace dcf::tools::html
