// SPDX-License-Identifier: Apache-2.0
// What the classes of a tensor are found by: some of its units, and of each some elements.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "codec/code_lengths.h"

namespace dcf::impl::encode {

// For each unit the symbols that occur in it, ascending, and how often. At most UINT16_MAX elements
// of a unit are in the sample.
class ClassSample {
 public:
  struct Count {
    uint8_t symbol;
    uint16_t times;
  };

  // `counts`: by symbol.
  void add_unit(std::span<const uint16_t> counts) {
    // Which symbols a unit has cannot be predicted: no branch asks.
    std::array<Count, codec::kMaxSymbols> some;
    size_t n = 0;
    for (size_t s = 0; s < counts.size(); ++s) {
      some[n] = {static_cast<uint8_t>(s), counts[s]};
      n += counts[s] != 0;
      elements_ += counts[s];
    }
    counts_.insert(counts_.end(), some.begin(), some.begin() + static_cast<ptrdiff_t>(n));
    ends_.push_back(counts_.size());
  }

  size_t units() const { return ends_.size(); }
  std::span<const Count> unit(size_t u) const {
    const size_t begin = u == 0 ? 0 : ends_[u - 1];
    return std::span(counts_).subspan(begin, ends_[u] - begin);
  }
  uint64_t elements() const { return elements_; }
  codec::Histogram whole() const {
    codec::Histogram sum{};
    for (const Count& count : counts_) sum[count.symbol] += count.times;
    return sum;
  }

 private:
  std::vector<Count> counts_;
  std::vector<size_t> ends_;
  uint64_t elements_ = 0;
};

}  // namespace dcf::impl::encode
