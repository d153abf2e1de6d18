// SPDX-License-Identifier: Apache-2.0
// A csr matrix as scipy.sparse.save_npz writes it: the arrays 'format', 'shape', 'indptr',
// 'indices' and 'data'.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "formats/input_file.h"
#include "formats/memory_limit.h"
#include "formats/model_source.h"
#include "formats/npz_array.h"

namespace dcf::tools {

// The matrix as one dense tensor. Borrows file and arrays. Safe to use from several threads at
// once.
class ScipyCsr {
 public:
  // Nothing where the arrays are no csr matrix, one whose columns do not ascend in each row, or one
  // that is more than 1024 times the size of the file when dense. Reads all indices. Throws Error
  // where an array is damaged.
  static std::optional<ScipyCsr> find(const InputFile& file, std::span<const NpzArray> arrays,
                                      const MemoryLimit& limit);

  // Without a name.
  const TensorMeta& meta() const { return meta_; }
  // Holds a few kilobytes of each array.
  std::unique_ptr<TensorReader> open() const;

 private:
  ScipyCsr(const InputFile& file, const MemoryLimit& limit) : file_(&file), limit_(limit) {}
  bool set_arrays(std::span<const NpzArray> arrays);
  bool set_shape(const NpzArray& shape);
  bool fits() const;
  bool is_canonical() const;

  const InputFile* file_;
  MemoryLimit limit_;
  const NpzArray* rows_ = nullptr;     // 'indptr': where each row's entries begin
  const NpzArray* columns_ = nullptr;  // 'indices'
  const NpzArray* values_ = nullptr;   // 'data'
  TensorMeta meta_;
};

}  // namespace dcf::tools
