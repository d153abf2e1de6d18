// SPDX-License-Identifier: Apache-2.0
// A tensor of a file, packed once for being multiplied many times. Needs the file no longer.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/conv2d.h"
#include "kernels/layer_kernel.h"
#include "model/decode_progress.h"
#include "model/model.h"

namespace dcf::impl {

// What LayerOptions.kernel takes: the names of all kernels. Static storage.
std::span<const char* const> layer_kernel_names();

struct LayerOptions {
  uint64_t batch = 1;       // that apply() is mostly called with
  std::string_view kernel;  // a LayerKernel's name; empty: the fastest
  Parallel parallel;
  double input_density = 1;  // share of the inputs that is mostly not zero
  ProgressStep progress;     // of the encoded bytes
  // Empty: none; else one per row, or per output channel. Copied.
  std::span<const float> bias;
  bool relu = false;
};

class Layer {
 public:
  // y = w x. LimitMemory where entries and packed layer do not fit into the file's memory limit,
  // InvalidArgument where no kernel has the name asked for, or it does not fit this layer.
  static Result<std::unique_ptr<Layer>> linear(const Model& model, size_t tensor,
                                               const LayerOptions& options);
  // `conv` is complete for the tensor.
  static Result<std::unique_ptr<Layer>> convolution(const Model& model, size_t tensor,
                                                    const Conv2d& conv,
                                                    const LayerOptions& options);

  const LayerKernel& kernel() const { return *kernel_; }
  uint64_t inputs() const { return inputs_; }  // floats of one sample
  uint64_t outputs() const { return outputs_; }
  uint64_t nonzeros() const { return nonzeros_; }
  std::span<const float> bias() const { return bias_; }
  bool has_relu() const { return relu_; }
  uint64_t packed_bytes() const { return kernel_->packed_bytes() + bias_.size() * sizeof(float); }
  uint64_t working_bytes(uint64_t batch) const { return kernel_->working_bytes(batch, parallel_); }

  // LimitMemory where the scratch of so large a batch does not fit beside the layer and what other
  // calls take meanwhile.
  Status apply(const float* x, uint64_t batch, float* y) const;

 private:
  Layer() = default;
  static Result<std::unique_ptr<Layer>> around(std::unique_ptr<LayerKernel> kernel,
                                               const Model& model, size_t tensor,
                                               const LayerOptions& options, uint64_t nonzeros,
                                               uint64_t inputs, uint64_t outputs);

  std::unique_ptr<LayerKernel> kernel_;
  Parallel parallel_;
  std::vector<float> bias_;
  bool relu_ = false;
  uint64_t inputs_ = 0;
  uint64_t outputs_ = 0;
  uint64_t nonzeros_ = 0;
  mutable MemoryBudget scratch_;  // what the layer leaves of its file's max_memory
};

}  // namespace dcf::impl
