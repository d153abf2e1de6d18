// SPDX-License-Identifier: Apache-2.0
// The inner loop of split values (spec, section 8.2): symbols and packed fields to words, one table
// per instruction set. The scalar table is the reference: all others give the same bytes for all
// arguments. Destinations need no alignment.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/cpu.h"

namespace dcf::impl::model {

// Parameters of split that obey V-01 for words of W bits.
struct SplitFields {
  unsigned t;     // bits of base + symbol
  unsigned z;     // zero bits
  unsigned base;  // base + symbol is below 2^t for every symbol
  unsigned bits;  // W - t - z, of a field
};

// Writes codes.size() words of W bits. `tail` begins with the fields; what stands behind them may
// be read. Returns how many words are neither +0 nor -0: dtypes of split values have their sign on
// top.
using JoinSplit = size_t (*)(Bytes codes, Bytes tail, const SplitFields& fields, uint8_t* words);

struct SplitKernels {
  CpuSet set;
  JoinSplit join_16;  // by W
  JoinSplit join_32;
  JoinSplit join_64;
};

extern const SplitKernels kScalarSplitKernels;
#if defined(__x86_64__)
extern const SplitKernels kAvx2SplitKernels;
extern const SplitKernels kAvx512SplitKernels;
#endif

// The tables that this processor can run: scalar first, the best last.
std::vector<const SplitKernels*> available_split_kernels();
// The best table that DCF_KERNEL allows (base/cpu.h). Thread-safe.
const SplitKernels& active_split_kernels();

}  // namespace dcf::impl::model
