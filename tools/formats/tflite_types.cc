// SPDX-License-Identifier: Apache-2.0
#include "formats/tflite_types.h"

#include <iterator>
#include <string_view>

namespace dcf::tools {
namespace {

struct Row {
  std::string_view name;
  dcf_dtype dtype;
};
constexpr Row kRows[] = {
    {"FLOAT32", DCF_DTYPE_F32},        {"FLOAT16", DCF_DTYPE_F16},
    {"INT32", DCF_DTYPE_I32},          {"UINT8", DCF_DTYPE_U8},
    {"INT64", DCF_DTYPE_I64},          {"STRING", DCF_DTYPE_NONE},
    {"BOOL", DCF_DTYPE_BOOL},          {"INT16", DCF_DTYPE_I16},
    {"COMPLEX64", DCF_DTYPE_C64},      {"INT8", DCF_DTYPE_I8},
    {"FLOAT64", DCF_DTYPE_F64},        {"COMPLEX128", DCF_DTYPE_NONE},
    {"UINT64", DCF_DTYPE_U64},         {"RESOURCE", DCF_DTYPE_NONE},
    {"VARIANT", DCF_DTYPE_NONE},       {"UINT32", DCF_DTYPE_U32},
    {"UINT16", DCF_DTYPE_U16},         {"INT4", DCF_DTYPE_NONE},
    {"BFLOAT16", DCF_DTYPE_BF16},      {"INT2", DCF_DTYPE_NONE},
    {"UINT4", DCF_DTYPE_NONE},         {"FLOAT8_E4M3FN", DCF_DTYPE_F8E4M3},
    {"FLOAT8_E5M2", DCF_DTYPE_F8E5M2},
};

}  // namespace

TfliteType tflite_type(int8_t id) {
  if (id < 0 || static_cast<size_t>(id) >= std::size(kRows)) {
    return {.name = "type " + std::to_string(id)};
  }
  const Row& row = kRows[id];
  return {.name = std::string(row.name), .dtype = row.dtype};
}

}  // namespace dcf::tools
