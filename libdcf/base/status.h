// SPDX-License-Identifier: Apache-2.0
// Status and Result: how every layer reports failure. A Status is plain data and allocates nothing;
// its message is a static sentence. Where a rule of spec/dcf-format.md is broken, `rule` is its id.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "dcf/errors.h"

namespace dcf::impl {

enum class Code : uint16_t {
#define DCF_DEFINE_CODE(name, constant, number, cls, sentence) name = number,
  DCF_STATUS_LIST(DCF_DEFINE_CODE)
#undef DCF_DEFINE_CODE
};

inline constexpr uint64_t kNoOffset = UINT64_MAX;
inline constexpr uint64_t kNoTensor = UINT64_MAX;

struct [[nodiscard]] Status {
  Code code = Code::Ok;
  int system_error = 0;      // errno of a failed system call, or 0
  const char* rule = "";     // static; id of the broken rule, or ""
  const char* message = "";  // static; one sentence without a full stop
  uint64_t offset = kNoOffset;
  uint64_t tensor = kNoTensor;

  Status() = default;
  constexpr Status(Code of, const char* broken, const char* sentence)
      : code(of), rule(broken), message(sentence) {}

  bool ok() const { return code == Code::Ok; }
  // The same failure, located; an inner, more precise location wins.
  Status at(uint64_t byte_offset) const {
    Status s = *this;
    if (s.offset == kNoOffset) s.offset = byte_offset;
    return s;
  }
  Status in_tensor(uint64_t index) const {
    Status s = *this;
    if (s.tensor == kNoTensor) s.tensor = index;
    return s;
  }
};

inline Status ok_status() {
  return {};
}
inline Status fail(Code code, const char* rule, const char* message) {
  return {code, rule, message};
}
// The failure of a system call, or what stands for one, with its errno.
inline Status system_fail(Code code, int error, const char* message) {
  Status status = fail(code, "", message);
  status.system_error = error;
  return status;
}

inline Status invalid(const char* message) {
  return fail(Code::InvalidArgument, "", message);
}

// A value or the Status that explains its absence.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(status) {}     // NOLINT(google-explicit-constructor)
  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() { return *value_; }
  const T& value() const { return *value_; }
  T take() { return std::move(*value_); }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace dcf::impl

#define DCF_CONCAT_(a, b) a##b
#define DCF_CONCAT(a, b) DCF_CONCAT_(a, b)

// Leaves the function with the Status of a failed expression.
#define DCF_TRY(expression) DCF_TRY_(DCF_CONCAT(dcf_status_, __LINE__), expression)
#define DCF_TRY_(status, expression)           \
  do {                                         \
    ::dcf::impl::Status status = (expression); \
    if (!status.ok()) return status;           \
  } while (false)

// DCF_ASSIGN(auto x, f()): sets x to the value of a Result, or leaves the function with its Status.
#define DCF_ASSIGN(declaration, expression) \
  DCF_ASSIGN_(DCF_CONCAT(dcf_result_, __LINE__), declaration, expression)
#define DCF_ASSIGN_(result, declaration, expression) \
  auto result = (expression);                        \
  if (!result.ok()) return result.status();          \
  declaration = result.take()
