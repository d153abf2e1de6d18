// SPDX-License-Identifier: Apache-2.0
// The definition of dcf_file.
#pragma once

#include "api/boundary.h"
#include "model/decode_progress.h"
#include "model/model.h"

struct dcf_file {
  std::shared_ptr<const dcf::impl::model::Model> model;  // shared by all handles of the file
  // Identifies the file to a writer that copies from it. The writer keeps a reference, so that no
  // later file can have the same pointer.
  std::shared_ptr<const int> identity = std::make_shared<const int>(0);
  dcf::impl::model::ProgressStep progress;  // set by dcf_file_watch()
};

namespace dcf::impl::api {

// Empty without a callback.
inline model::ProgressStep progress_step(dcf_progress_fn progress, void* ctx) {
  if (progress == nullptr) return {};
  return [progress, ctx](uint64_t done, uint64_t total) { return progress(ctx, done, total) == 0; };
}

// The tensor at `index`, or why there is none.
inline Status check_tensor(const dcf_file* file, size_t index) {
  if (file == nullptr) return invalid("the file is NULL");
  if (index >= file->model->manifest()->tensors.size())
    return invalid("the tensor index is out of range");
  return ok_status();
}

}  // namespace dcf::impl::api
