// SPDX-License-Identifier: Apache-2.0
// Whether a file is an ONNX model, told without any library, so that a build without the reader can
// name what it lacks.
#pragma once

#include "formats/input_file.h"

namespace dcf::tools {

// Whether the file starts like a ModelProto: fields that it has, of the wire types it gives them,
// among them a version and a graph that begins with one of a graph's own fields. Other files of
// protobuf, such as TensorFlow's and Core ML's, have no such graph. Says nothing of what follows;
// reads a few bytes for each field in front of the graph.
bool looks_like_onnx(const InputFile& file);

}  // namespace dcf::tools
