// SPDX-License-Identifier: Apache-2.0
#include "formats/tflite_source.h"

#include <tflite_schema_generated.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formats/beneath.h"
#include "formats/file_range.h"
#include "formats/mapped_file.h"
#include "formats/text.h"
#include "formats/tflite_types.h"
#include "formats/type_note.h"
#include "formats/unique_names.h"

namespace dcf::tools {
namespace {

// Offsets in a flatbuffer have 32 bits, one of them for the sign.
constexpr uint64_t kMostFlatbufferBytes = FLATBUFFERS_MAX_BUFFER_SIZE - 1;
constexpr flatbuffers::uoffset_t kMaxNesting = 8;
constexpr flatbuffers::uoffset_t kMaxTables = 1 << 22;
constexpr uint32_t kSchemaVersion = 3;
// Memory for what is kept of a buffer, besides three copies of its name.
constexpr uint64_t kBufferMemory = 512;
constexpr uint64_t kNameCopies = 3;

// The bytes of a buffer, and what the first tensor with this buffer says of them.
struct Constant {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  size_t buffer = 0;
  std::string name;
  TfliteType type;
  std::vector<int64_t> shape;
};

class TfliteSource : public ModelSource {
 public:
  TfliteSource(InputFile file, const MemoryLimit& limit)
      : ModelSource(file.path(), limit), file_(std::move(file)) {
    file_bytes_ = file_.size();
    std::vector<Constant> constants = read_constants();
    std::sort(constants.begin(), constants.end(), [](const Constant& a, const Constant& b) {
      return std::pair(a.offset, a.buffer) < std::pair(b.offset, b.buffer);
    });
    layout_.emplace("tflite");
    layout_->begin_file(portable_file_name(path_, "model.tflite"), file_.size());
    UniqueNames names;
    for (const Constant& constant : constants) add_tensor(constant, &names);
    layout_->end_file();
    check_tensor_list(path_, tensors_);
  }

  std::unique_ptr<TensorReader> open_tensor(size_t i) const override {
    return read_file_range(file_, offsets_.at(i));
  }

  void with_file(size_t /*i*/, const UseFile& use) const override { use(file_); }

 private:
  std::vector<Constant> read_constants() {
    const MappedFile map(file_, kMostFlatbufferBytes);
    flatbuffers::Verifier verifier(map.bytes().data(), map.bytes().size(), kMaxNesting, kMaxTables);
    if (!tflite::VerifyModelBuffer(verifier)) {
      throw_invalid(path_, "is not a well-formed TensorFlow Lite model");
    }
    const tflite::Model& model = *tflite::GetModel(map.bytes().data());
    if (model.version() != kSchemaVersion) {
      throw_failure(path_, "is a TensorFlow Lite model of version " +
                               std::to_string(model.version()) + "; 3 is supported");
    }
    std::vector<Constant> constants;
    if (model.subgraphs() == nullptr || model.buffers() == nullptr) return constants;
    hold(model.buffers()->size());
    std::vector<bool> seen(model.buffers()->size());
    for (const tflite::SubGraph* graph : *model.subgraphs()) {
      if (graph->tensors() == nullptr) continue;
      for (const tflite::Tensor* tensor : *graph->tensors()) {
        const uint32_t buffer = tensor->buffer();
        if (buffer >= seen.size()) {
          // Buffer 0, the empty one, need not be there.
          if (buffer == 0) continue;
          throw_invalid(path_, "a tensor has the buffer " + std::to_string(buffer) + " of " +
                                   std::to_string(seen.size()));
        }
        if (seen[buffer]) continue;
        seen[buffer] = true;
        auto constant = read_constant(map, *model.buffers()->Get(buffer), *tensor);
        if (!constant) continue;
        constant->buffer = buffer;
        constants.push_back(std::move(*constant));
      }
    }
    return constants;
  }

