// SPDX-License-Identifier: Apache-2.0
#include "cli/coding_progress.h"

#include <utility>

namespace dcf::tools {

void CodingProgress::start(const std::string& label, uint64_t total, ProgressOutput output) {
  const std::lock_guard lock(mutex_);
  read_ = coded_before_ = coded_ = 0;
  shown_.emplace(label, total, output);
}

void CodingProgress::stop() {
  const std::lock_guard lock(mutex_);
  shown_.reset();
}

void CodingProgress::read(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  read_ += bytes;
  show();
}

int CodingProgress::coded(void* self, uint64_t done, uint64_t /*total*/) {
  auto* const progress = static_cast<CodingProgress*>(self);
  const std::lock_guard lock(progress->mutex_);
  if (done < progress->coded_) progress->coded_before_ += progress->coded_;
  progress->coded_ = done;
  progress->show();
  return 0;
}

uint64_t CodingProgress::done() const {
  const std::lock_guard lock(mutex_);
  return weighed();
}

// Reading is an eighth of the work, at most.
uint64_t CodingProgress::weighed() const {
  constexpr uint64_t kReading = 8;
  const uint64_t coded = coded_before_ + coded_;
  return coded - coded / kReading + read_ / kReading;
}

void CodingProgress::show() {
  if (shown_) shown_->update(weighed());
}

}  // namespace dcf::tools
