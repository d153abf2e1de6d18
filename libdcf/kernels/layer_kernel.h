// SPDX-License-Identifier: Apache-2.0
// A matrix packed for one way of multiplying. Immutable: any number of threads may use it at once.
//
// Sums are in float, in an order that the kernel fixes, with fused multiply-add where the machine
// has it. For a row of k weights |error| <= (k + 1) * 2^-24 / (1 - (k + 1) * 2^-24) * sum |w x|
// (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1). Absent weights contribute
// nothing, whatever x holds.
#pragma once

#include <cstdint>

#include "base/parallel.h"
#include "kernels/epilogue.h"

namespace dcf::impl::kernels {

class LayerKernel {
 public:
  LayerKernel() = default;
  LayerKernel(const LayerKernel&) = delete;
  LayerKernel& operator=(const LayerKernel&) = delete;
  virtual ~LayerKernel() = default;

  virtual const char* name() const = 0;
  virtual uint64_t packed_bytes() const = 0;
  // The most bytes that one call of apply() with this batch allocates.
  virtual uint64_t working_bytes(uint64_t batch, const Parallel& parallel) const = 0;
  // x is [batch, inputs]. y is [batch, outputs] and gets the sums, finished by `epilogue`. Results
  // are the same for any number of threads. Throws std::bad_alloc.
  virtual void apply(const float* x, uint64_t batch, float* y, const Parallel& parallel,
                     const Epilogue& epilogue) const = 0;
};

}  // namespace dcf::impl::kernels
