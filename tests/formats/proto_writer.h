// SPDX-License-Identifier: Apache-2.0
// Messages of protobuf and of ONNX, written by hand: also those that no library writes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dcf::tools::test {

std::string proto_varint(uint64_t value);

// A message; fields are in the order of the calls.
class Proto {
 public:
  Proto& number(int field, uint64_t value);
  Proto& bytes(int field, std::string_view content);
  Proto& message(int field, const Proto& content) { return bytes(field, content.content_); }
  // Anything at all.
  Proto& raw(std::string_view content);

  const std::string& str() const { return content_; }

 private:
  std::string content_;
};

// A TensorProto without values, as numbers of TensorProto.DataType.
Proto onnx_tensor(std::string_view name, int type, const std::vector<uint64_t>& dims);
Proto onnx_raw_tensor(std::string_view name, int type, const std::vector<uint64_t>& dims,
                      std::string_view raw_data);
// With external data; nullptr leaves an entry out.
Proto onnx_external_tensor(std::string_view name, int type, const std::vector<uint64_t>& dims,
                           const char* location, const char* offset, const char* length);
// An AttributeProto whose value is a message.
Proto onnx_attribute(std::string_view name, int field, const Proto& value);
Proto onnx_node(std::string_view op_type, const std::vector<std::string>& inputs,
                std::string_view output, const std::vector<Proto>& attributes = {});
// A ModelProto of one graph.
Proto onnx_model(const Proto& graph);

}  // namespace dcf::tools::test
