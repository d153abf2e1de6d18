// SPDX-License-Identifier: Apache-2.0
// What a compressed network is held to: that it errs no more than the dense net of ordinary
// training. Both are asked the same validation images, and only those count that one of them alone
// gets right: an image that both find hard says nothing of their difference (McNemar, "Note on the
// sampling error of the difference between correlated proportions or percentages", 1947).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "research/train/session.h"

namespace dcf::tools {

struct Verdict {
  double error;   // percent of the validation images
  uint64_t lost;  // images that the dense net alone gets right
  uint64_t won;   // images that this net alone gets right
  bool kept;      // whether the promise is

  // lost - won in standard errors of that difference; below 0: this net errs less.
  double excess() const;
};

class Promise {
 public:
  // `tolerance`: the largest excess that still keeps the promise.
  Promise(const Session& session, const TorchNet& plain, double tolerance);

  Verdict judge(const TorchNet& net) const;
  // The same images and dense net, held to another tolerance.
  Promise with_tolerance(double tolerance) const;

 private:
  std::shared_ptr<const Samples> validation_;
  std::vector<uint8_t> plain_;  // 1 where the dense net is wrong
  double tolerance_;
};

// "validation error 1.20 %, 12 lost and 15 won against the dense net"
std::string text_of(const Verdict& verdict);

}  // namespace dcf::tools
