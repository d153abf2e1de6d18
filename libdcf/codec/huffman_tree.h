// SPDX-License-Identifier: Apache-2.0
// The huffman-tree layout (spec 9.2; after PivCo-Huffman, M. Zukowski, arXiv 2606.05765): the code
// tree stored node by node, so that decoding is a series of merges without a serial chain of bits.
//
// Decoding has two passes. The first walks the nodes in stored order, finds the size of every child
// by counting ones, and makes every check; it is the same for all instruction sets. The second runs
// the kernels of tree_kernels.h bottom-up; it cannot fail and stays in bounds, because all list
// sizes add up to that of the root.
#pragma once

#include "codec/code_lengths.h"
#include "codec/tree_kernels.h"

namespace dcf::impl::codec {

// Splitting 256 symbols of 12 lengths into powers of two gives at most 52 leaves: 4 for each length
// takes 180 symbols, and a fifth for 4 of the lengths takes 64 of the other 76.
inline constexpr size_t kMaxLeaves = 52;
inline constexpr size_t kMaxNodes = 2 * kMaxLeaves - 1;

struct TreeNode {
  uint8_t right;       // inner node: the right child; the left one is the next node. Leaf: 0
  uint8_t depth;       // 0..12
  uint8_t index_bits;  // leaf: it has 2^index_bits symbols
  uint8_t leaves;      // leaves of the subtree
  uint16_t rank;       // the symbols of the subtree are TreePlan::symbols[rank, rank_end)
  uint16_t rank_end;
  bool is_leaf() const { return right == 0; }
};

// The tree of a code. Immutable once built; about 1.4 KiB.
struct TreePlan {
  std::array<TreeNode, kMaxNodes> nodes;     // in pre-order, as stored
  std::array<uint8_t, kMaxNodes> bottom_up;  // node indices in post-order
  std::array<uint8_t, kMaxSymbols> symbols;  // by rank: leaf after leaf, left to right
  std::array<uint8_t, kMaxSymbols> rank_of;  // inverse of `symbols`; 0 for those without a code
  unsigned node_count;
  unsigned alphabet;  // symbols are below it
};

void build_tree_plan(const CodeLengths& code, TreePlan* plan);

// Scratch for decoding n symbols.
inline constexpr size_t tree_scratch_size(size_t n) {
  return 2 * (n + kTreeSlack);
}

// Decodes out.size() symbols (1..2^31) and takes exactly their bytes from `in`; S-02, S-04. `out`
// is unspecified after a failure. `scratch` has at least tree_scratch_size(out.size()) bytes.
Status decode_huffman_tree(ByteReader* in, const TreePlan& plan, const TreeKernels& kernels,
                           MutableBytes out, MutableBytes scratch);

// The bytes encode_huffman_tree() appends for symbols with this histogram.
uint64_t huffman_tree_size(const Histogram& histogram, const TreePlan& plan);
// All symbols must have a code.
void encode_huffman_tree(Bytes symbols, const TreePlan& plan, const TreeKernels& kernels,
                         std::vector<uint8_t>* out);

}  // namespace dcf::impl::codec
