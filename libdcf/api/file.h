// SPDX-License-Identifier: Apache-2.0
// The handle behind dcf_file.
#pragma once

#include "api/boundary.h"
#include "model/model.h"

struct dcf_file {
  std::unique_ptr<dcf::impl::Model> model;
  // A writer that copies from this file keeps this, so that it knows the file again: a pointer to
  // the file itself may be that of another file once this one is closed.
  std::shared_ptr<const int> identity = std::make_shared<const int>(0);
};

namespace dcf::impl {

// The tensor at `index`, or why there is none.
inline Status check_tensor(const dcf_file* file, size_t index) {
  if (file == nullptr) return invalid("the file is NULL");
  if (index >= file->model->manifest().tensors.size())
    return invalid("the tensor index is out of range");
  return ok_status();
}

}  // namespace dcf::impl
