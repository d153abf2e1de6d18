// SPDX-License-Identifier: Apache-2.0
// Which tensors of an ONNX model are scales and zero points of quantised ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace dcf::tools {

// Collects names from the nodes of a model, in their order. One set for all graphs of a model: a
// name of an inner graph means the outer one's where the inner has none.
class OnnxScaleNames {
 public:
  // Returns the bytes of memory it took, about.
  uint64_t add_node(const std::string& op_type, std::span<const std::string> inputs,
                    const std::string& first_output);
  uint64_t add(const std::string& name);

  // After the last node. Follows scales back through nodes that pass values on.
  void finish();
  // Named by a quantised operator or annotation; or, in a model that has any, by its name's end.
  bool contains(const std::string& name) const;

 private:
  std::unordered_set<std::string> names_;
  std::vector<std::pair<std::string, std::string>> passed_on_;  // output and input of a node
  bool quantised_ = false;
};

}  // namespace dcf::tools
