// SPDX-License-Identifier: Apache-2.0
#include "formats/npy_dict.h"

#include <optional>
#include <utility>

#include "formats/error.h"
#include "formats/python_text.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr uint64_t kMaxOpaqueBytes = 8192;

class DictParser {
 public:
  DictParser(const std::string& where, std::string_view text) : where_(where), text_(text) {}

  NpyHeader parse() {
    expect('{');
    while (!text_.take('}')) {
      const std::string_view key = string();
      expect(':');
      member(key);
      if (text_.take('}')) break;
      expect(',');
    }
    if (!text_.at_end() || !type_ || !fortran_order_ || !shape_) fail();

    NpyHeader header;
    header.fortran_order = *fortran_order_;
    header.type = *type_;
    header.element = parse_npy_type(*type_);
    header.shape = std::move(*shape_);
    describe(&header);
    return header;
  }

 private:
  [[noreturn]] void fail() const { throw_invalid(where_, "has a malformed npy header"); }

  void expect(char c) {
    if (!text_.take(c)) fail();
  }

  std::string_view string() {
    std::string_view value;
    if (!text_.take_string(&value) || value.find('\\') != std::string_view::npos) fail();
    return value;
  }

  std::vector<uint64_t> tuple() {
    std::vector<uint64_t> values;
    expect('(');
    while (!text_.take(')')) {
      uint64_t value = 0;
      if (!text_.take_number(&value)) fail();
      if (value == PythonText::kTooLarge) {
        throw_invalid(where_, "has a dimension that does not fit into 64 bits");
      }
      values.push_back(value);
      if (values.size() > DCF_MAX_RANK) {
        throw_invalid(where_, "has more than " + std::to_string(DCF_MAX_RANK) + " dimensions");
      }
      if (text_.take(',')) continue;
      if (values.size() == 1) fail();  // (3) is a number, not a tuple
      expect(')');
      break;
    }
    return values;
  }

  void member(std::string_view key) {
    if (key == "descr" && !type_) {
      std::string_view list;
      type_ = text_.take_list(&list) ? list : string();
    } else if (key == "fortran_order" && !fortran_order_) {
      if (text_.take_word("True")) {
        fortran_order_ = true;
      } else if (text_.take_word("False")) {
        fortran_order_ = false;
      } else {
        fail();
      }
    } else if (key == "shape" && !shape_) {
      shape_ = tuple();
    } else {
      fail();
    }
  }

  void describe(NpyHeader* header) const {
    TensorMeta& meta = header->meta;
    if (!header->has_data()) return;
    const uint64_t item_bytes = header->element.item_bytes;
    meta.dims = header->shape;
    if (header->element.kind == NpyType::Kind::kNumbers) {
      meta.dtype = header->element.dtype;
      meta.bits = dcf_dtype_bits(meta.dtype);
    } else if (item_bytes > 0 && item_bytes <= kMaxOpaqueBytes) {
      meta.dtype = DCF_DTYPE_OPAQUE;
      meta.bits = static_cast<uint32_t>(8 * item_bytes);
      meta.opaque_name = npy_opaque_name(header->type);
    } else {
      meta.dtype = DCF_DTYPE_U8;
      meta.bits = 8;
      if (meta.dims.size() == DCF_MAX_RANK) meta.dims = {meta.elements()};
      meta.dims.push_back(item_bytes);
    }
    check_meta(where_, meta);
  }

  const std::string& where_;
  PythonText text_;
  std::optional<std::string_view> type_;
  std::optional<bool> fortran_order_;
  std::optional<std::vector<uint64_t>> shape_;
};

}  // namespace

NpyHeader parse_npy_dict(const std::string& where, std::string_view text) {
  return DictParser(where, text).parse();
}

}  // namespace dcf::tools
