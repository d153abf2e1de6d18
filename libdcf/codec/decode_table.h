// SPDX-License-Identifier: Apache-2.0
// What a decoder builds once from a code-length record: the code and its tables for both layouts.
#pragma once

#include "codec/huffman_streams.h"
#include "codec/huffman_tree.h"

namespace dcf::impl {

// About 34 KiB, so keep CodeLengths for many codes and build this for those in use. Immutable, so
// threads may share it.
struct DecodeTable {
  explicit DecodeTable(const CodeLengths& code) : lengths(code) {
    build_tree_plan(code, &tree);
    build_streams_table(code, &streams);
  }
  CodeLengths lengths;
  TreePlan tree;
  StreamsTable streams;
};

}  // namespace dcf::impl
