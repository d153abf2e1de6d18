// SPDX-License-Identifier: Apache-2.0
// The element types of ONNX and the ones of .dcf.
#pragma once

#include <dcf/dcf.h>

#include <cstdint>
#include <string>

namespace dcf::tools {

struct OnnxType {
  int32_t id;  // TensorProto.DataType
  const char* name;
  uint32_t bits;    // of an element
  dcf_dtype dtype;  // DCF_DTYPE_NONE where .dcf has no such type
};

// nullptr where the type has no number known here, or no fixed width.
const OnnxType* find_onnx_type(int32_t id);
// ONNX's name of a type, or its number.
std::string onnx_type_name(int32_t id);

}  // namespace dcf::tools
