// SPDX-License-Identifier: Apache-2.0
#include "base/cpu.h"

#include <array>
#include <cstdlib>
#include <string_view>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace dcf::impl {
namespace {

struct SetInfo {
  const char* name;
  CpuSet based_on;  // kScalar is based on itself
};

constexpr std::array<SetInfo, kCpuSets> kSets = {{{"scalar", CpuSet::kScalar},
                                                  {"ssse3", CpuSet::kScalar},
                                                  {"avx2", CpuSet::kSsse3},
                                                  {"avx512bw", CpuSet::kAvx2},
                                                  {"avx512vbmi2", CpuSet::kAvx512bw},
                                                  {"neon", CpuSet::kScalar},
                                                  {"simd128", CpuSet::kScalar}}};

const SetInfo& info_of(CpuSet set) {
  return kSets[static_cast<size_t>(set)];
}

// `set` and all that it includes.
CpuSets including(CpuSet set) {
  CpuSets sets;
  sets.add(set);
  while (set != CpuSet::kScalar) sets.add(set = info_of(set).based_on);
  return sets;
}

#if defined(__x86_64__)
// __builtin_cpu_supports() of older compilers knows neither.
bool has_f16c_and_lzcnt() {
  const auto has = [](unsigned leaf, unsigned bit) {
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    return __get_cpuid(leaf, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit) != 0;
  };
  return has(1, bit_F16C) && has(0x80000001, bit_LZCNT);
}

// Each set needs what the one before it needs.
CpuSet best_set() {
  if (!__builtin_cpu_supports("ssse3")) return CpuSet::kScalar;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
      !__builtin_cpu_supports("popcnt") || !__builtin_cpu_supports("bmi") ||
      !__builtin_cpu_supports("bmi2") || !has_f16c_and_lzcnt()) {
    return CpuSet::kSsse3;
  }
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl")) {
    return CpuSet::kAvx2;
  }
  if (!__builtin_cpu_supports("avx512vbmi") || !__builtin_cpu_supports("avx512vbmi2") ||
      !__builtin_cpu_supports("avx512vpopcntdq")) {
    return CpuSet::kAvx512bw;
  }
  return CpuSet::kAvx512vbmi2;
}
#elif defined(__aarch64__)
CpuSet best_set() {
  return CpuSet::kNeon;
}
#elif defined(__wasm_simd128__)
CpuSet best_set() {
  return CpuSet::kSimd128;
}
#else
CpuSet best_set() {
  return CpuSet::kScalar;
}
#endif

KernelChoice refused(const CpuSets& detected, const char* why) {
  KernelChoice choice{including(CpuSet::kScalar), "DCF_KERNEL names an instruction set that "};
  choice.refusal += why;
  choice.refusal += "; it can be";
  const char* separator = " ";
  for (size_t i = 0; i < kSets.size(); ++i) {
    if (!detected.has(static_cast<CpuSet>(i))) continue;
    choice.refusal += separator;
    choice.refusal += kSets[i].name;
    separator = ", ";
  }
  return choice;
}

}  // namespace

const char* cpu_set_name(CpuSet set) {
  return info_of(set).name;
}

const CpuSets& detected_cpu_sets() {
  static const CpuSets detected = including(best_set());
  return detected;
}

KernelChoice choose_kernels(const CpuSets& detected, const char* wish) {
  if (wish == nullptr || *wish == '\0') return {detected, ""};
  for (size_t i = 0; i < kSets.size(); ++i) {
    if (std::string_view(kSets[i].name) != wish) continue;
    const auto set = static_cast<CpuSet>(i);
    if (!detected.has(set)) return refused(detected, "this processor lacks");
    return {including(set), ""};
  }
  return refused(detected, "the library does not know");
}

const KernelChoice& kernel_choice() {
  static const KernelChoice choice = choose_kernels(detected_cpu_sets(), std::getenv("DCF_KERNEL"));
  return choice;
}

Status check_kernel_choice() {
  const std::string& refusal = kernel_choice().refusal;
  if (refusal.empty()) return ok_status();
  return fail(Code::InvalidArgument, "", refusal.c_str());
}

}  // namespace dcf::impl
