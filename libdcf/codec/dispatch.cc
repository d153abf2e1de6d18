// SPDX-License-Identifier: Apache-2.0
#include "codec/dispatch.h"

#include <array>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/kernel_choice.h"

namespace dcf::impl {

#if defined(__x86_64__)
namespace {

// Which __builtin_cpu_supports() of older compilers does not know.
bool has_lzcnt() {
  constexpr unsigned kLeaf = 0x80000001;
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(kLeaf, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_LZCNT) != 0;
}

}  // namespace
#endif

std::span<const TreeKernels* const> available_tree_kernels() {
#if defined(__x86_64__)
  // Each needs what the ones before it need.
  static constexpr std::array<const TreeKernels*, 5> kAll = {
      &kScalarTreeKernels, &kSsse3TreeKernels, &kAvx2TreeKernels, &kAvx512bwTreeKernels,
      &kAvx512TreeKernels};
  const auto count = [] {
    if (!__builtin_cpu_supports("ssse3")) return 1;
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("popcnt") ||
        !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2") || !has_lzcnt()) {
      return 2;
    }
    if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512dq")) return 3;
    if (!__builtin_cpu_supports("avx512vbmi") || !__builtin_cpu_supports("avx512vbmi2") ||
        !__builtin_cpu_supports("avx512vpopcntdq")) {
      return 4;
    }
    return 5;
  };
  return std::span(kAll).first(static_cast<size_t>(count()));
#elif defined(__aarch64__)
  static constexpr std::array<const TreeKernels*, 2> kAll = {&kScalarTreeKernels,
                                                             &kNeonTreeKernels};
  return kAll;
#elif defined(__wasm_simd128__)
  static constexpr std::array<const TreeKernels*, 2> kAll = {&kScalarTreeKernels,
                                                             &kWasmTreeKernels};
  return kAll;
#else
  static constexpr std::array<const TreeKernels*, 1> kAll = {&kScalarTreeKernels};
  return kAll;
#endif
}

const TreeKernels& active_tree_kernels() {
  static const TreeKernels& active = choose_kernels(available_tree_kernels());
  return active;
}

}  // namespace dcf::impl
