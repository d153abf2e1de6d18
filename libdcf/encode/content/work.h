// SPDX-License-Identifier: Apache-2.0
// What the encoding of one tensor may use: threads, memory, and the progress callback.
#pragma once

#include <algorithm>

#include "base/parallel.h"
#include "encode/content/fallible.h"
#include "encode/content/write_progress.h"

namespace dcf::impl::encode {

struct Work {
  const Parallel& parallel;
  Progress& progress;
  uint64_t memory = 0;  // bytes that may be allocated besides the caller's inputs

  // As many threads as the memory allows for items of up to `bytes` each. LimitMemory if not even
  // one item fits.
  Result<Parallel> threads_for(uint64_t bytes) const {
    Parallel allowed = parallel;
    const uint64_t most = memory / std::max<uint64_t>(bytes, 1);
    if (most == 0) return fail(Code::LimitMemory, "", "encoding needs more memory than the limit");
    if (most < parallel.width()) allowed.threads = static_cast<unsigned>(most);
    return allowed;
  }

  // run_fallible(), which moves the progress after some tasks at a time, three quarters of the way
  // from where it is to the end.
  template <typename Body>
  Status run_reporting(const Parallel& threads, size_t n, Body body) const {
    constexpr size_t kOfThread = 4;
    const size_t batch = kOfThread * threads.width();
    const uint64_t from = progress.done();
    for (size_t first = 0; first < n; first += batch) {
      const size_t count = std::min(batch, n - first);
      DCF_TRY(run_fallible(threads, count, [&](size_t i) { return body(first + i); }));
      DCF_TRY(progress.update_part(from, first + count, n));
    }
    return ok_status();
  }
};

}  // namespace dcf::impl::encode
