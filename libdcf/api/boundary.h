// SPDX-License-Identifier: Apache-2.0
// What every function of the C ABI does at its edge: no exception leaves, failures are described in
// the caller's dcf_error, structs are exchanged by their struct_size.
#pragma once

#include <algorithm>
#include <cstring>
#include <new>
#include <type_traits>

#include "base/parallel.h"
#include "base/status.h"
#include "dcf/dcf.h"

namespace dcf::impl {

// Fills *error (may be NULL) and returns the status for the caller.
dcf_status report(const Status& status, dcf_error* error);

// Runs body() -> Status and reports its result.
template <typename Body>
dcf_status guarded(dcf_error* error, Body body) {
  try {
    return report(body(), error);
  } catch (const std::bad_alloc&) {
    return report(fail(Code::OutOfMemory, "", "the machine is out of memory"), error);
  } catch (...) {
    return report(fail(Code::Internal, "", "an unexpected exception reached the interface"), error);
  }
}

inline Status invalid(const char* message) {
  return fail(Code::InvalidArgument, "", message);
}

// Copies a versioned struct from a caller that may know fewer fields: the rest keeps its defaults.
template <typename Struct>
Status copy_in(const Struct* from, Struct* to) {
  if (from == nullptr) return ok_status();
  if (from->struct_size < sizeof(size_t)) return invalid("struct_size is not set");
  std::memcpy(to, from, std::min(from->struct_size, sizeof(Struct)));
  to->struct_size = sizeof(Struct);
  return ok_status();
}
// And to one; the caller's struct_size stays.
template <typename Struct>
Status copy_out(const Struct& from, Struct* to) {
  if (to == nullptr || to->struct_size < sizeof(size_t)) return invalid("struct_size is not set");
  const size_t size = to->struct_size;
  std::memcpy(to, &from, std::min(size, sizeof(Struct)));
  to->struct_size = size;
  return ok_status();
}

// The number in an enum of the caller's, who may have put any there: in C++ even reading one that
// is no value of the enum would be undefined. Unsigned, so that a negative one is too great.
template <typename Enum>
std::make_unsigned_t<std::underlying_type_t<Enum>> number_in(const Enum& value) {
  std::make_unsigned_t<std::underlying_type_t<Enum>> number;
  std::memcpy(&number, &value, sizeof number);
  return number;
}

inline Parallel parallel_of(uint32_t threads, dcf_parallel_fn host, void* ctx) {
  return {threads, host, ctx};
}

}  // namespace dcf::impl
