// SPDX-License-Identifier: Apache-2.0
// A TensorProto of an ONNX model: what it says of its tensor, and where the values are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/onnx_wire.h"

namespace dcf::tools {

// A tensor whose values lie somewhere as they are: little-endian, row-major, elements of less than
// a byte packed from the low bits up.
struct OnnxTensor {
  std::string name;
  int32_t type = 0;                      // TensorProto.DataType
  std::vector<uint64_t> dims;            // the first DCF_MAX_RANK + 1 at most
  std::optional<uint64_t> elements = 1;  // nothing where the product does not fit

  // The file of external data, as written; empty where the values are in the model's own file.
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> bytes;  // nothing where external data has no length
};

// Tensors whose values stay in the graph.
struct OnnxCoded {
  uint64_t tensors = 0;
  uint64_t bytes = 0;  // of their values as they are in the file
};

// Reads the message that is the value of the field. Nothing where there are no values, and where
// they are coded: as varints (int32_data, int64_data, uint64_data), as text, as single numbers or
// in more than one piece, or in a field that does not belong to the type. Those are added to
// `coded`.
std::optional<OnnxTensor> read_onnx_tensor(OnnxWire* in, OnnxCoded* coded);

// A StringStringEntryProto. Texts longer than kMaxNameBytes are refused.
struct OnnxEntry {
  std::string key;
  std::string value;
};
OnnxEntry read_onnx_entry(OnnxWire* in);

}  // namespace dcf::tools
