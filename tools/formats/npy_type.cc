// SPDX-License-Identifier: Apache-2.0
#include "formats/npy_type.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

#include "formats/dtype_table.h"
#include "formats/python_text.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

using Kind = NpyType::Kind;

constexpr int kMaxTypeDepth = 16;
constexpr size_t kMaxOpaqueName = 1024;
constexpr uint64_t kMaxItemBytes = uint64_t{1} << 31;  // as NumPy, whose sizes are C ints

// Names of numbers besides letter and size.
struct NumberName {
  std::string_view name;
  std::string_view descr;
};
constexpr NumberName kNumberNames[] = {
    {"bool", "b1"},    {"?", "b1"},         {"int8", "i1"},    {"b", "i1"},
    {"uint8", "u1"},   {"B", "u1"},         {"int16", "i2"},   {"h", "i2"},
    {"uint16", "u2"},  {"H", "u2"},         {"int32", "i4"},   {"i", "i4"},
    {"uint32", "u4"},  {"I", "u4"},         {"int64", "i8"},   {"q", "i8"},
    {"uint64", "u8"},  {"Q", "u8"},         {"float16", "f2"}, {"e", "f2"},
    {"float32", "f4"}, {"f", "f4"},         {"float64", "f8"}, {"d", "f8"},
    {"float", "f8"},   {"complex64", "c8"}, {"F", "c8"},       {"complex128", "c16"},
    {"D", "c16"},      {"S", "S0"},         {"U", "U0"},       {"V", "V0"}};

// Types of the package ml_dtypes, an element each in whole bytes.
struct MlType {
  std::string_view name;
  dcf_dtype dtype;  // DCF_DTYPE_NONE: .dcf has none, or packs it
  uint64_t bytes;
};
constexpr MlType kMlTypes[] = {{"bfloat16", DCF_DTYPE_BF16, 2},
                               {"f1", DCF_DTYPE_F8E5M2, 1},  // as it writes float8_e5m2
                               {"W4", DCF_DTYPE_NONE, 4},    // complex32 and bcomplex32
                               {"float8_e4m3fn", DCF_DTYPE_F8E4M3, 1},
                               {"float8_e4m3fnuz", DCF_DTYPE_F8E4M3FNUZ, 1},
                               {"float8_e5m2", DCF_DTYPE_F8E5M2, 1},
                               {"float8_e5m2fnuz", DCF_DTYPE_F8E5M2FNUZ, 1},
                               {"float8_e8m0fnu", DCF_DTYPE_F8E8M0, 1},
                               {"float8_e3m4", DCF_DTYPE_NONE, 1},
                               {"float8_e4m3", DCF_DTYPE_NONE, 1},
                               {"float8_e4m3b11fnuz", DCF_DTYPE_NONE, 1},
                               {"float6_e2m3fn", DCF_DTYPE_NONE, 1},
                               {"float6_e3m2fn", DCF_DTYPE_NONE, 1},
                               {"float4_e2m1fn", DCF_DTYPE_NONE, 1},
                               {"int1", DCF_DTYPE_NONE, 1},
                               {"int2", DCF_DTYPE_NONE, 1},
                               {"int4", DCF_DTYPE_NONE, 1},
                               {"uint1", DCF_DTYPE_NONE, 1},
                               {"uint2", DCF_DTYPE_NONE, 1},
                               {"uint4", DCF_DTYPE_NONE, 1}};

// Bytes of an element of letter and number, such as U5.
std::optional<uint64_t> sized_bytes(std::string_view type) {
  const char letter = type.front();
  uint64_t number = 0;
  const char* const end = type.data() + type.size();
  const auto [stop, error] = std::from_chars(type.data() + 1, end, number);
  if (error != std::errc() || number > kMaxItemBytes) return std::nullopt;
  const std::string_view unit = type.substr(static_cast<size_t>(stop - type.data()));
  if (letter == 'M' || letter == 'm') {  // dates and durations: [ns], [25s], or nothing
    const bool plain = unit.empty() || (unit.front() == '[' && unit.find(']') == unit.size() - 1);
    return plain && number == 8 ? std::optional(number) : std::nullopt;
  }
  if (!unit.empty()) return std::nullopt;
  switch (letter) {
    case 'S':
    case 'a':
    case 'V':
      return number;
    case 'U':
      return 4 * number;
    case 'f':
      return number == 12 || number == 16 ? std::optional(number) : std::nullopt;
    case 'c':
      return number == 16 || number == 24 || number == 32 ? std::optional(number) : std::nullopt;
    default:
      return std::nullopt;
  }
}

