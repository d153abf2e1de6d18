// SPDX-License-Identifier: Apache-2.0
// Cuts a model into items of work.
#pragma once

#include "cli/encode_plan.h"
#include "cli/parts/work_plan.h"

namespace dcf::tools {

// Sets tensors, encodings, files, items and tasks of a plan whose other members are set. Reads no
// data of a tensor.
void plan_work(const ModelSource& source, const EncodePlan& encoding, WorkPlan* plan);

// Sets the items, from what is known of the tensors: those of a settled plan leave aliases out, and
// cut where chunks end.
void make_items(const ModelSource& source, WorkPlan* plan);

// What makes two tensors equal for the encoder, besides their bytes.
struct AliasKey {
  dcf_dtype dtype = DCF_DTYPE_NONE;
  uint32_t bits = 0;
  uint64_t elements = 0;
  size_t encoding = 0;
  bool may_be_lossy = false;
  std::vector<uint64_t> dims;  // where they decide how the tensor is rounded

  auto operator<=>(const AliasKey&) const = default;
};
AliasKey alias_key(const WorkPlan& plan, size_t i, const TensorMeta& tensor);

}  // namespace dcf::tools
