// SPDX-License-Identifier: Apache-2.0
// Counts the memory that a test program takes through operator new, in all its forms. A program
// that links dcf_memory_meter has its operators replaced by counting ones. Any thread may allocate;
// make and read a meter while no other thread does.
#pragma once

#include <cstddef>

namespace dcf::impl::testing {

class MemoryMeter {
 public:
  MemoryMeter();
  // Bytes allocated at the worst moment since this was made, beyond those of that time.
  size_t peak() const;
  // Bytes allocated now, beyond those of the time when this was made.
  size_t held() const;
  // Calls of operator new since this was made, and the bytes they gave in all.
  size_t allocations() const;
  size_t total() const;

 private:
  size_t live_;
  size_t allocations_;
  size_t total_;
};

// While it lives, one call of operator new fails: the one after `successes` more of them.
class AllocationFault {
 public:
  explicit AllocationFault(size_t successes);
  ~AllocationFault();
  AllocationFault(const AllocationFault&) = delete;
  AllocationFault& operator=(const AllocationFault&) = delete;

  // Whether the call has come.
  bool happened() const;
};

}  // namespace dcf::impl::testing
