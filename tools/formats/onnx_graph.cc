// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx_graph.h"

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <optional>
#include <utility>

#include "formats/error.h"
#include "formats/onnx_wire.h"
#include "formats/tensor_meta.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr int kFunctionAttributeField = 11;  // attribute_proto of FunctionProto, of ONNX 1.13
constexpr uint64_t kTensorBytes = 768;       // of a tensor in all lists that will be kept, about
constexpr uint64_t kTextBytes = 64;          // of a text in a list, besides its characters

// A tensor of an attribute, which gets its name when its node has been read.
struct Unnamed {
  size_t tensor = 0;
  std::string attribute;
  std::string ending;
};

class GraphReader {
 public:
  GraphReader(const InputFile& file, const MemoryLimit& limit)
      : file_(file), limit_(limit), in_(file) {}

  OnnxModel run() {
    bool graph = false;
    while (in_.next()) {
      switch (in_.field()) {
        case onnx::ModelProto::kIrVersionFieldNumber:
          in_.once("version");
          model_.metadata["onnx.ir_version"] = std::to_string(in_.number());
          break;
        case onnx::ModelProto::kProducerNameFieldNumber:
          keep_text("producer_name");
          break;
        case onnx::ModelProto::kProducerVersionFieldNumber:
          keep_text("producer_version");
          break;
        case onnx::ModelProto::kGraphFieldNumber:
          in_.once("graph");
          graph = true;
          read_graph();
          break;
        case onnx::ModelProto::kTrainingInfoFieldNumber:
          in_.message([&] { training_field(); });
          break;
        case onnx::ModelProto::kFunctionsFieldNumber:
          read_function();
          break;
        default:
          break;
      }
    }
    if (!graph) in_.fail("it ends without a graph");
    model_.scales.finish();
    return std::move(model_);
  }

 private:
  void take(uint64_t bytes) {
    model_.memory += bytes;
    limit_.check(file_.path(), "the list of its tensors", model_.memory);
  }

  void keep_text(const char* key) {
    constexpr size_t kMaxBytes = 256;
    in_.once(key);
    std::string text = in_.text_or_nothing(kMaxBytes);
    if (!text.empty() && is_utf8(text)) model_.metadata["onnx." + std::string(key)] = text;
  }

  void training_field() {
    switch (in_.field()) {
      case onnx::TrainingInfoProto::kInitializationFieldNumber:
        in_.once("initialization graph");
        read_graph();
        break;
      case onnx::TrainingInfoProto::kAlgorithmFieldNumber:
        in_.once("algorithm graph");
        read_graph();
        break;
      default:
        break;
    }
  }

  void read_graph() {
    in_.message([&] {
      switch (in_.field()) {
        case onnx::GraphProto::kNodeFieldNumber:
          read_node();
          break;
        case onnx::GraphProto::kInitializerFieldNumber:
          add_tensor();
          break;
        case onnx::GraphProto::kSparseInitializerFieldNumber:
          read_sparse_initializer();
          break;
        case onnx::GraphProto::kQuantizationAnnotationFieldNumber:
          in_.message([&] {
            if (in_.field() == onnx::TensorAnnotation::kQuantParameterTensorNamesFieldNumber) {
              take(model_.scales.add(read_onnx_entry(&in_).value));
            }
          });
          break;
        default:
          break;
      }
    });
  }

  void read_function() {
    std::string name;
    std::vector<Unnamed> unnamed;
    in_.message([&] {
      switch (in_.field()) {
        case onnx::FunctionProto::kNameFieldNumber:
          in_.once("name");
          name = in_.text_or_nothing(kMaxNameBytes);
          break;
        case onnx::FunctionProto::kNodeFieldNumber:
          read_node();
          break;
        case kFunctionAttributeField:
          read_attribute(&unnamed);
          break;
        default:
          break;
      }
    });
    name_tensors(name, true, unnamed);
  }

