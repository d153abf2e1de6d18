// SPDX-License-Identifier: Apache-2.0
// Base of the kernels that split the rows into parts, one task each, and read a copy of x that is
// padded or cut into blocks.
#pragma once

#include <algorithm>

#include "kernels/aligned.h"
#include "kernels/layer_kernel.h"

namespace dcf::impl::kernels {

class PartKernel : public LayerKernel {
 public:
  uint64_t working_bytes(uint64_t batch, const Parallel&) const final {
    return std::min(batch, kSamplesAtOnce) * copy_size_ * sizeof(float);
  }
  void apply(const float* x, uint64_t batch, float* y, const Parallel& parallel,
             const Epilogue& epilogue) const final {
    const AlignedFloats copies(std::min(batch, kSamplesAtOnce) * copy_size_);
    for (uint64_t first = 0; first < batch; first += kSamplesAtOnce) {
      const uint64_t count = std::min(kSamplesAtOnce, batch - first);
      for (uint64_t b = 0; b < count; ++b) {
        copy_sample(x + (first + b) * cols_, copies.data() + b * copy_size_);
      }
      parallel.run(count * parts(), [&](size_t item) {
        const uint64_t b = item % count;
        multiply(item / count, copies.data() + b * copy_size_, epilogue, y + (first + b) * rows_);
      });
    }
  }

 protected:
  PartKernel(uint64_t rows, uint64_t cols, uint64_t copy_size)
      : rows_(rows), cols_(cols), copy_size_(copy_size) {}

  virtual size_t parts() const = 0;
  // x: cols floats. copy: copy_size floats; sets all of them.
  virtual void copy_sample(const float* x, float* copy) const = 0;
  // Sets the outputs of the part's rows. y: the outputs of all rows.
  virtual void multiply(size_t part, const float* copy, const Epilogue& epilogue,
                        float* y) const = 0;

 private:
  static constexpr uint64_t kSamplesAtOnce = 16;

  uint64_t rows_;
  uint64_t cols_;
  uint64_t copy_size_;
};

}  // namespace dcf::impl::kernels
