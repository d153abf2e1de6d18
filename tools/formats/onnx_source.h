// SPDX-License-Identifier: Apache-2.0
// Reads ONNX models: https://onnx.ai/onnx/repo-docs/IR.html, structure by libprotobuf.
#pragma once

#include <memory>

#include "formats/model_source.h"

namespace dcf::tools {

// Tensors are those of read_onnx_graphs() (onnx_graph.h), in the order of the file, then of each
// file of external data. Their names are OnnxModel's, made unique as UniqueNames does; a range of
// external data that several tensors share is one tensor, with the first one's name. A tensor has
// ONNX's dtype and shape where .dcf has that dtype and the bytes are as many as they say; UINT4,
// INT4, UINT2 and INT2 are the bytes they are packed in, and what else .dcf cannot say is a row of
// bytes. `file` is one that looks_like_onnx() (onnx_detect.h).
std::unique_ptr<ModelSource> open_onnx_model(InputFile file, const MemoryLimit& limit);

}  // namespace dcf::tools
