// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf_source.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "formats/beneath.h"
#include "formats/file_range.h"
#include "formats/gguf_blocks.h"
#include "formats/gguf_header.h"
#include "formats/type_note.h"
#include "formats/unique_names.h"

namespace dcf::tools {
namespace {

// Where the bytes of a tensor are: all from an offset on, or a part of each of some blocks.
struct GgufPlace {
  uint64_t offset = 0;
  std::optional<GgufBlocks> blocks;
  size_t part = 0;
};

std::vector<uint64_t> row_major(const std::vector<int64_t>& dims) {
  return {dims.rbegin(), dims.rend()};
}

class GgufSource : public ModelSource {
 public:
  GgufSource(InputFile file, const MemoryLimit& limit)
      : ModelSource(file.path(), limit), file_(std::move(file)) {
    file_bytes_ = file_.size();
    GgufHeader header = read_gguf_header(file_, limit_);
    metadata_ = std::move(header.metadata);
    UniqueNames names;
    for (const GgufTensor& tensor : header.tensors) names.reserve(tensor.name);
    layout_.emplace("gguf");
    layout_->begin_file(portable_file_name(path_, "model.gguf"), file_.size());
    for (const GgufTensor& tensor : header.tensors) add_tensor(tensor, &names);
    layout_->end_file();
    check_tensor_list(path_, tensors_);
  }

  std::unique_ptr<TensorReader> open_tensor(size_t i) const override {
    const GgufPlace& place = places_.at(i);
    if (!place.blocks) return read_file_range(file_, place.offset);
    return read_block_part(file_, *place.blocks, place.part, limit_);
  }

  void with_file(size_t /*i*/, const UseFile& use) const override { use(file_); }

 private:
  void add_tensor(const GgufTensor& tensor, UniqueNames* names) {
    if (tensor.type == nullptr) {
      add_whole(tensor, "type " + std::to_string(tensor.type_id), 8, {tensor.bytes});
      return;
    }
    const GgufType& type = *tensor.type;
    if (type.dtype != DCF_DTYPE_OPAQUE) {
      add_plain(tensor);
      return;
    }
    // Rows are whole blocks, so a tensor of blocks has a row.
    std::vector<uint64_t> dims = row_major(tensor.dims);
    dims.back() /= type.block_elements;
    const GgufBlocks blocks{&type, tensor.offset, tensor.bytes / type.block_bytes};
    if (type.parts.empty() || blocks.blocks == 0 || !split_gains(file_, blocks)) {
      add_whole(tensor, std::string(type.name), type.block_bytes * 8, std::move(dims));
    } else {
      add_parts(tensor, blocks, std::move(dims), names);
    }
  }

  void add_plain(const GgufTensor& tensor) {
    TensorMeta meta = make_meta(path_, tensor.name, tensor.type->dtype, row_major(tensor.dims));
    // The same shape from the other end is another one to its reader.
    if (!std::equal(tensor.dims.begin(), tensor.dims.end(), tensor.dims.rbegin())) {
      layout_->note_type(tensors_.size(), type_note(tensor.type->name, tensor.dims));
    }
    add(std::move(meta), {.offset = tensor.offset, .blocks = {}});
    layout_->tensor_at(tensor.offset, tensors_.size() - 1, tensor.bytes);
  }

  void add_whole(const GgufTensor& tensor, std::string type, uint32_t bits,
                 std::vector<uint64_t> dims) {
    layout_->note_type(tensors_.size(), type_note(type, tensor.dims));
    add({.name = tensor.name,
         .dtype = DCF_DTYPE_OPAQUE,
         .bits = bits,
         .opaque_name = std::move(type),
         .dims = std::move(dims)},
        {.offset = tensor.offset, .blocks = {}});
    layout_->tensor_at(tensor.offset, tensors_.size() - 1, tensor.bytes);
  }

  // `dims` counts blocks.
  void add_parts(const GgufTensor& tensor, const GgufBlocks& blocks, std::vector<uint64_t> dims,
                 UniqueNames* names) {
    const std::string note = type_note(blocks.type->name, tensor.dims);
    const uint64_t row_blocks = dims.back();
    std::vector<BlockPart> parts;
    for (size_t p = 0; p < blocks.type->parts.size(); ++p) {
      const GgufPart& part = blocks.type->parts[p];
      dims.back() = row_blocks * (part.bytes * 8 / dcf_dtype_bits(part.dtype));
      parts.push_back({.tensor = tensors_.size(), .bytes = part.bytes});
      if (part.scale) scales_.insert(tensors_.size());
      layout_->note_type(tensors_.size(), note);
      add(make_meta(path_, names->take(tensor.name + std::string(part.suffix)), part.dtype, dims),
          {.offset = tensor.offset, .blocks = blocks, .part = p});
    }
    layout_->blocks_at(tensor.offset, blocks.blocks, parts);
  }

  void add(TensorMeta meta, GgufPlace place) {
    check_meta(path_, meta);
    tensors_.push_back(std::move(meta));
    places_.push_back(place);
  }

  InputFile file_;
  std::vector<GgufPlace> places_;  // one per tensor
};

}  // namespace

std::unique_ptr<ModelSource> open_gguf_model(InputFile file, const MemoryLimit& limit) {
  return std::make_unique<GgufSource>(std::move(file), limit);
}

}  // namespace dcf::tools
