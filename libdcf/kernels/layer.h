// SPDX-License-Identifier: Apache-2.0
// A tensor of a file, packed once to be multiplied many times. It does not need the file any more.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/conv2d.h"
#include "kernels/layer_kernel.h"
#include "model/decode_progress.h"
#include "model/model.h"

namespace dcf::impl::kernels {

// What LayerOptions.kernel takes: the names of all kernels. Static storage.
std::span<const char* const> layer_kernel_names();

struct LayerOptions {
  uint64_t batch = 1;       // the usual batch of apply()
  std::string_view kernel;  // a LayerKernel's name; empty: the fastest
  Parallel parallel;
  double input_density = 1;      // expected fraction of the inputs that is not zero
  model::ProgressStep progress;  // gets the encoded bytes
  // One per row, or per output channel; empty: none. Copied.
  std::span<const float> bias;
  bool relu = false;
};

class Layer {
 public:
  // y = w x. LimitMemory if entries and packed layer do not fit in the file's memory limit;
  // InvalidArgument if no kernel has the name asked for, or if that kernel does not take this
  // layer.
  static Result<std::unique_ptr<Layer>> linear(const model::Model& model, size_t tensor,
                                               const LayerOptions& options);
  // conv.complete() has succeeded for the tensor.
  static Result<std::unique_ptr<Layer>> convolution(const model::Model& model, size_t tensor,
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

  // LimitMemory if the scratch for the batch does not fit beside the layer and what other calls
  // hold meanwhile.
  Status apply(const float* x, uint64_t batch, float* y) const;

 private:
  Layer() = default;
  static Result<std::unique_ptr<Layer>> around(std::unique_ptr<LayerKernel> kernel,
                                               const model::Model& model, size_t tensor,
                                               const LayerOptions& options, uint64_t nonzeros,
                                               uint64_t inputs, uint64_t outputs);

  std::unique_ptr<LayerKernel> kernel_;
  Parallel parallel_;
  std::vector<float> bias_;
  bool relu_ = false;
  uint64_t inputs_ = 0;
  uint64_t outputs_ = 0;
  uint64_t nonzeros_ = 0;
  mutable MemoryBudget scratch_;  // what is left of the file's max_memory beside the layer
};

}  // namespace dcf::impl::kernels
