// SPDX-License-Identifier: Apache-2.0
// Where the tensors of a model lie in its files.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/parts/work_plan.h"
#include "formats/model_source.h"

namespace dcf::tools {

class TensorPlaces {
 public:
  // Of a model without a layout nothing is known.
  explicit TensorPlaces(const ModelSource& source);

  // What must be read for bytes [offset, offset + bytes) of tensor i, in order; nothing where it is
  // not known. Blocks that several tensors share are read whole.
  std::vector<FileRange> of(size_t i, uint64_t offset, uint64_t bytes) const;
  // The file that has all bytes of the tensor, one after another; StatsTask::kNone if none has.
  size_t only_file(size_t i) const;
  // What is no tensor in the files that have tensors, and in the main file.
  const std::vector<FileRange>& rest() const { return rest_; }

 private:
  struct Place {
    FileRange range;
    uint64_t offset = 0;    // in the tensor
    bool is_plain = false;  // all bytes of the range are the tensor's
  };

  std::vector<std::vector<Place>> places_;  // of each tensor
  std::vector<FileRange> rest_;
};

// Joins ranges that touch; they are in order.
void append_range(const FileRange& range, std::vector<FileRange>* ranges);

}  // namespace dcf::tools