  // Nothing for an empty buffer: the tensor is computed.
  std::optional<Constant> read_constant(const MappedFile& map, const tflite::Buffer& buffer,
                                        const tflite::Tensor& tensor) {
    Constant constant;
    if (buffer.offset() > 1) {
      constant.offset = buffer.offset();
      constant.bytes = buffer.size();
      if (constant.offset > file_.size() || constant.bytes > file_.size() - constant.offset) {
        throw_invalid(path_, "is cut off: a buffer of " + std::to_string(constant.bytes) +
                                 " bytes begins at byte " + std::to_string(constant.offset) +
                                 " of " + std::to_string(file_.size()));
      }
    } else if (buffer.data() != nullptr) {
      constant.offset = static_cast<uint64_t>(buffer.data()->Data() - map.bytes().data());
      constant.bytes = buffer.data()->size();
    }
    if (constant.bytes == 0) return std::nullopt;
    const uint64_t name_bytes = tensor.name() == nullptr ? 0 : tensor.name()->size();
    const uint64_t rank = tensor.shape() == nullptr ? 0 : tensor.shape()->size();
    hold(kBufferMemory + kNameCopies * name_bytes + sizeof(int64_t) * rank);
    if (name_bytes > 0) constant.name = tensor.name()->str();
    if (rank > 0) constant.shape.assign(tensor.shape()->begin(), tensor.shape()->end());
    constant.type = tflite_type(tensor.type());
    return constant;
  }

  void hold(uint64_t bytes) {
    held_ += bytes;
    limit_.check(path_, "its list of buffers", held_);
  }

  void add_tensor(const Constant& constant, UniqueNames* names) {
    if (constant.offset < end_) {
      // Two buffers that are one and the same.
      if (constant.offset == offsets_.back() && constant.bytes == tensors_.back().bytes()) return;
      throw_invalid(path_, "buffer " + std::to_string(constant.buffer) + " overlaps another one");
    }
    TensorMeta meta = meta_of(constant, names);
    if (meta.dtype != constant.type.dtype ||
        !std::equal(meta.dims.begin(), meta.dims.end(), constant.shape.begin(),
                    constant.shape.end(),
                    [](uint64_t a, int64_t b) { return std::cmp_equal(a, b); })) {
      layout_->note_type(tensors_.size(), type_note(constant.type.name, constant.shape));
    }
    layout_->tensor_at(constant.offset, tensors_.size(), constant.bytes);
    tensors_.push_back(std::move(meta));
    offsets_.push_back(constant.offset);
    end_ = constant.offset + constant.bytes;
  }

  // With the tensor's dtype where the buffer is whole elements of it, and with its shape where
  // these are as many.
  TensorMeta meta_of(const Constant& constant, UniqueNames* names) const {
    constexpr size_t kRoomForNumber = 24;
    const bool fits = is_utf8(constant.name) && constant.name.find('\0') == std::string::npos &&
                      constant.name.size() + kRoomForNumber <= kMaxNameBytes;
    std::string name =
        names->take(fits && !constant.name.empty() ? constant.name
                                                   : "buffer " + std::to_string(constant.buffer));
    const uint32_t width = dcf_dtype_bits(constant.type.dtype) / 8;
    if (width == 0 || constant.bytes % width != 0) {
      return make_meta(path_, std::move(name), DCF_DTYPE_U8, {constant.bytes});
    }
    const uint64_t elements = constant.bytes / width;
    const bool counts = std::all_of(constant.shape.begin(), constant.shape.end(),
                                    [](int64_t dim) { return dim >= 0; });
    std::vector<uint64_t> dims(constant.shape.begin(), constant.shape.end());
    // A sparse tensor has fewer.
    const bool dense = counts && dims.size() <= DCF_MAX_RANK && checked_bits(dims, 1) == elements;
    if (!dense) dims = {elements};
    return make_meta(path_, std::move(name), constant.type.dtype, std::move(dims));
  }

  InputFile file_;
  std::vector<uint64_t> offsets_;  // one per tensor
  uint64_t end_ = 0;               // of the last tensor
  uint64_t held_ = 0;              // memory
};

}  // namespace

std::unique_ptr<ModelSource> open_tflite_model(InputFile file, const MemoryLimit& limit) {
  return std::make_unique<TfliteSource>(std::move(file), limit);
}

}  // namespace dcf::tools
