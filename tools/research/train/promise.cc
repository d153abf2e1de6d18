// SPDX-License-Identifier: Apache-2.0
#include "research/train/promise.h"

#include <fmt/format.h>

#include <cmath>

namespace dcf::tools {

double Verdict::excess() const {
  const double differ = static_cast<double>(lost) + static_cast<double>(won);
  if (differ == 0) return 0;
  return (static_cast<double>(lost) - static_cast<double>(won)) / std::sqrt(differ);
}

Promise::Promise(const Session& session, const TorchNet& plain, double tolerance)
    : validation_(session.validation),
      plain_(mistakes(plain, *session.validation)),
      tolerance_(tolerance) {}

Verdict Promise::judge(const TorchNet& net) const {
  const std::vector<uint8_t> wrong = mistakes(net, *validation_);
  Verdict verdict{error_percent(wrong), 0, 0, false};
  for (size_t i = 0; i < wrong.size(); ++i) {
    if (wrong[i] > plain_[i]) ++verdict.lost;
    if (wrong[i] < plain_[i]) ++verdict.won;
  }
  verdict.kept = verdict.excess() <= tolerance_;
  return verdict;
}

Promise Promise::with_tolerance(double tolerance) const {
  Promise other = *this;
  other.tolerance_ = tolerance;
  return other;
}

std::string text_of(const Verdict& verdict) {
  return fmt::format("validation error {:.2f} %, {} lost and {} won against the dense net{}",
                     verdict.error, verdict.lost, verdict.won, verdict.kept ? "" : ": too many");
}

}  // namespace dcf::tools
