// SPDX-License-Identifier: Apache-2.0
// Delta values (spec/dcf-format.md, section 8.5): differences to an earlier element of the same
// row, at a distance that each unit chooses, become words again. Immutable.
#pragma once

#include <span>
#include <vector>

#include "base/bytes.h"
#include "format/tensor.h"

namespace dcf::impl::model {

class RowDelta {
 public:
  // `predictors`: of each unit, 0 for none or the number of a distance. Not kept.
  RowDelta(const format::Encoding& encoding, Bytes predictors);

  // Turns the differences of the elements from `first` on into words, in place. They are little-
  // endian, of the tensor's width, and fill rows of `cols` elements, of which the last may be
  // short.
  void undo(DType dtype, uint64_t first, uint32_t cols, MutableBytes words) const;

  // The memory of a RowDelta of this encoding.
  static uint64_t memory(const format::Encoding& encoding);

 private:
  template <typename T>
  void undo_words(bool is_float, uint64_t first, size_t cols, MutableBytes words) const;

  uint64_t run_;
  std::vector<uint32_t> distance_of_;  // of each unit; 0: none
};

}  // namespace dcf::impl::model
