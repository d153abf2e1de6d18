// SPDX-License-Identifier: Apache-2.0
// Part of dcf/dcf.hpp: results, buffers, and the names of the constants of the C ABI.
#ifndef DCF_HPP_RESULT_HPP_
#define DCF_HPP_RESULT_HPP_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "dcf/dcf.h"

#ifndef __cpp_lib_span
#error "dcf.hpp needs C++20"
#endif

#ifdef __cpp_exceptions
#include <stdexcept>
#endif

namespace dcf {

#ifdef __cpp_exceptions
// What value() throws.
class Failure : public std::runtime_error {
 public:
  explicit Failure(const dcf_error& error) : std::runtime_error(error.message), error_(error) {}
  const dcf_error& error() const { return error_; }
  // errno of a failed system call, or 0.
  int system_error() const { return error_.system_error; }

 private:
  dcf_error error_;
};
#endif

namespace detail {

// Called where a program asks for the value of a failure: throws Failure, or aborts without
// exceptions.
[[noreturn]] inline void fail(const dcf_error& error) {
#ifdef __cpp_exceptions
  throw Failure(error);
#else
  std::fprintf(stderr, "dcf: %s\n", error.message);
  std::abort();
#endif
}

inline dcf_error make_error(dcf_status status, const char* message) {
  dcf_error error = DCF_ERROR_INIT;
  error.status = status;
  std::snprintf(error.message, sizeof error.message, "%s", message);
  return error;
}

inline dcf_error invalid(const char* message) {
  return make_error(DCF_STATUS_INVALID_ARGUMENT, message);
}

// An empty optional array is NULL.
template <typename T>
const T* or_null(std::span<const T> array) {
  return array.empty() ? nullptr : array.data();
}
inline bool fits(size_t optional, size_t n) {
  return optional == 0 || optional == n;
}
inline dcf_error sizes_differ() {
  return invalid("the sizes of the arrays differ");
}
// Whether an array is that of `batch` samples, no longer. Of no samples the call itself says what
// it thinks.
inline bool is_batch(size_t n, uint64_t batch, uint64_t of_sample) {
  return batch == 0 || (n % batch == 0 && n / batch == of_sample);
}
inline dcf_error no_batch() {
  return invalid("the size of an array is not that of the batch");
}

}  // namespace detail

// A value, or the dcf_error that explains its absence. operator* and -> need a value. Without one,
// value() throws Failure, or aborts in a program without exceptions. A result that is about to end
// gives its value away.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(const dcf_error& error) : error_(error) {}  // NOLINT(google-explicit-constructor)
  explicit operator bool() const { return value_.has_value(); }
  dcf_status status() const { return error_.status; }
  const dcf_error& error() const { return error_; }
  // errno of a failed system call, or 0.
  int system_error() const { return error_.system_error; }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T operator*() && { return *std::move(value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  T& value() & {
    if (!value_) detail::fail(error_);
    return *value_;
  }
  const T& value() const& {
    if (!value_) detail::fail(error_);
    return *value_;
  }
  T value() && {
    if (!value_) detail::fail(error_);
    return *std::move(value_);
  }

 private:
  std::optional<T> value_;
  dcf_error error_ = DCF_ERROR_INIT;
};

// Success, or the dcf_error that explains its absence.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(const dcf_error& error) : error_(error) {}  // NOLINT(google-explicit-constructor)
  explicit operator bool() const { return error_.status == DCF_OK; }
  dcf_status status() const { return error_.status; }
  const dcf_error& error() const { return error_; }
  int system_error() const { return error_.system_error; }
  void value() const {
    if (error_.status != DCF_OK) detail::fail(error_);
  }

 private:
  dcf_error error_ = DCF_ERROR_INIT;
};
using Status = Result<void>;

// A block of elements that it owns. The elements are not initialised. A failed allocation is a
// status, not an exception.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  // LimitMemory above max_bytes, OutOfMemory if the allocation fails.
  static Result<Buffer> allocate(uint64_t elements, uint64_t max_bytes) {
    if (elements > max_bytes / sizeof(T)) {
      return detail::make_error(DCF_STATUS_LIMIT_MEMORY, "the result needs more than max_bytes");
    }
    Buffer buffer;
    if (elements > PTRDIFF_MAX / sizeof(T)) {
      return detail::make_error(DCF_STATUS_OUT_OF_MEMORY, "the result is beyond any memory");
    }
    buffer.size_ = static_cast<size_t>(elements);
    if (elements != 0) buffer.data_.reset(new (std::nothrow) T[buffer.size_]);
    if (elements != 0 && buffer.data_ == nullptr) {
      return detail::make_error(DCF_STATUS_OUT_OF_MEMORY, "the machine is out of memory");
    }
    return buffer;
  }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* begin() { return data_.get(); }
  T* end() { return data_.get() + size_; }
  const T* begin() const { return data_.get(); }
  const T* end() const { return data_.get() + size_; }
  // Not of a buffer that is about to end.
  std::span<T> span() & { return {data_.get(), size_}; }
  std::span<const T> span() const& { return {data_.get(), size_}; }
  std::span<T> span() && = delete;
  friend bool operator==(const Buffer& a, const Buffer& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }
  // NULL if index is not below size().
  const T* at(size_t index) const { return index < size_ ? data_.get() + index : nullptr; }

