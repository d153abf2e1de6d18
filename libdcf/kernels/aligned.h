// SPDX-License-Identifier: Apache-2.0
// An array of floats that starts on a cache line: a vector loaded across two lines costs twice.
#pragma once

#include <cstdint>
#include <memory>
#include <new>

namespace dcf::impl::kernels {

class AlignedFloats {
 public:
  // Not initialised. Throws std::bad_alloc.
  explicit AlignedFloats(uint64_t n)
      : data_(static_cast<float*>(::operator new[](n * sizeof(float), kLine))) {}
  float* data() const { return data_.get(); }

 private:
  static constexpr std::align_val_t kLine{64};
  struct Free {
    void operator()(float* p) const { ::operator delete[](p, kLine); }
  };
  std::unique_ptr<float[], Free> data_;
};

}  // namespace dcf::impl::kernels
