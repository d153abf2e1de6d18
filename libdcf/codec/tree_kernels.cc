// SPDX-License-Identifier: Apache-2.0
#include "codec/tree_kernels.h"

#include <array>

namespace dcf::impl::codec {
namespace {

constexpr auto kFamily = std::to_array<const TreeKernels*>({
  &kScalarTreeKernels,
#if defined(__x86_64__)
      &kSsse3TreeKernels, &kAvx2TreeKernels, &kAvx512bwTreeKernels, &kAvx512vbmi2TreeKernels,
#elif defined(__aarch64__)
      &kNeonTreeKernels,
#elif defined(__wasm_simd128__)
      &kWasmTreeKernels,
#endif
});

}  // namespace

std::vector<const TreeKernels*> available_tree_kernels() {
  return kernels_in<TreeKernels>(kFamily, detected_cpu_sets());
}

const TreeKernels& active_tree_kernels() {
  static const TreeKernels& active = best_kernels<TreeKernels>(kFamily);
  return active;
}

}  // namespace dcf::impl::codec
