// SPDX-License-Identifier: Apache-2.0
// What a decoder builds once from a code-length record: the code and its tables for both layouts.
#pragma once

#include <memory>
#include <mutex>

#include "codec/huffman_streams.h"
#include "codec/huffman_tree.h"

namespace dcf::impl::codec {

// Up to 34 KiB (kMemory), so keep CodeLengths for many codes and build this for those in use.
// Threads may share it. The table of a layout is built by the first stream that has the layout:
// small tensors have no tree, others no streams, and tables take longer to build than these to
// decode.
class DecodeTable {
 public:
  static const size_t kMemory;  // the most bytes that one takes

  explicit DecodeTable(const CodeLengths& code) : lengths_(code) {}

  const CodeLengths& lengths() const { return lengths_; }
  const TreePlan& tree() const {
    std::call_once(tree_built_, [this] { build_tree_plan(lengths_, &tree_); });
    return tree_;
  }
  // For streams of about as many symbols; any number decodes.
  const StreamsTable& streams(size_t symbols) const {
    std::call_once(streams_built_, [this, symbols] {
      streams_ = std::make_unique_for_overwrite<StreamsTable>();
      build_streams_table(lengths_, symbols, streams_.get());
    });
    return *streams_;
  }

 private:
  const CodeLengths lengths_;
  mutable std::once_flag tree_built_;
  mutable std::once_flag streams_built_;
  mutable TreePlan tree_;
  mutable std::unique_ptr<StreamsTable> streams_;
};
inline constexpr size_t DecodeTable::kMemory = sizeof(DecodeTable) + sizeof(StreamsTable);

}  // namespace dcf::impl::codec
