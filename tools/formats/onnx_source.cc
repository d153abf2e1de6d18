// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx_source.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "formats/beneath.h"
#include "formats/file_range.h"
#include "formats/onnx_external.h"
#include "formats/onnx_graph.h"
#include "formats/onnx_types.h"
#include "formats/text.h"
#include "formats/type_note.h"
#include "formats/unique_names.h"

namespace dcf::tools {
namespace {

constexpr uint64_t kByteBits = 8;
constexpr size_t kOwnFile = 0;  // numbers of files are the layout's

struct Place {
  size_t file = kOwnFile;
  uint64_t offset = 0;
  uint64_t bytes = 0;

  auto operator<=>(const Place&) const = default;
};

struct PlacedTensor {
  Place place;
  OnnxTensor* tensor = nullptr;
};

uint64_t whole_bytes(uint64_t bits) {
  return bits / kByteBits + (bits % kByteBits != 0 ? 1 : 0);
}

// What dtype and shape come to; nothing where one of them is not known.
std::optional<uint64_t> bits_of(const OnnxTensor& tensor, const OnnxType* type) {
  uint64_t bits = 0;
  if (type == nullptr || !tensor.elements) return std::nullopt;
  if (__builtin_mul_overflow(*tensor.elements, uint64_t{type->bits}, &bits)) return std::nullopt;
  return bits;
}

std::string note_of(const OnnxTensor& tensor) {
  const std::vector<int64_t> dims(tensor.dims.begin(), tensor.dims.end());  // none is negative
  return type_note(onnx_type_name(tensor.type), dims);
}

class OnnxSource : public ModelSource {
 public:
  OnnxSource(InputFile file, const MemoryLimit& limit)
      : ModelSource(file.path(), limit),
        file_(std::move(file)),
        external_(path_, portable_file_name(path_, "model.onnx")) {
    OnnxModel model = read_onnx_graphs(file_, limit_);
    metadata_ = std::move(model.metadata);
    note_coded(model.coded);
    std::vector<PlacedTensor> placed;
    placed.reserve(model.tensors.size());
    for (OnnxTensor& tensor : model.tensors) {
      const Place place = find(tensor);
      if (place.bytes > 0) placed.push_back({place, &tensor});
    }
    std::stable_sort(
        placed.begin(), placed.end(),
        [](const PlacedTensor& a, const PlacedTensor& b) { return a.place < b.place; });
    layout_.emplace("onnx");
    UniqueNames names;
    for (const PlacedTensor& next : placed) add(next, model.scales, &names);
    describe_files();
  }

  std::unique_ptr<TensorReader> open_tensor(size_t i) const override {
    const Place& place = places_.at(i);
    if (place.file == kOwnFile) return read_file_range(file_, place.offset);
    return external_.read(place.file - 1, place.offset);
  }

  void with_file(size_t i, const UseFile& use) const override {
    if (i == kOwnFile) return use(file_);
    use(external_.open(i - 1));
  }

 private:
  // Shapes and axes of a graph are often coded and worth no sentence.
  void note_coded(const OnnxCoded& coded) {
    constexpr uint64_t kLeastBytes = 4096;
    if (coded.bytes < kLeastBytes) return;
    notes_.push_back(std::to_string(coded.tensors) + " tensors of " + std::to_string(coded.bytes) +
                     " bytes are coded as varints, as text or in pieces, and stay in the graph");
  }

  Place find(const OnnxTensor& tensor) {
    if (tensor.location.empty()) return {kOwnFile, tensor.offset, tensor.bytes.value_or(0)};
    const size_t file = external_.add(tensor.location);
    const uint64_t size = external_.bytes(file);
    const std::string what = "tensor " + quote(tensor.name);
    if (tensor.offset > size) {
      throw_invalid(path_, what + " begins after the end of its external data, byte " +
                               std::to_string(tensor.offset) + " of " + std::to_string(size));
    }
    const uint64_t rest = size - tensor.offset;
    uint64_t bytes = tensor.bytes.value_or(rest);
    // Readers differ in whether a tensor without a length ends with its values or with the file.
    const auto bits = bits_of(tensor, find_onnx_type(tensor.type));
    if (!tensor.bytes && bits) bytes = whole_bytes(*bits);
    if (bytes > rest) {
      throw_invalid(path_, what + " ends after the end of its external data, byte " +
                               std::to_string(tensor.offset) + " + " + std::to_string(bytes) +
                               " of " + std::to_string(size));
    }
    return {file + 1, tensor.offset, bytes};
  }

