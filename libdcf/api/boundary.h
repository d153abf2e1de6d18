// SPDX-License-Identifier: Apache-2.0
// The boundary of every function of the C ABI: no exception leaves, failures are described in the
// caller's dcf_error, structs are copied by their struct_size, outputs start initialised.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>

#include "api/struct_sizes.h"
#include "base/dtype.h"
#include "base/status.h"
#include "dcf/dcf.h"

namespace dcf::impl::api {

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

// Whether a struct of the caller has a size that an older, this or a newer release can have.
template <typename Struct>
bool has_valid_size(const Struct& of_caller) {
  return of_caller.struct_size >= kFirstSize<Struct> && of_caller.struct_size <= kMaxStructBytes;
}

// Copies a struct of the caller over the defaults in *to. Fields that a shorter one lacks keep
// their defaults; the bytes of a longer one that this library does not know must be 0.
template <typename Struct>
Status copy_in(const Struct* from, Struct* to) {
  if (from == nullptr) return ok_status();
  if (!has_valid_size(*from)) return invalid("struct_size is not that of the struct");
  const auto* bytes = reinterpret_cast<const unsigned char*>(from);
  for (size_t i = sizeof(Struct); i < from->struct_size; ++i) {
    if (bytes[i] != 0) return invalid("a struct has a field that this library does not know");
  }
  std::memcpy(to, from, std::min(from->struct_size, sizeof(Struct)));
  to->struct_size = sizeof(Struct);
  return ok_status();
}

// Element i of a caller's array, whose first struct_size is the distance from one to the next.
// Elements are read in order: the first one's size is checked before any other is reached.
template <typename Struct>
Status copy_in_at(const Struct* array, size_t i, Struct* to) {
  const size_t stride = array->struct_size;
  const auto* from =
      reinterpret_cast<const Struct*>(reinterpret_cast<const unsigned char*>(array) + i * stride);
  if (from->struct_size != stride) return invalid("struct_size differs in an array");
  return copy_in(from, to);
}

// Sets all fields of an output struct except struct_size to 0, up to the size of the caller's
// struct.
template <typename Struct>
void clear_out(Struct* to) {
  if (to == nullptr || !has_valid_size(*to)) return;
  std::memset(reinterpret_cast<unsigned char*>(to) + sizeof(size_t), 0,
              to->struct_size - sizeof(size_t));
}

// Copies to a struct of the caller, whose struct_size stays. Fields that this library does not know
// become 0.
template <typename Struct>
Status copy_out(const Struct& from, Struct* to) {
  if (to == nullptr) return invalid("the output is NULL");
  if (!has_valid_size(*to)) return invalid("struct_size is not that of the struct");
  clear_out(to);
  const size_t size = to->struct_size;
  std::memcpy(to, &from, std::min(size, sizeof(Struct)));
  to->struct_size = size;
  return ok_status();
}

// Sets an output that may be NULL.
template <typename T>
void set_out(T* out, T value) {
  if (out != nullptr) *out = value;
}

// The number in an enum of the caller. It may be none of the constants.
template <typename Enum>
uint32_t number_in(Enum value) {
  static_assert(sizeof(Enum) == sizeof(uint32_t));
  return static_cast<uint32_t>(value);
}

// Reads a flag of the caller; `sentence` names the field.
inline Status read_flag(uint32_t value, const char* sentence, bool* out) {
  if (value > 1) return invalid(sentence);
  *out = value != 0;
  return ok_status();
}

// A dtype, which the library may not know. It knows none above 255.
inline DType dtype_in(dcf_dtype dtype) {
  return static_cast<DType>(std::min<uint32_t>(number_in(dtype), UINT8_MAX));
}

}  // namespace dcf::impl::api
