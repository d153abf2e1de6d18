// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors_text.h"

#include <array>

#include "formats/dtype_table.h"
#include "formats/json_text.h"

namespace dcf::tools {

bool SafetensorsText::add(std::string_view name, dcf_dtype dtype, std::span<const uint64_t> dims,
                          uint64_t bytes) {
  const DtypeEntry* const entry = find_dtype(dtype);
  uint64_t end = 0;
  if (entry == nullptr || __builtin_add_overflow(position_, bytes, &end)) return false;
  if (!text_.empty()) text_ += ',';
  append_json_string(&text_, name);
  text_ += ":{\"dtype\":";
  append_json_string(&text_, entry->safetensors);
  text_ += ",\"shape\":";
  append_json_numbers(&text_, dims);
  text_ += ",\"data_offsets\":";
  append_json_numbers(&text_, std::array{position_, end});
  text_ += '}';
  position_ = end;
  return true;
}

}  // namespace dcf::tools
