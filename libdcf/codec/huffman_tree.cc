// SPDX-License-Identifier: Apache-2.0
#include "codec/huffman_tree.h"

#include <algorithm>
#include <memory>

#include "codec/bit_reader.h"
#include "codec/bit_writer.h"

namespace dcf::impl::codec {
namespace {

// A node in the decoding of one stream; known before any kernel runs on its list.
struct NodeRun {
  size_t count;   // symbols that reach the node
  size_t offset;  // of their list in scratch memory
  size_t data;    // where the bit string starts
};
using TreeRun = std::array<NodeRun, kMaxNodes>;

unsigned field_bits(const TreeNode& node) {
  return node.is_leaf() ? node.index_bits : 1;
}

// Builds the tree for leaves that are given from left to right, with depths that never fall. The
// Kraft sum of a CodeLengths makes it complete, so the recursion ends at depth 12 at the latest.
class PlanBuilder {
 public:
  PlanBuilder(const CodeLengths& code, TreePlan* plan) : plan_(plan) {
    const SymbolsByLength sorted = symbols_by_length(code);
    unsigned rank = 0;
    for (unsigned depth = 0; depth <= kMaxCodeLength; ++depth) {
      for (unsigned length = std::max(depth, 1u); length <= kMaxCodeLength; ++length) {
        const unsigned bits = length - depth;
        const unsigned count = sorted.start[length + 1] - sorted.start[length];
        if ((count >> bits & 1) == 0) continue;
        leaves_[leaf_count_++] = {static_cast<uint8_t>(depth), static_cast<uint8_t>(bits)};
        // The larger leaves of this length hold the symbols before.
        const unsigned from = sorted.start[length] + (count >> bits >> 1 << 1 << bits);
        for (unsigned i = 0; i < 1u << bits; ++i, ++rank) {
          plan->symbols[rank] = sorted.symbols[from + i];
          plan->rank_of[sorted.symbols[from + i]] = static_cast<uint8_t>(rank);
        }
      }
    }
  }

  void add_subtree(unsigned depth) {
    const unsigned index = plan_->node_count++;
    TreeNode& node = plan_->nodes[index];
    node = {};
    node.depth = static_cast<uint8_t>(depth);
    node.rank = static_cast<uint16_t>(rank_);
    const unsigned first_leaf = next_leaf_;
    if (leaves_[next_leaf_].depth == depth) {
      node.index_bits = leaves_[next_leaf_++].index_bits;
      rank_ += 1u << node.index_bits;
    } else {
      add_subtree(depth + 1);
      node.right = static_cast<uint8_t>(plan_->node_count);
      add_subtree(depth + 1);
    }
    node.rank_end = static_cast<uint16_t>(rank_);
    node.leaves = static_cast<uint8_t>(next_leaf_ - first_leaf);
    plan_->bottom_up[post_order_++] = static_cast<uint8_t>(index);
  }

