// SPDX-License-Identifier: Apache-2.0
// Arithmetic on sizes that came from a file or a caller. Every product and sum of such numbers uses
// these functions. False means that the result does not fit; *out must not be used then.
#pragma once

#include <cstdint>
#include <limits>

namespace dcf::impl {

[[nodiscard]] inline bool checked_add(uint64_t a, uint64_t b, uint64_t* out) {
  return !__builtin_add_overflow(a, b, out);
}
[[nodiscard]] inline bool checked_mul(uint64_t a, uint64_t b, uint64_t* out) {
  return !__builtin_mul_overflow(a, b, out);
}
// ceil(a / b) for b > 0; cannot overflow.
inline constexpr uint64_t ceil_div(uint64_t a, uint64_t b) {
  return a / b + (a % b != 0);
}

}  // namespace dcf::impl
