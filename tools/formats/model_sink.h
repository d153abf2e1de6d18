// SPDX-License-Identifier: Apache-2.0
// Writes a model file tensor by tensor, never holding more than one piece in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "formats/error.h"
#include "formats/output_file.h"
#include "formats/tensor_meta.h"

namespace dcf::tools {

// Usage: for (size_t i : sink.order()) sink.add(tensors[i], bytes of tensor i); sink.finish();
// The file exists from finish() on; a sink destroyed before that leaves nothing behind. Misuse
// (wrong order or number of bytes) throws std::logic_error.
class ModelSink {
 public:
  virtual ~ModelSink() = default;
  ModelSink(const ModelSink&) = delete;
  ModelSink& operator=(const ModelSink&) = delete;

  // Indexes into the list of tensors the sink was created with, in the order it takes them.
  const std::vector<size_t>& order() const { return order_; }

  void begin_tensor(const TensorMeta& meta);
  void append(std::span<const uint8_t> bytes);
  void add(const TensorMeta& meta, std::span<const uint8_t> bytes);
  void finish();

 protected:
  explicit ModelSink(std::vector<TensorMeta> tensors) : tensors_(std::move(tensors)) {}

  virtual void start_entry(const TensorMeta& meta) = 0;
  virtual void write_data(std::span<const uint8_t> bytes) = 0;
  virtual void end_entry() = 0;
  virtual void close() = 0;

  std::vector<TensorMeta> tensors_;
  std::vector<size_t> order_;

 private:
  void end_tensor();

  size_t next_ = 0;  // index into order_
  uint64_t missing_bytes_ = 0;
  bool open_ = false;
};

enum class SinkFormat { kSafetensors, kNpz, kNpy };

// Throws Error where the format cannot hold the model.
std::unique_ptr<ModelSink> create_model_sink(std::unique_ptr<OutputFile> file, SinkFormat format,
                                             std::vector<TensorMeta> tensors,
                                             const std::map<std::string, std::string>& metadata);

}  // namespace dcf::tools