 private:
  struct Leaf {
    uint8_t depth;
    uint8_t index_bits;
  };
  TreePlan* plan_;
  std::array<Leaf, kMaxLeaves> leaves_;
  unsigned leaf_count_ = 0;
  unsigned next_leaf_ = 0;
  unsigned rank_ = 0;
  unsigned post_order_ = 0;
};

// First pass of decoding: the lists and bit strings of all nodes, and every check.
Status find_nodes(const TreePlan& plan, const TreeKernels& kernels, Bytes data, size_t n,
                  TreeRun* run) {
  size_t position = 0;
  (*run)[0] = {n, 0, 0};
  for (unsigned i = 0; i < plan.node_count; ++i) {
    const TreeNode& node = plan.nodes[i];
    NodeRun& at = (*run)[i];
    at.data = position;
    const size_t bytes = packed_size(at.count, field_bits(node));
    if (bytes > data.size() - position) {
      return fail(Code::BadBitstream, "S-04", "the nodes of a tree run past its length");
    }
    const Bytes bits = data.subspan(position, bytes);
    position += bytes;
    const unsigned used = at.count * field_bits(node) % 8;
    if (used != 0 && bits.back() >> used != 0) {
      return fail(Code::BadBitstream, "S-04", "the padding of a tree node is not zero");
    }
    if (node.is_leaf()) continue;
    const size_t ones = kernels.count_ones(bits);
    (*run)[i + 1] = {at.count - ones, at.offset, 0};
    (*run)[node.right] = {ones, at.offset + at.count - ones, 0};
  }
  if (position != data.size()) {
    return fail(Code::BadBitstream, "S-04", "the nodes of a tree do not fill its length");
  }
  return ok_status();
}

}  // namespace

void build_tree_plan(const CodeLengths& code, TreePlan* plan) {
  plan->node_count = 0;
  plan->alphabet = code.last() + 1;
  plan->rank_of.fill(0);
  PlanBuilder(code, plan).add_subtree(0);
}

Status decode_huffman_tree(ByteReader* in, const TreePlan& plan, const TreeKernels& kernels,
                           MutableBytes out, MutableBytes scratch) {
  uint32_t size;
  Bytes data;
  if (!in->read_varint(&size) || !in->read_bytes(size, &data)) {
    return fail(Code::BadBitstream, "S-02", "a stream runs past its chunk");
  }
  TreeRun run;
  DCF_TRY(find_nodes(plan, kernels, data, out.size(), &run));

  // Lists of nodes of odd depth lie in one half of the scratch, those of even depth in the other. A
  // list starts within the places of its ancestors' lists. Nodes are processed from left to right,
  // so that what a kernel writes after its list is memory of lists that are still to come.
  uint8_t* const halves[2] = {scratch.data(), scratch.data() + out.size() + kTreeSlack};
  const uint8_t* const limit = data.data() + data.size();
  for (unsigned step = 0; step < plan.node_count; ++step) {
    const unsigned i = plan.bottom_up[step];
    const TreeNode& node = plan.nodes[i];
    const NodeRun& at = run[i];
    if (at.count == 0) continue;
    uint8_t* const list = i == 0 ? out.data() : halves[node.depth % 2] + at.offset;
    const uint8_t* const bits = data.data() + at.data;
    if (!node.is_leaf()) {
      const uint8_t* const below = halves[(node.depth + 1) % 2];
      kernels.merge(bits, at.count, below + at.offset, below + run[node.right].offset, list,
                    i == 0);
    } else if (node.index_bits > 0) {
      kernels.expand(bits, limit, at.count, node.index_bits, &plan.symbols[node.rank], list,
                     i == 0);
    } else {
      std::fill_n(list, at.count, plan.symbols[node.rank]);
    }
  }
  return ok_status();
}

uint64_t huffman_tree_size(const Histogram& histogram, const TreePlan& plan) {
  std::array<uint64_t, kMaxSymbols + 1> before{};
  for (unsigned i = 0; i < plan.nodes[0].rank_end; ++i) {
    before[i + 1] = before[i] + histogram[plan.symbols[i]];
  }
  uint64_t size = 0;
  for (unsigned i = 0; i < plan.node_count; ++i) {
    const TreeNode& node = plan.nodes[i];
    size += packed_size(before[node.rank_end] - before[node.rank], field_bits(node));
  }
  return size + varint_size(size);
}

void encode_huffman_tree(Bytes symbols, const TreePlan& plan, const TreeKernels& kernels,
                         std::vector<uint8_t>* out) {
  // A list is partitioned in place: only its right elements move, to follow the left ones. For each
  // leaf below a list there is slack after it, because kernels write beyond the end of a list when
  // the next one is already there.
  const size_t room = symbols.size() + kTreeSlack * kMaxLeaves;
  const size_t most_bytes = ceil_div(symbols.size() * kMaxCodeLength, 8) + kMaxNodes + 8;
  const std::unique_ptr<uint8_t[]> scratch(new uint8_t[2 * room + most_bytes]);  // not zeroed
  uint8_t* const lists = scratch.get();
  uint8_t* const rights = lists + room;
  uint8_t* const data = rights + room;
  kernels.map(symbols.data(), symbols.size(), plan.rank_of.data(), plan.alphabet, lists);
  TreeRun run;
  run[0] = {symbols.size(), 0, 0};
  size_t size = 0;
  for (unsigned i = 0; i < plan.node_count; ++i) {
    const TreeNode& node = plan.nodes[i];
    const NodeRun& at = run[i];
    uint8_t* const list = lists + at.offset;
    if (!node.is_leaf()) {
      const auto pivot = static_cast<uint8_t>(plan.nodes[node.right].rank);
      const size_t ones = kernels.partition(list, at.count, pivot, rights, data + size);
      const size_t zeros = at.count - ones;
      const size_t right = at.offset + zeros + kTreeSlack * plan.nodes[i + 1].leaves;
      std::copy_n(rights, ones, lists + right);
      run[i + 1] = {zeros, at.offset, 0};
      run[node.right] = {ones, right, 0};
    } else if (node.index_bits > 0) {
      kernels.pack(list, at.count, static_cast<uint8_t>(node.rank), node.index_bits, data + size);
    }
    size += packed_size(at.count, field_bits(node));
  }
  append_varint(out, static_cast<uint32_t>(size));
  out->insert(out->end(), data, data + size);
}

}  // namespace dcf::impl::codec
