// SPDX-License-Identifier: Apache-2.0
// A table of system calls that fails the k-th call: EIO, ENOSPC and so on once, or EINTR and short
// counts on every call. One plan at a time, set by the test; not thread-safe.
#pragma once

#include "io/syscalls.h"

namespace dcf::impl::io {

struct FaultPlan {
  int fail_at = -1;  // index of the call that fails with `error`; -1: none
  int error = 0;
  bool interrupt = false;     // each call first fails with EINTR once
  bool short_counts = false;  // reads and writes move one byte at a time
  bool no_tmpfile = false;    // as on a file system without O_TMPFILE
  bool no_noreplace = false;  // as on a file system without RENAME_NOREPLACE
  int stop_at = -1;           // from this call on nothing has an effect, as after a kill

  int calls = 0;            // counted by the table
  const char* failed = "";  // name of the call that failed
};

extern FaultPlan fault_plan;
const Syscalls& faulty_calls();

}  // namespace dcf::impl::io
