// SPDX-License-Identifier: Apache-2.0
// Many multiples of scales: the loops of encode/round/grid_round.h, without branches.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/cpu.h"
#include "base/dtype.h"

namespace dcf::impl::encode {

// What rounding did to some elements.
struct RoundingEffect {
  double greatest_error = 0;  // infinite if an element cannot be set
  uint64_t nonzeros = 0;
  uint64_t vanished = 0;  // nonzeros that lose as much as if they became 0

  void add(const RoundingEffect& other);
};

// One table per instruction set. The scalar table is the reference: all others set the same, unless
// an element cannot be set.
struct BlockKernels {
  CpuSet set;
  // Sets the numbers (magnitude above sign) and the words of elements of f32, f16 or bf16 to the
  // multiples of their scales that are nearest to their values, which are finite; both are as
  // store_multiple() of grid_store.h sets them, unless an element cannot be set. There are as many
  // scales as values, and inverses of scales, which are 0 where these are.
  RoundingEffect (*round)(DType dtype, std::span<const float> values, const float* scales,
                          const float* inverses, uint32_t* numbers, uint8_t* words);
  // The same for multiples that are known, as many as values. Their magnitudes are at most
  // kMaxGridInteger.
  RoundingEffect (*set_multiples)(DType dtype, std::span<const float> values,
                                  const int32_t* multiples, const float* scales, uint32_t* numbers,
                                  uint8_t* words);
};

extern const BlockKernels kScalarBlockKernels;
#if defined(__x86_64__)
extern const BlockKernels kAvx2BlockKernels;
#endif

// The tables that this processor can run: scalar first, the best last.
std::vector<const BlockKernels*> available_block_kernels();
// The best table that DCF_KERNEL allows (base/cpu.h). Thread-safe.
const BlockKernels& active_block_kernels();

}  // namespace dcf::impl::encode
