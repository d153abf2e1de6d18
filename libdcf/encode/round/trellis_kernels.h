// SPDX-License-Identifier: Apache-2.0
// The search of encode/round/trellis.h, one table per instruction set. The scalar table is the
// reference: all others find the same ways.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/cpu.h"

namespace dcf::impl::encode {

// A state is the offset of the next element, and above it that of the element at hand.
inline constexpr size_t kTrellisStates = 4;

// What is out of question, as is an offset of 1 at the beginning of a row.
inline constexpr float kTrellisFar = 0x1p60F;

// Rounds to a whole number, where the magnitude is below 2^22.
inline constexpr float kTrellisRounding = 0x1.8p23F;

// The last elements of the best way to each state, kTrellisBlock of them or all: a bit is the
// offset of the element before, and the lowest bit that of the last one.
inline constexpr size_t kTrellisBlock = 32;
typedef uint32_t TrellisWays __attribute__((vector_size(16)));

struct TrellisRow {
  const float* steps;
  const float* weights;  // of the squares of errors, at most 1
  TrellisWays* ways;     // after each block
  size_t state;          // the best one at the end
};

struct TrellisKernels {
  CpuSet set;
  // Of two rows of n elements each, which may be the same row.
  void (*search)(TrellisRow* rows, size_t n);
};

extern const TrellisKernels kScalarTrellisKernels;
#if defined(__x86_64__)
extern const TrellisKernels kAvx2TrellisKernels;
#endif

// The tables that this processor can run: scalar first, the best last.
std::vector<const TrellisKernels*> available_trellis_kernels();
// The best table that DCF_KERNEL allows (base/cpu.h). Thread-safe.
const TrellisKernels& active_trellis_kernels();

}  // namespace dcf::impl::encode