NpyType parse_name(std::string_view type) {
  NpyType result;
  const char order = type.empty() ? '\0' : type.front();
  if (order == '<' || order == '>' || order == '|' || order == '=') type.remove_prefix(1);
  if (type.empty()) return result;
  if (type == "O" || type == "O4" || type == "O8" || type == "object") {
    result.kind = Kind::kObjects;
    return result;
  }
  for (const MlType& ml : kMlTypes) {
    if (type != ml.name) continue;
    result.kind = ml.dtype == DCF_DTYPE_NONE ? Kind::kBytes : Kind::kNumbers;
    result.dtype = ml.dtype;
    result.item_bytes = ml.bytes;
    result.swap_unit = order == '>' ? ml.bytes : 1;
    result.needs_ml_dtypes = true;
    return result;
  }
  const auto* const named =
      std::find_if(std::begin(kNumberNames), std::end(kNumberNames),
                   [&](const NumberName& number) { return number.name == type; });
  if (named != std::end(kNumberNames)) type = named->descr;
  if (const DtypeEntry* entry = find_numpy_dtype(type)) {
    result.kind = Kind::kNumbers;
    result.dtype = entry->dtype;
    result.item_bytes = dcf_dtype_bits(entry->dtype) / 8;
    // Complex numbers swap each half on its own.
    if (order == '>') result.swap_unit = entry->dtype == DCF_DTYPE_C64 ? 4 : result.item_bytes;
  } else if (const auto bytes = sized_bytes(type)) {
    result.kind = Kind::kBytes;
    result.item_bytes = *bytes;
  }
  return result;
}

// Fields of a record: a name, or a title and a name; a type; for arrays the dims.
class RecordParser {
 public:
  explicit RecordParser(std::string_view text) : text_(text) {}

  NpyType parse() {
    NpyType result;
    result.kind = Kind::kBytes;
    if (!list(&result, 0) || !text_.at_end()) result.kind = Kind::kUnknown;
    return result;
  }

 private:
  bool list(NpyType* sum, int depth) {
    if (depth > kMaxTypeDepth || !text_.take('[')) return false;
    while (!text_.take(']')) {
      if (!field(sum, depth)) return false;
      if (text_.take(']')) break;
      if (!text_.take(',')) return false;
    }
    return true;
  }

  bool field(NpyType* sum, int depth) {
    NpyType type;
    uint64_t count = 1;
    if (!text_.take('(') || !name() || !text_.take(',') || !field_type(&type, depth)) return false;
    bool closed = text_.take(')');
    if (!closed) {
      if (!text_.take(',')) return false;
      closed = text_.take(')');
    }
    if (!closed) {
      if (!dims(&count)) return false;
      text_.take(',');
      if (!text_.take(')')) return false;
    }
    return add(type, count, sum);
  }

  bool name() {
    std::string_view ignored;
    if (text_.take_string(&ignored)) return true;
    return text_.take('(') && text_.take_string(&ignored) && text_.take(',') &&
           text_.take_string(&ignored) && text_.take(')');
  }

  bool field_type(NpyType* type, int depth) {
    std::string_view name;
    if (text_.take_string(&name)) {
      *type = parse_name(name);
      return type->kind != Kind::kUnknown;
    }
    type->kind = Kind::kBytes;
    return list(type, depth + 1);
  }

  bool dims(uint64_t* count) {
    uint64_t number = 0;
    if (text_.take_number(&number)) return multiply(count, number);
    if (!text_.take('(')) return false;
    while (!text_.take(')')) {
      if (!text_.take_number(&number) || !multiply(count, number)) return false;
      if (text_.take(')')) break;
      if (!text_.take(',')) return false;
    }
    return true;
  }

  static bool multiply(uint64_t* count, uint64_t factor) {
    return !__builtin_mul_overflow(*count, factor, count);
  }

  static bool add(const NpyType& type, uint64_t count, NpyType* sum) {
    uint64_t bytes = 0;
    if (type.kind == Kind::kObjects) sum->kind = Kind::kObjects;
    sum->needs_ml_dtypes |= type.needs_ml_dtypes;
    return !__builtin_mul_overflow(type.item_bytes, count, &bytes) &&
           !__builtin_add_overflow(sum->item_bytes, bytes, &sum->item_bytes) &&
           sum->item_bytes <= kMaxItemBytes;
  }

  PythonText text_;
};

}  // namespace

NpyType parse_npy_type(std::string_view text) {
  return text.starts_with('[') ? RecordParser(text).parse() : parse_name(text);
}

std::string npy_opaque_name(std::string_view text) {
  std::string name(text);
  if (name.starts_with('=')) name.front() = '<';
  const bool plain = name.size() <= kMaxOpaqueName && is_utf8(name) && printable(name) == name;
  return plain ? name : "record";
}

bool is_npy_opaque(std::string_view name, uint64_t bits) {
  const bool quotable = name.starts_with('[') || name.find_first_of("'\\\n") == name.npos;
  if (!quotable || name.size() > kMaxOpaqueName) return false;
  const NpyType type = parse_npy_type(name);
  return type.kind == Kind::kBytes && !type.needs_ml_dtypes && type.item_bytes > 0 &&
         type.item_bytes == bits / 8 && bits % 8 == 0;
}

}  // namespace dcf::tools