  void read_node() {
    std::string op_type;
    std::string output;
    std::vector<std::string> inputs;
    std::vector<Unnamed> unnamed;
    uint64_t held = 0;
    in_.message([&] {
      switch (in_.field()) {
        case onnx::NodeProto::kInputFieldNumber:
          inputs.push_back(in_.text_or_nothing(kMaxNameBytes));
          held += kTextBytes + inputs.back().size();
          take(kTextBytes + inputs.back().size());
          break;
        case onnx::NodeProto::kOutputFieldNumber:
          if (output.empty()) output = in_.text_or_nothing(kMaxNameBytes);
          break;
        case onnx::NodeProto::kOpTypeFieldNumber:
          in_.once("op_type");
          op_type = in_.text_or_nothing(kMaxNameBytes);
          break;
        case onnx::NodeProto::kAttributeFieldNumber:
          read_attribute(&unnamed);
          break;
        default:
          break;
      }
    });
    take(model_.scales.add_node(op_type, inputs, output));
    model_.memory -= held;
    name_tensors(output, op_type != "Constant", unnamed);
  }

  void read_attribute(std::vector<Unnamed>* unnamed) {
    const size_t first = unnamed->size();
    std::string name;
    size_t listed = 0;
    in_.message([&] {
      switch (in_.field()) {
        case onnx::AttributeProto::kNameFieldNumber:
          in_.once("name");
          name = in_.text_or_nothing(kMaxNameBytes);
          break;
        case onnx::AttributeProto::kTFieldNumber:
          in_.once("tensor");
          read_unnamed("", unnamed);
          break;
        case onnx::AttributeProto::kTensorsFieldNumber:
          read_unnamed(index(listed++), unnamed);
          break;
        case onnx::AttributeProto::kSparseTensorFieldNumber:
          in_.once("sparse_tensor");
          read_sparse("", unnamed);
          break;
        case onnx::AttributeProto::kSparseTensorsFieldNumber:
          read_sparse(index(listed++), unnamed);
          break;
        case onnx::AttributeProto::kGFieldNumber:
          in_.once("graph");
          read_graph();
          break;
        case onnx::AttributeProto::kGraphsFieldNumber:
          read_graph();
          break;
        default:
          break;
      }
    });
    for (size_t i = first; i < unnamed->size(); ++i) {
      take(kTextBytes + name.size());
      (*unnamed)[i].attribute = name;
    }
  }

  static std::string index(size_t i) { return "[" + std::to_string(i) + "]"; }

  // Adds the tensor that is the value of the field; false where there is nothing to add.
  bool add_tensor() {
    std::optional<OnnxTensor> tensor = read_onnx_tensor(&in_, &model_.coded);
    if (!tensor) return false;
    if (model_.tensors.size() == kMaxTensors) {
      throw_invalid(file_.path(), "has more than " + std::to_string(kMaxTensors) + " tensors");
    }
    take(kTensorBytes + 2 * tensor->name.size() + tensor->location.size() +
         2 * sizeof(uint64_t) * tensor->dims.size());
    model_.tensors.push_back(std::move(*tensor));
    return true;
  }

  void read_unnamed(const std::string& ending, std::vector<Unnamed>* unnamed) {
    if (add_tensor()) unnamed->push_back({model_.tensors.size() - 1, {}, ending});
  }

  void read_sparse(const std::string& ending, std::vector<Unnamed>* unnamed) {
    in_.message([&] {
      switch (in_.field()) {
        case onnx::SparseTensorProto::kValuesFieldNumber:
          in_.once("values");
          read_unnamed(ending + ".values", unnamed);
          break;
        case onnx::SparseTensorProto::kIndicesFieldNumber:
          in_.once("indices");
          read_unnamed(ending + ".indices", unnamed);
          break;
        default:
          break;
      }
    });
  }

  // Has the name of its values.
  void read_sparse_initializer() {
    std::vector<Unnamed> parts;
    read_sparse("", &parts);
    std::string name;
    for (const Unnamed& part : parts) {
      if (name.empty()) name = model_.tensors[part.tensor].name;
    }
    name_tensors(name, false, parts);
  }

  void name_tensors(const std::string& of, bool with_attribute,
                    const std::vector<Unnamed>& unnamed) {
    for (const Unnamed& part : unnamed) {
      std::string name = of;
      if (with_attribute) name += (of.empty() ? "" : ".") + part.attribute;
      name += part.ending;
      take(2 * name.size());
      model_.tensors[part.tensor].name = std::move(name);
    }
  }

  const InputFile& file_;
  const MemoryLimit& limit_;
  OnnxWire in_;
  OnnxModel model_;
};

}  // namespace

OnnxModel read_onnx_graphs(const InputFile& file, const MemoryLimit& limit) {
  return GraphReader(file, limit).run();
}

}  // namespace dcf::tools
