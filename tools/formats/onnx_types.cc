// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx_types.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <iterator>

namespace dcf::tools {
namespace {

// The first seventeen have names in every onnx-ml.pb.h; later ones came with ONNX 1.14 and after.
constexpr OnnxType kOnnxTypes[] = {
    {onnx::TensorProto_DataType_FLOAT, "FLOAT", 32, DCF_DTYPE_F32},
    {onnx::TensorProto_DataType_UINT8, "UINT8", 8, DCF_DTYPE_U8},
    {onnx::TensorProto_DataType_INT8, "INT8", 8, DCF_DTYPE_I8},
    {onnx::TensorProto_DataType_UINT16, "UINT16", 16, DCF_DTYPE_U16},
    {onnx::TensorProto_DataType_INT16, "INT16", 16, DCF_DTYPE_I16},
    {onnx::TensorProto_DataType_INT32, "INT32", 32, DCF_DTYPE_I32},
    {onnx::TensorProto_DataType_INT64, "INT64", 64, DCF_DTYPE_I64},
    {onnx::TensorProto_DataType_BOOL, "BOOL", 8, DCF_DTYPE_BOOL},
    {onnx::TensorProto_DataType_FLOAT16, "FLOAT16", 16, DCF_DTYPE_F16},
    {onnx::TensorProto_DataType_DOUBLE, "DOUBLE", 64, DCF_DTYPE_F64},
    {onnx::TensorProto_DataType_UINT32, "UINT32", 32, DCF_DTYPE_U32},
    {onnx::TensorProto_DataType_UINT64, "UINT64", 64, DCF_DTYPE_U64},
    {onnx::TensorProto_DataType_COMPLEX64, "COMPLEX64", 64, DCF_DTYPE_C64},
    {onnx::TensorProto_DataType_COMPLEX128, "COMPLEX128", 128, DCF_DTYPE_NONE},
    {onnx::TensorProto_DataType_BFLOAT16, "BFLOAT16", 16, DCF_DTYPE_BF16},
    {17, "FLOAT8E4M3FN", 8, DCF_DTYPE_F8E4M3},
    {18, "FLOAT8E4M3FNUZ", 8, DCF_DTYPE_F8E4M3FNUZ},
    {19, "FLOAT8E5M2", 8, DCF_DTYPE_F8E5M2},
    {20, "FLOAT8E5M2FNUZ", 8, DCF_DTYPE_F8E5M2FNUZ},
    {21, "UINT4", 4, DCF_DTYPE_NONE},
    {22, "INT4", 4, DCF_DTYPE_NONE},
    {23, "FLOAT4E2M1", 4, DCF_DTYPE_F4},
    {24, "FLOAT8E8M0", 8, DCF_DTYPE_F8E8M0},
    {25, "UINT2", 2, DCF_DTYPE_NONE},
    {26, "INT2", 2, DCF_DTYPE_NONE},
};

}  // namespace

const OnnxType* find_onnx_type(int32_t id) {
  const auto* const it = std::find_if(std::begin(kOnnxTypes), std::end(kOnnxTypes),
                                      [id](const OnnxType& type) { return type.id == id; });
  return it == std::end(kOnnxTypes) ? nullptr : it;
}

std::string onnx_type_name(int32_t id) {
  if (id == onnx::TensorProto_DataType_UNDEFINED) return "UNDEFINED";
  if (id == onnx::TensorProto_DataType_STRING) return "STRING";
  const OnnxType* type = find_onnx_type(id);
  return type == nullptr ? "type " + std::to_string(id) : type->name;
}

}  // namespace dcf::tools
