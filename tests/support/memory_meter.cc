// SPDX-License-Identifier: Apache-2.0
#include "support/memory_meter.h"

#include <malloc.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

std::atomic<size_t> live_bytes{0};
std::atomic<size_t> peak_bytes{0};
std::atomic<size_t> total_bytes{0};
std::atomic<size_t> allocation_count{0};
// Calls until the one that fails; negative: none will.
std::atomic<int64_t> until_failure{-1};

// An aligned block that is a mapping of its own is followed by what alignment left over, of a size
// that depends on its address, and malloc_usable_size() counts that. So there are no such mappings.
[[maybe_unused]] const int no_mappings = mallopt(M_MMAP_MAX, 0);

bool fails() noexcept {
  return until_failure.load() >= 0 && until_failure.fetch_sub(1) == 0;
}

void* counted(void* p) noexcept {
  if (p == nullptr) return nullptr;
  const size_t bytes = malloc_usable_size(p);
  ++allocation_count;
  total_bytes += bytes;
  const size_t now = live_bytes += bytes;
  size_t seen = peak_bytes;
  while (now > seen && !peak_bytes.compare_exchange_weak(seen, now)) {
  }
  return p;
}

void* take(size_t size) noexcept {
  return fails() ? nullptr : counted(std::malloc(size == 0 ? 1 : size));
}

void* take(size_t size, std::align_val_t align) noexcept {
  void* p = nullptr;
  if (fails()) return nullptr;
  if (posix_memalign(&p, static_cast<size_t>(align), size == 0 ? 1 : size) != 0) return nullptr;
  return counted(p);
}

void* or_throw(void* p) {
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

void give_back(void* p) noexcept {
  if (p != nullptr) live_bytes -= malloc_usable_size(p);
  std::free(p);
}

}  // namespace

namespace dcf::impl::testing {

MemoryMeter::MemoryMeter()
    : live_(live_bytes), allocations_(allocation_count), total_(total_bytes) {
  peak_bytes = live_;
}
size_t MemoryMeter::peak() const {
  return peak_bytes - live_;
}
size_t MemoryMeter::held() const {
  return live_bytes - live_;
}
size_t MemoryMeter::allocations() const {
  return allocation_count - allocations_;
}
size_t MemoryMeter::total() const {
  return total_bytes - total_;
}

AllocationFault::AllocationFault(size_t successes) {
  until_failure = static_cast<int64_t>(successes);
}
AllocationFault::~AllocationFault() {
  until_failure = -1;
}
bool AllocationFault::happened() const {
  return until_failure < 0;
}

}  // namespace dcf::impl::testing

// Each form by name: those that are left out may come from a sanitizer instead, which does not call
// the ones here. Alignments are powers of two of at least a pointer's size.
using std::align_val_t;
using std::nothrow_t;

void* operator new(size_t n) {
  return or_throw(take(n));
}
void* operator new[](size_t n) {
  return or_throw(take(n));
}
void* operator new(size_t n, const nothrow_t&) noexcept {
  return take(n);
}
void* operator new[](size_t n, const nothrow_t&) noexcept {
  return take(n);
}
void* operator new(size_t n, align_val_t a) {
  return or_throw(take(n, a));
}
void* operator new[](size_t n, align_val_t a) {
  return or_throw(take(n, a));
}
void* operator new(size_t n, align_val_t a, const nothrow_t&) noexcept {
  return take(n, a);
}
void* operator new[](size_t n, align_val_t a, const nothrow_t&) noexcept {
  return take(n, a);
}

void operator delete(void* p) noexcept {
  give_back(p);
}
void operator delete[](void* p) noexcept {
  give_back(p);
}
void operator delete(void* p, size_t) noexcept {
  give_back(p);
}
void operator delete[](void* p, size_t) noexcept {
  give_back(p);
}
void operator delete(void* p, const nothrow_t&) noexcept {
  give_back(p);
}
void operator delete[](void* p, const nothrow_t&) noexcept {
  give_back(p);
}
void operator delete(void* p, align_val_t) noexcept {
  give_back(p);
}
void operator delete[](void* p, align_val_t) noexcept {
  give_back(p);
}
void operator delete(void* p, size_t, align_val_t) noexcept {
  give_back(p);
}
void operator delete[](void* p, size_t, align_val_t) noexcept {
  give_back(p);
}
void operator delete(void* p, align_val_t, const nothrow_t&) noexcept {
  give_back(p);
}
void operator delete[](void* p, align_val_t, const nothrow_t&) noexcept {
  give_back(p);
}