 private:
  std::unique_ptr<T[]> data_;
  size_t size_ = 0;
};

// The dtype of a C++ type; DCF_DTYPE_NONE for other types.
template <typename T>
inline constexpr dcf_dtype dtype_of = DCF_DTYPE_NONE;
template <>
inline constexpr dcf_dtype dtype_of<double> = DCF_DTYPE_F64;
template <>
inline constexpr dcf_dtype dtype_of<float> = DCF_DTYPE_F32;
template <>
inline constexpr dcf_dtype dtype_of<int64_t> = DCF_DTYPE_I64;
template <>
inline constexpr dcf_dtype dtype_of<int32_t> = DCF_DTYPE_I32;
template <>
inline constexpr dcf_dtype dtype_of<int16_t> = DCF_DTYPE_I16;
template <>
inline constexpr dcf_dtype dtype_of<int8_t> = DCF_DTYPE_I8;
template <>
inline constexpr dcf_dtype dtype_of<uint64_t> = DCF_DTYPE_U64;
template <>
inline constexpr dcf_dtype dtype_of<uint32_t> = DCF_DTYPE_U32;
template <>
inline constexpr dcf_dtype dtype_of<uint16_t> = DCF_DTYPE_U16;
template <>
inline constexpr dcf_dtype dtype_of<uint8_t> = DCF_DTYPE_U8;

inline std::string_view name(dcf_status status) {
  return dcf_status_name(status);
}
inline std::string_view sentence(dcf_status status) {
  return dcf_status_sentence(status);
}
inline enum dcf_status_class class_of(dcf_status status) {
  return dcf_status_class(status);
}
inline std::string_view name(dcf_dtype dtype) {
  return dcf_dtype_name(dtype);
}
inline uint32_t bits(dcf_dtype dtype) {
  return dcf_dtype_bits(dtype);
}
inline std::string_view name(dcf_positions positions) {
  return dcf_positions_name(positions);
}
inline std::string_view name(dcf_values values) {
  return dcf_values_name(values);
}
inline std::string_view name(dcf_fidelity fidelity) {
  return dcf_fidelity_name(fidelity);
}
inline uint32_t version_number() {
  return dcf_version_number();
}
inline std::string_view version_string() {
  return dcf_version_string();
}

namespace detail {

// Calls f(&error) -> dcf_status and gives its result.
template <typename F>
Status call(F f) {
  dcf_error error = DCF_ERROR_INIT;
  if (f(&error) != DCF_OK) return error;
  return {};
}

// A dcf_progress_fn that calls a Progress(done, total) -> bool, whether to go on.
template <typename Progress>
int progress_fn(void* ctx, uint64_t done, uint64_t total) {
  return (*static_cast<Progress*>(ctx))(done, total) ? 0 : 1;
}

}  // namespace detail

}  // namespace dcf

#endif  // DCF_HPP_RESULT_HPP_
