// SPDX-License-Identifier: Apache-2.0
#include "tflite_file.h"

#include <tflite_schema_generated.h>

namespace dcf::tools::test {

std::string TfliteFile::bytes() const {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<flatbuffers::Vector<uint8_t>>> datas;
  std::vector<flatbuffers::Offset<tflite::Buffer>> packed_buffers;
  for (const TfliteBuffer& buffer : buffers) {
    flatbuffers::Offset<flatbuffers::Vector<uint8_t>> data = 0;
    if (buffer.same_as >= 0) {
      data = datas[static_cast<size_t>(buffer.same_as)];
    } else if (!buffer.data.empty()) {
      builder.ForceVectorAlignment(buffer.data.size(), 1, 16);
      data = builder.CreateVector(reinterpret_cast<const uint8_t*>(buffer.data.data()),
                                  buffer.data.size());
    }
    datas.push_back(data);
    packed_buffers.push_back(tflite::CreateBuffer(builder, data, buffer.offset, buffer.size));
  }
  std::vector<flatbuffers::Offset<tflite::SubGraph>> packed_graphs;
  for (const std::vector<TfliteTensor>& graph : graphs) {
    std::vector<flatbuffers::Offset<tflite::Tensor>> tensors;
    for (const TfliteTensor& tensor : graph) {
      const auto name = tensor.name.empty() ? 0 : builder.CreateString(tensor.name);
      const auto shape = tensor.shape.empty() ? 0 : builder.CreateVector(tensor.shape);
      tensors.push_back(tflite::CreateTensor(builder, shape, tensor.type, tensor.buffer, name));
    }
    packed_graphs.push_back(tflite::CreateSubGraph(builder, builder.CreateVector(tensors)));
  }
  const auto subgraphs = builder.CreateVector(packed_graphs);
  const auto all_buffers = builder.CreateVector(packed_buffers);
  builder.Finish(tflite::CreateModel(builder, version, subgraphs, all_buffers), "TFL3");
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}

}  // namespace dcf::tools::test
