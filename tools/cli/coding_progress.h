// SPDX-License-Identifier: Apache-2.0
// How far a writer has come with its tensors: reading one takes moments, rounding it may take many
// seconds.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "cli/progress.h"

namespace dcf::tools {

// Any thread may report. Stays where it is.
class CodingProgress {
 public:
  CodingProgress() = default;
  CodingProgress(const CodingProgress&) = delete;
  CodingProgress& operator=(const CodingProgress&) = delete;

  // Shows the work on tensors of `total` bytes, until stop().
  void start(const std::string& label, uint64_t total, ProgressOutput output);
  void stop();

  // So many more bytes were read.
  void read(uint64_t bytes);
  // The dcf_progress_fn of a writer, with this as `ctx`: each of its calls counts from 0.
  static int coded(void* self, uint64_t done, uint64_t total);

  // Of the total.
  uint64_t done() const;

 private:
  uint64_t weighed() const;
  void show();

  mutable std::mutex mutex_;
  std::optional<Progress> shown_;
  uint64_t read_ = 0;
  uint64_t coded_before_ = 0;  // by calls that have ended
  uint64_t coded_ = 0;         // by the last one
};

}  // namespace dcf::tools
