// SPDX-License-Identifier: Apache-2.0
// The types of tensors in TensorFlow Lite models (TensorType of its schema).
#pragma once

#include <dcf/dcf.h>

#include <cstdint>
#include <string>

namespace dcf::tools {

struct TfliteType {
  std::string name;  // "type N" where it is not known
  // DCF_DTYPE_NONE for numbers of less than a byte, for types without one in .dcf files and for
  // those that are not known.
  dcf_dtype dtype = DCF_DTYPE_NONE;
};

TfliteType tflite_type(int8_t id);

}  // namespace dcf::tools
