// SPDX-License-Identifier: Apache-2.0
// The inner loops of CSR output and of dense palettes, one table per instruction set. The scalar
// table is the reference: all others give the same bytes for all arguments. Destinations need no
// alignment.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/cpu.h"

namespace dcf::impl::model {

// The words of a codebook; the first is that of code `base`.
struct WordTable {
  const uint32_t* words;
  size_t size;
  unsigned base;
};

struct WordKernels {
  CpuSet set;

  // dst[i] = table.words[codes[i] - table.base], i < n, words of four little-endian bytes. All
  // codes have one.
  void (*map)(const uint8_t* codes, size_t n, const WordTable& table, uint8_t* dst);

  // dst[i] = src[i] + addend, modulo 2^32, i < n, as the machine holds them.
  void (*add)(const uint32_t* src, size_t n, uint32_t addend, uint8_t* dst);
};

extern const WordKernels kScalarWordKernels;
#if defined(__x86_64__)
extern const WordKernels kAvx2WordKernels;
extern const WordKernels kAvx512bwWordKernels;
#endif

// The tables that this processor can run: scalar first, the best last.
std::vector<const WordKernels*> available_word_kernels();
// The best table that DCF_KERNEL allows (base/cpu.h). Thread-safe.
const WordKernels& active_word_kernels();

}  // namespace dcf::impl::model
