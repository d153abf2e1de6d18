// SPDX-License-Identifier: Apache-2.0
// The inner loops of the huffman-tree layout, one table per instruction set. The scalar table is
// the reference: all others give the same bytes for all arguments. No kernel can fail.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/cpu.h"

namespace dcf::impl::codec {

// Bytes after a list in scratch memory that a kernel may read and, unless told `exact`, write.
inline constexpr size_t kTreeSlack = 64;

struct TreeKernels {
  CpuSet set;

  // The number of ones in `bytes`.
  uint64_t (*count_ones)(Bytes bytes);

  // dst[i] = the next unread byte of `right` if bit i of `bits` is 1, else of `left`, for i < m.
  // Both lists are followed by kTreeSlack readable bytes; `bits` has ceil(m / 8) bytes.
  void (*merge)(const uint8_t* bits, size_t m, const uint8_t* left, const uint8_t* right,
                uint8_t* dst, bool exact);

  // dst[i] = symbols[field i of `bits`], fields of 1..8 bits. Bytes before `limit` can be read,
  // and those before ceil(m * width / 8) are there.
  void (*expand)(const uint8_t* bits, const uint8_t* limit, size_t m, unsigned width,
                 const uint8_t* symbols, uint8_t* dst, bool exact);

  // Encoding. dst[i] = table[src[i]] for i < m; all src[i] < table_size. `table` has 256 bytes and
  // `dst` is followed by kTreeSlack writable ones.
  void (*map)(const uint8_t* src, size_t m, const uint8_t* table, size_t table_size, uint8_t* dst);

  // Encoding. Bit i of `bits` = (list[i] >= pivot); elements below the pivot move to the front of
  // `list`, the others to `right`, in order; their number is returned. The m elements and `right`
  // are followed by kTreeSlack bytes that can be read and written, and the ceil(m / 8) bytes of
  // `bits`, whose padding is zero, by 8.
  size_t (*partition)(uint8_t* list, size_t m, uint8_t pivot, uint8_t* right, uint8_t* bits);

  // Encoding. Field i of `bits` = src[i] - base, which fits the width of 1..8 bits. `src` is
  // followed by kTreeSlack readable bytes, and the ceil(m * width / 8) of `bits`, whose padding is
  // zero, by 8 writable ones.
  void (*pack)(const uint8_t* src, size_t m, uint8_t base, unsigned width, uint8_t* bits);
};

extern const TreeKernels kScalarTreeKernels;
#if defined(__x86_64__)
extern const TreeKernels kSsse3TreeKernels;
extern const TreeKernels kAvx2TreeKernels;
extern const TreeKernels kAvx512bwTreeKernels;
extern const TreeKernels kAvx512vbmi2TreeKernels;
#elif defined(__aarch64__)
extern const TreeKernels kNeonTreeKernels;
#elif defined(__wasm_simd128__)
extern const TreeKernels kWasmTreeKernels;
#endif

// The tables that this processor can run: scalar first, the best last.
std::vector<const TreeKernels*> available_tree_kernels();

// The best table that DCF_KERNEL allows (base/cpu.h). Thread-safe.
const TreeKernels& active_tree_kernels();

}  // namespace dcf::impl::codec
