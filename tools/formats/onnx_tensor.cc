// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx_tensor.h"

#include <dcf/dcf.h>
#include <onnx/onnx_pb.h>

#include <array>
#include <charconv>
#include <limits>
#include <system_error>
#include <utility>

#include "formats/tensor_meta.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

using onnx::TensorProto;

// Decimal digits, as external data has its numbers.
uint64_t parse_number(const OnnxWire& in, const OnnxEntry& entry) {
  uint64_t value = 0;
  const char* const end = entry.value.data() + entry.value.size();
  const auto [last, error] = std::from_chars(entry.value.data(), end, value);
  if (error != std::errc() || last != end) {
    in.fail("external data has the " + entry.key + " " + quote(entry.value) +
            ", which is no number of bytes");
  }
  return value;
}

// float_data or double_data.
struct PackedField {
  bool present = false;
  std::array<int32_t, 2> types{};  // the element types whose values it holds
};

class TensorReading {
 public:
  explicit TensorReading(OnnxWire* in) : in_(*in) {}

  std::optional<OnnxTensor> run(OnnxCoded* coded) {
    in_.message([&] { read_field(); });
    if (external_) {
      if (plain_fields_ != 0 || coded_) in_.fail("a tensor has values here and in external data");
      if (!location_) in_.fail("a tensor has external data without a location");
      tensor_.location = std::move(*location_);
      tensor_.offset = offset_.value_or(0);
      tensor_.bytes = length_;
      return std::move(tensor_);
    }
    if (plain_fields_ + (coded_ ? 1 : 0) > 1) in_.fail("a tensor has values in two fields");
    if (coded_ || split_ || !belongs()) {
      ++coded->tensors;
      coded->bytes += value_bytes_;
      return std::nullopt;
    }
    if (plain_fields_ == 0) return std::nullopt;
    tensor_.offset = span_.offset;
    tensor_.bytes = span_.bytes;
    return std::move(tensor_);
  }

 private:
  void read_field() {
    switch (in_.field()) {
      case TensorProto::kDimsFieldNumber:
        in_.numbers([&](uint64_t dim) { add_dim(dim); });
        break;
      case TensorProto::kDataTypeFieldNumber:
        in_.once("data_type");
        tensor_.type = static_cast<int32_t>(in_.number());
        break;
      case TensorProto::kNameFieldNumber:
        in_.once("name");
        tensor_.name = in_.text(kMaxNameBytes);
        break;
      case TensorProto::kRawDataFieldNumber:
        in_.once("raw_data");
        add_plain(in_.span());
        break;
      case TensorProto::kFloatDataFieldNumber:
        add_packed(&floats_, sizeof(float), {TensorProto::FLOAT, TensorProto::COMPLEX64});
        break;
      case TensorProto::kDoubleDataFieldNumber:
        add_packed(&doubles_, sizeof(double), {TensorProto::DOUBLE, TensorProto::COMPLEX128});
        break;
      case TensorProto::kInt32DataFieldNumber:
      case TensorProto::kInt64DataFieldNumber:
      case TensorProto::kUint64DataFieldNumber:
      case TensorProto::kStringDataFieldNumber:
        add_coded();
        break;
      case TensorProto::kExternalDataFieldNumber:
        add_entry(read_onnx_entry(&in_));
        break;
      case TensorProto::kDataLocationFieldNumber: {
        in_.once("data_location");
        const uint64_t where = in_.number();
        if (where > TensorProto::EXTERNAL) in_.fail("a tensor has an unknown data_location");
        external_ = where == TensorProto::EXTERNAL;
        break;
      }
      default:
        break;
    }
  }

  void add_dim(uint64_t dim) {
    if (dim > std::numeric_limits<int64_t>::max()) in_.fail("a tensor has a negative dimension");
    if (tensor_.dims.size() <= DCF_MAX_RANK) tensor_.dims.push_back(dim);
    // As checked_bits() has it: what does not fit counts even where a later dimension is zero.
    uint64_t product = 0;
    if (tensor_.elements && !__builtin_mul_overflow(*tensor_.elements, dim, &product)) {
      tensor_.elements = product;
    } else {
      tensor_.elements.reset();
    }
  }

  void add_plain(const OnnxSpan& span) {
    if (span.bytes == 0) return;
    ++plain_fields_;
    span_ = span;
  }

  // A field of `width` bytes per number, packed into one piece, into several, or into none.
  void add_packed(PackedField* field, uint64_t width, std::array<int32_t, 2> types) {
    if (!in_.is_bytes()) {
      value_bytes_ += width;
      return coded_field(field);  // a number for itself
    }
    const OnnxSpan span = in_.span();
    value_bytes_ += span.bytes;
    if (span.bytes == 0) return;
    if (span.bytes % width != 0) in_.fail("a tensor has part of a number");
    if (field->present) return coded_field(field);
    field->present = true;
    field->types = types;
    add_plain(span);
  }

  // The values of the field are no single range of bytes.
  void coded_field(PackedField* field) {
    if (!field->present) ++plain_fields_;
    field->present = true;
    split_ = true;
  }

  void add_coded() {
    if (in_.is_bytes()) {
      const uint64_t bytes = in_.span().bytes;
      value_bytes_ += bytes;
      const bool packed = in_.field() != TensorProto::kStringDataFieldNumber;
      if (packed && bytes == 0) return;
    }
    coded_ = true;
  }

  void add_entry(const OnnxEntry& entry) {
    if (entry.key == "location") {
      if (location_) in_.fail("external data has two locations");
      if (entry.value.empty()) in_.fail("external data has an empty location");
      location_ = entry.value;
    } else if (entry.key == "offset") {
      if (offset_) in_.fail("external data has two offsets");
      offset_ = parse_number(in_, entry);
    } else if (entry.key == "length") {
      if (length_) in_.fail("external data has two lengths");
      length_ = parse_number(in_, entry);
    }
  }

  bool belongs() const {
    for (const PackedField* field : {&floats_, &doubles_}) {
      if (!field->present) continue;
      if (tensor_.type != field->types[0] && tensor_.type != field->types[1]) return false;
    }
    return true;
  }

  OnnxWire& in_;
  OnnxTensor tensor_;
  OnnxSpan span_;
  PackedField floats_;
  PackedField doubles_;
  int plain_fields_ = 0;      // raw_data, float_data and double_data with values
  bool split_ = false;        // whether one of them is in several pieces
  bool coded_ = false;        // whether there are values that are no plain bytes
  uint64_t value_bytes_ = 0;  // of all fields but raw_data
  bool external_ = false;
  std::optional<std::string> location_;
  std::optional<uint64_t> offset_;
  std::optional<uint64_t> length_;
};

}  // namespace

std::optional<OnnxTensor> read_onnx_tensor(OnnxWire* in, OnnxCoded* coded) {
  return TensorReading(in).run(coded);
}

OnnxEntry read_onnx_entry(OnnxWire* in) {
  OnnxEntry entry;
  in->message([&] {
    if (in->field() == onnx::StringStringEntryProto::kKeyFieldNumber) {
      in->once("key");
      entry.key = in->text(kMaxNameBytes);
    } else if (in->field() == onnx::StringStringEntryProto::kValueFieldNumber) {
      in->once("value");
      entry.value = in->text(kMaxNameBytes);
    }
  });
  return entry;
}

}  // namespace dcf::tools
