// SPDX-License-Identifier: Apache-2.0
// The tensors of an ONNX model, found by walking its graphs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "formats/input_file.h"
#include "formats/memory_limit.h"
#include "formats/onnx_quant.h"
#include "formats/onnx_tensor.h"

namespace dcf::tools {

struct OnnxModel {
  // In the order of the file. An initializer has its own name; the value of a Constant the name of
  // the node's output; a tensor in an attribute of another node that of the node's first output, a
  // dot and the attribute's, with [i] in a list of tensors; values and indices of a sparse tensor
  // end in ".values" and ".indices". Names need not be unique.
  std::vector<OnnxTensor> tensors;
  OnnxCoded coded;
  OnnxScaleNames scales;
  std::map<std::string, std::string> metadata;
  uint64_t memory = 0;  // that this takes, about
};

// Reads all messages of the file but the tensors' values: of the graph, of graphs inside its nodes,
// of functions and of training. Tensors that read_onnx_tensor() has nothing for are left out.
// Throws Error for what is no valid model, and DcfError before it takes more memory than the limit.
OnnxModel read_onnx_graphs(const InputFile& file, const MemoryLimit& limit);

}  // namespace dcf::tools
