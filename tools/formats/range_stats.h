// SPDX-License-Identifier: Apache-2.0
// Statistics of a tensor's values, which decide how it is encoded: dcf::Stats with exceptions that
// name the file and the tensor.
#pragma once

#include <cstdint>
#include <dcf/dcf.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/tensor_meta.h"

namespace dcf::tools {

// The description of a tensor for the library. Borrows from `meta`.
dcf_tensor_spec spec_of(const TensorMeta& meta);

// Belongs to one thread at a time. All members throw DcfError; `name` stands for the file in it.
class RangeStats {
 public:
  RangeStats(std::string name, const TensorMeta& meta, const dcf_encode_options& options);

  void add(std::span<const uint8_t> data);
  // What save() gave for other elements of the tensor.
  void merge(std::span<const uint8_t> saved);
  std::vector<uint8_t> save() const;
  // After how many elements, each time, the tensor may be cut; nothing if it must stay whole.
  std::optional<uint64_t> cut() const;
  const dcf::Stats& stats() const { return *stats_; }

 private:
  void check(const dcf::Status& status) const;

  std::string name_;
  std::string tensor_;
  std::optional<dcf::Stats> stats_;
};

}  // namespace dcf::tools
