// SPDX-License-Identifier: Apache-2.0
// Statistics of the values of one dense tensor, taken range by range, on any number of machines and
// in any order, and merged. Those of the whole tensor decide how it is encoded
// (encode/write/range_encoder.h). Belongs to one thread at a time.
#pragma once

#include <vector>

#include "encode/content/tensor_input.h"
#include "encode/plan/grid_finder.h"
#include "encode/plan/value_stats.h"

namespace dcf::impl::encode {

class TensorStats {
 public:
  // Of no element of the tensor. InvalidArgument as check_spec().
  static Result<TensorStats> create(const TensorSpec& spec, const EncodeOptions& options);

  // Adds elements. InvalidArgument where `data` are no whole elements, or more than the tensor has
  // together with those before. Also fails as measure_values().
  Status add(Bytes data, const Work& work);
  // Adds what save() gave for another range of the same tensor. InvalidArgument where the bytes are
  // none such.
  Status merge(Bytes saved);
  std::vector<uint8_t> save() const;

  DType dtype() const { return dtype_; }
  uint64_t elements() const { return elements_; }  // so far
  uint64_t total() const { return total_; }        // of the tensor
  const ValueStats& values() const { return values_; }
  // Whether each row may be on a grid, as far as some of them tell (grid_finder.h).
  bool seem_on_grid() const { return votes_.on >= votes_.off; }
  // Whether every value counted in `part` is counted here too.
  bool cover(const TensorStats& part) const;

 private:
  TensorStats(DType dtype, uint32_t bits, bool drop_signs, uint64_t total);
  Status add(const TensorStats& other);
  bool is_consistent() const;

  DType dtype_;
  uint32_t bits_;
  bool drop_signs_;
  uint64_t total_;
  uint64_t elements_ = 0;
  ValueStats values_;
  GridVotes votes_;  // of dtypes that have grids
};

}  // namespace dcf::impl::encode
