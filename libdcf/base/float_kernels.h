// SPDX-License-Identifier: Apache-2.0
// The loops of words_to_floats() over 16-bit floats, one table per instruction set. The scalar
// table is the reference: all others give the same bits for all words.
#pragma once

#include <vector>

#include "base/cpu.h"

namespace dcf::impl {

struct FloatKernels {
  CpuSet set;
  // dst[i] is the value of the i-th word, i < n; words are little-endian, of any alignment.
  void (*f16)(const uint8_t* words, size_t n, float* dst);
  void (*bf16)(const uint8_t* words, size_t n, float* dst);
};

extern const FloatKernels kScalarFloatKernels;
#if defined(__x86_64__)
extern const FloatKernels kAvx2FloatKernels;
#endif

// The tables that this processor can run: scalar first, the best last.
std::vector<const FloatKernels*> available_float_kernels();

}  // namespace dcf::impl
