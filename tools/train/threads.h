// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dlfcn.h>
#include <torch/torch.h>

namespace dcf::tools {

// LibTorch's threads and those that the BLAS behind it has of its own.
inline void set_threads(int threads) {
  at::set_num_threads(threads);
  using Set = void (*)(int);
  if (const auto set = reinterpret_cast<Set>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) {
    set(threads);
  }
}

}  // namespace dcf::tools