  void add(const PlacedTensor& next, const OnnxScaleNames& scales, UniqueNames* names) {
    OnnxTensor& tensor = *next.tensor;
    const bool scale = scales.contains(tensor.name);
    if (!places_.empty() && next.place.file == places_.back().file) {
      const Place& last = places_.back();
      if (next.place == last) {  // tied weights
        if (scale) scales_.insert(places_.size() - 1);
        return;
      }
      if (next.place.offset - last.offset < last.bytes) {
        throw_invalid(path_, "tensor " + quote(tensor.name) + " overlaps tensor " +
                                 quote(tensors_.back().name) + " in its external data");
      }
    }
    tensors_.push_back(make(names->take(tensor.name), tensor, next.place));
    if (scale) scales_.insert(places_.size());
    places_.push_back(next.place);
  }

  TensorMeta make(std::string name, const OnnxTensor& tensor, const Place& place) {
    const OnnxType* type = find_onnx_type(tensor.type);
    const auto bits = bits_of(tensor, type);
    const bool fits =
        bits && tensor.dims.size() <= DCF_MAX_RANK && whole_bytes(*bits) == place.bytes;
    if (fits && type->dtype != DCF_DTYPE_NONE && padding_is_zero(place, *bits)) {
      return make_meta(path_, std::move(name), type->dtype, tensor.dims);
    }
    if (fits && type->bits > kByteBits) {
      TensorMeta meta{.name = std::move(name),
                      .dtype = DCF_DTYPE_OPAQUE,
                      .bits = type->bits,
                      .opaque_name = type->name,
                      .dims = tensor.dims};
      check_meta(path_, meta);
      return meta;
    }
    layout_->note_type(tensors_.size(), note_of(tensor));
    std::vector<uint64_t> dims = {place.bytes};
    if (fits && !tensor.dims.empty() && tensor.dims.back() * type->bits % kByteBits == 0) {
      dims = tensor.dims;
      dims.back() = dims.back() * type->bits / kByteBits;
    }
    return make_meta(path_, std::move(name), DCF_DTYPE_U8, std::move(dims));
  }

  // Whether the bits of the last byte that belong to no element are zero, as .dcf has them.
  bool padding_is_zero(const Place& place, uint64_t bits) const {
    const uint64_t used = bits % kByteBits;
    if (used == 0) return true;
    std::array<uint8_t, 1> last{};
    const uint64_t at = place.offset + place.bytes - 1;
    if (place.file == kOwnFile) {
      file_.read_at(at, last);
    } else {
      external_.read(place.file - 1, at)->read(last);
    }
    return last[0] >> used == 0;
  }

  void describe_files() {
    file_bytes_ = file_.size();
    layout_->begin_file(portable_file_name(path_, "model.onnx"), file_.size());
    size_t i = 0;
    for (size_t file = kOwnFile; file <= external_.count(); ++file) {
      if (file != kOwnFile) {
        const uint64_t bytes = external_.bytes(file - 1);
        if (__builtin_add_overflow(file_bytes_, bytes, &file_bytes_)) {
          throw_invalid(path_, "has files of more than 2^64 bytes");
        }
        layout_->begin_file(external_.name(file - 1), bytes);
      }
      for (; i < places_.size() && places_[i].file == file; ++i) {
        layout_->tensor_at(places_[i].offset, i, places_[i].bytes);
      }
      layout_->end_file();
    }
  }

  InputFile file_;
  OnnxExternalFiles external_;
  std::vector<Place> places_;  // one per tensor
};

}  // namespace

std::unique_ptr<ModelSource> open_onnx_model(InputFile file, const MemoryLimit& limit) {
  return std::make_unique<OnnxSource>(std::move(file), limit);
}

}  // namespace dcf::tools
