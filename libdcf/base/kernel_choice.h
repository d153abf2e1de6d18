// SPDX-License-Identifier: Apache-2.0
// One set of kernels out of those that this machine can run.
#pragma once

#include <cstdlib>
#include <span>
#include <string_view>

namespace dcf::impl {

// The set that the environment variable DCF_KERNEL names, if it is available, or else the last,
// which is the fastest.
template <typename Kernels>
const Kernels& choose_kernels(std::span<const Kernels* const> available) {
  if (const char* wanted = std::getenv("DCF_KERNEL")) {
    for (const Kernels* kernels : available) {
      if (std::string_view(kernels->name) == wanted) return *kernels;
    }
  }
  return *available.back();
}

}  // namespace dcf::impl
