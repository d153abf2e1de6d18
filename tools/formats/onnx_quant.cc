// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx_quant.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace dcf::tools {
namespace {

// Of a name in a container, besides its bytes.
constexpr uint64_t kNameBytes = 96;

constexpr uint64_t inputs(std::initializer_list<unsigned> numbers) {
  uint64_t mask = 0;
  for (const unsigned number : numbers) mask |= uint64_t{1} << number;
  return mask;
}

// The inputs, from 0, that are scales or zero points: of ONNX's own operators, then of ONNX
// Runtime's (com.microsoft).
struct QuantisedOp {
  std::string_view name;
  uint64_t scales;
};
constexpr QuantisedOp kQuantisedOps[] = {
    {"QuantizeLinear", inputs({1, 2})},
    {"DequantizeLinear", inputs({1, 2})},
    {"DynamicQuantizeLinear", 0},
    {"MatMulInteger", inputs({2, 3})},
    {"ConvInteger", inputs({2, 3})},
    {"QLinearMatMul", inputs({1, 2, 4, 5, 6, 7})},
    {"QLinearConv", inputs({1, 2, 4, 5, 6, 7})},
    {"QLinearConvTranspose", inputs({1, 2, 4, 5, 6, 7})},
    {"QLinearAdd", inputs({1, 2, 4, 5, 6, 7})},
    {"QLinearMul", inputs({1, 2, 4, 5, 6, 7})},
    {"QLinearWhere", inputs({2, 3, 5, 6, 7, 8})},
    {"QLinearSigmoid", inputs({1, 2, 3, 4})},
    {"QLinearLeakyRelu", inputs({1, 2, 3, 4})},
    {"QLinearSoftmax", inputs({1, 2, 3, 4})},
    {"QLinearAveragePool", inputs({1, 2, 3, 4})},
    {"QLinearGlobalAveragePool", inputs({1, 2, 3, 4})},
    {"QLinearReduceMean", inputs({1, 2, 3, 4})},
    {"QGemm", inputs({1, 2, 4, 5, 7, 8})},
    {"QAttention", inputs({3, 4, 6, 7})},
    {"QMoE", inputs({3, 6, 9})},
    {"QEmbedLayerNormalization", inputs({8, 9, 10, 11, 12, 13, 14, 15, 16, 17})},
    {"DynamicQuantizeMatMul", inputs({2, 3})},
    {"DynamicQuantizeLSTM", inputs({8, 9, 10, 11})},
    {"MatMulIntegerToFloat", inputs({2, 3, 4, 5})},
    {"MatMulNBits", inputs({2, 3})},
    {"MatMulBnb4", inputs({2})},
    {"GatherBlockQuantized", inputs({2, 3})},
    {"QOrderedMatMul", inputs({1, 3, 4, 7})},
};

constexpr std::string_view kPassingOps[] = {"Identity", "Cast",      "CastLike", "Reshape",
                                            "Squeeze",  "Unsqueeze", "Flatten",  "Transpose"};

constexpr std::string_view kNameEnds[] = {"_scale", "_scales", "_zero_point", "_zero_points",
                                          "_zp"};

bool is_scale_input(const QuantisedOp* op, size_t i) {
  return op != nullptr && i < 64 && (op->scales >> i & 1) != 0;
}

// Scale and zero point of the output, then of each input the tensor, its scale and zero point.
bool is_scale_input_of_concat(size_t i) {
  return i < 2 || (i - 2) % 3 != 0;
}

}  // namespace

uint64_t OnnxScaleNames::add(const std::string& name) {
  quantised_ = true;
  return !name.empty() && names_.insert(name).second ? kNameBytes + name.size() : 0;
}

uint64_t OnnxScaleNames::add_node(const std::string& op_type, std::span<const std::string> inputs,
                                  const std::string& first_output) {
  uint64_t bytes = 0;
  if (!inputs.empty() &&
      std::find(std::begin(kPassingOps), std::end(kPassingOps), op_type) != std::end(kPassingOps)) {
    passed_on_.emplace_back(first_output, inputs[0]);
    bytes += 2 * kNameBytes + first_output.size() + inputs[0].size();
  }
  const bool concat = op_type == "QLinearConcat";
  const auto* op = std::find_if(std::begin(kQuantisedOps), std::end(kQuantisedOps),
                                [&](const QuantisedOp& known) { return known.name == op_type; });
  if (op == std::end(kQuantisedOps)) op = nullptr;
  quantised_ |= concat || op != nullptr;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (concat ? is_scale_input_of_concat(i) : is_scale_input(op, i)) bytes += add(inputs[i]);
  }
  return bytes;
}

void OnnxScaleNames::finish() {
  // Nodes stand after those whose outputs they read.
  for (auto it = passed_on_.rbegin(); it != passed_on_.rend(); ++it) {
    if (names_.contains(it->first)) add(it->second);
  }
  passed_on_ = {};
}

bool OnnxScaleNames::contains(const std::string& name) const {
  if (!quantised_) return false;
  if (names_.contains(name)) return true;
  return std::any_of(std::begin(kNameEnds), std::end(kNameEnds),
                     [&](std::string_view end) { return name.ends_with(end); });
}

}  // namespace dcf::tools
