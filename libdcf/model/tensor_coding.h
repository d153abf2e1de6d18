// SPDX-License-Identifier: Apache-2.0
// What the chunks of one tensor are decoded with: its decode tables, classes and codebook. Built
// once per operation, immutable, shared by the threads that decode chunks.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>

#include "codec/decode_table.h"
#include "format/tensor.h"
#include "model/class_order.h"
#include "model/row_delta.h"
#include "model/tables.h"

namespace dcf::impl::model {

class TensorCoding {
 public:
  // `tensor` is no alias; manifest and tables outlive this.
  TensorCoding(const format::Tensor& tensor, const Tables& tables, size_t index);

  const format::Tensor& tensor() const { return tensor_; }
  // Of a palette: at most 256 words.
  std::span<const uint64_t> codebook() const { return codebook_; }
  // The codebook of a dictionary: more than 256 words.
  std::span<const uint64_t> dictionary() const { return dictionary_; }
  // Only of grid and trellis values: of each unit.
  std::span<const float> scales() const { return scales_; }
  // The codes that come before those of the codebook: the fillers' zero of gap positions.
  uint8_t reserved_codes() const {
    return tensor_.encoding.positions == format::Positions::kGap ? 1 : 0;
  }
  unsigned alphabet(format::Role role) const { return roles_.list[roles_.find(role)].alphabet; }
  // Null where no stream of the role is Huffman-coded.
  const codec::DecodeTable* table(format::Role role, size_t of_class = 0) const {
    return tables_[roles_.find(role) + of_class].get();
  }
  // Only with classes.
  const ClassOrder& classes() const { return *classes_; }
  // Only of delta values.
  const RowDelta& delta() const { return *delta_; }
  size_t word_bytes() const { return tensor_.bits / 8; }

 private:
  const format::Tensor& tensor_;
  format::Roles roles_;
  std::array<std::unique_ptr<const codec::DecodeTable>, format::kMaxRoles> tables_;
  std::optional<ClassOrder> classes_;
  std::optional<RowDelta> delta_;
  std::span<const uint64_t> codebook_;
  std::span<const uint64_t> dictionary_;
  std::span<const float> scales_;
};

}  // namespace dcf::impl::model
