// SPDX-License-Identifier: Apache-2.0
#include "proto_writer.h"

namespace dcf::tools::test {

std::string proto_varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}

Proto& Proto::raw(std::string_view content) {
  content_ += content;
  return *this;
}

Proto& Proto::number(int field, uint64_t value) {
  return raw(proto_varint(static_cast<uint64_t>(field) << 3) + proto_varint(value));
}

Proto& Proto::bytes(int field, std::string_view content) {
  raw(proto_varint(static_cast<uint64_t>(field) << 3 | 2) + proto_varint(content.size()));
  return raw(content);
}

Proto onnx_tensor(std::string_view name, int type, const std::vector<uint64_t>& dims) {
  Proto tensor;
  for (const uint64_t dim : dims) tensor.number(1, dim);
  tensor.number(2, static_cast<uint64_t>(type));
  if (!name.empty()) tensor.bytes(8, name);
  return tensor;
}

Proto onnx_raw_tensor(std::string_view name, int type, const std::vector<uint64_t>& dims,
                      std::string_view raw_data) {
  return onnx_tensor(name, type, dims).bytes(9, raw_data);
}

Proto onnx_external_tensor(std::string_view name, int type, const std::vector<uint64_t>& dims,
                           const char* location, const char* offset, const char* length) {
  Proto tensor = onnx_tensor(name, type, dims);
  const auto entry = [&](const char* key, const char* value) {
    if (value != nullptr) tensor.message(13, Proto().bytes(1, key).bytes(2, value));
  };
  entry("location", location);
  entry("offset", offset);
  entry("length", length);
  return tensor.number(14, 1);
}

Proto onnx_attribute(std::string_view name, int field, const Proto& value) {
  return Proto().bytes(1, name).message(field, value);
}

Proto onnx_node(std::string_view op_type, const std::vector<std::string>& inputs,
                std::string_view output, const std::vector<Proto>& attributes) {
  Proto node;
  for (const std::string& input : inputs) node.bytes(1, input);
  node.bytes(2, output).bytes(4, op_type);
  for (const Proto& attribute : attributes) node.message(5, attribute);
  return node;
}

Proto onnx_model(const Proto& graph) {
  constexpr uint64_t kVersion = 8;
  return Proto()
      .number(1, kVersion)
      .bytes(2, "test")
      .message(7, graph)
      .message(8, Proto().bytes(1, "").number(2, 17));
}

}  // namespace dcf::tools::test
