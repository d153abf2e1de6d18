// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cli/progress.h"

namespace dcf::tools {

// A progress bar for each pass over the data, one at a time.
class PassBar {
 public:
  explicit PassBar(bool wanted) : wanted_(wanted) {}

  void advance(const std::string& pass, uint64_t done, uint64_t total) {
    if (pass != pass_ || bar_ == nullptr) {
      bar_.reset();  // before the next one is drawn
      bar_ = std::make_unique<Progress>(pass, total, ProgressOutput{.bar = wanted_},
                                        Progress::Unit::kSteps);
      pass_ = pass;
    }
    bar_->update(done);
  }
  // Before anything else is printed.
  void clear() { bar_.reset(); }

 private:
  bool wanted_;
  std::string pass_;
  std::unique_ptr<Progress> bar_;
};

}  // namespace dcf::tools
