// SPDX-License-Identifier: Apache-2.0
// The inner loops of decoding bucket codes (spec, section 7.4), one table per instruction set. The
// scalar table is the reference: all others give the same results for all arguments.
#pragma once

#include <vector>

#include "base/bucket.h"
#include "base/bytes.h"
#include "base/cpu.h"

namespace dcf::impl::codec {

struct BucketKernels {
  CpuSet set;

  // The sum of the extra bits of these symbols.
  uint64_t (*extra_bits)(BucketCode code, Bytes symbols);

  // Numbers of the symbols, from the first one on: out[i] is the base of symbols[i] and the next
  // extra_bits(symbols[i]) bits of `bits`, which is read from bit `*position` on. Stops where less
  // is left than it loads at once, after whole groups of symbols, and maybe at once; moves the
  // position, and returns how many numbers there are. No symbol has more than kMostExtra bits.
  size_t (*numbers)(BucketCode code, Bytes symbols, Bytes bits, uint64_t* position, uint32_t* out);
};

// What 32 bits hold behind up to seven others.
inline constexpr unsigned kMostExtra = 25;

extern const BucketKernels kScalarBucketKernels;
#if defined(__x86_64__)
extern const BucketKernels kAvx2BucketKernels;
extern const BucketKernels kAvx512vbmi2BucketKernels;
#endif

// The tables that this processor can run: scalar first, the best last.
std::vector<const BucketKernels*> available_bucket_kernels();

// The best table that DCF_KERNEL allows (base/cpu.h). Thread-safe.
const BucketKernels& active_bucket_kernels();

}  // namespace dcf::impl::codec
