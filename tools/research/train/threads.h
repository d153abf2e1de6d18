// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dlfcn.h>
#include <torch/torch.h>

namespace dcf::tools {

// LibTorch's threads and those that the BLAS behind it has of its own. Denormal numbers become
// zero: the moments of pruned weights fade into them, and they take three times the time of others.
inline void set_threads(int threads) {
  at::set_num_threads(threads);
  at::globalContext().setFlushDenormal(true);
  using Set = void (*)(int);
  if (const auto set = reinterpret_cast<Set>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) {
    set(threads);
  }
}

}  // namespace dcf::tools
