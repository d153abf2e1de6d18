// SPDX-License-Identifier: Apache-2.0
#include "formats/type_note.h"

namespace dcf::tools {
namespace {

constexpr size_t kMostDims = 8;

}  // namespace

std::string type_note(std::string_view type, std::span<const int64_t> dims) {
  std::string note(type);
  note += " [";
  for (size_t i = 0; i < dims.size(); ++i) {
    if (i > 0) note += ", ";
    if (i == kMostDims) {
      note += "...";
      break;
    }
    note += std::to_string(dims[i]);
  }
  return note + "]";
}

}  // namespace dcf::tools
