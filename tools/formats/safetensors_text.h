// SPDX-License-Identifier: Apache-2.0
// The header of a safetensors file as the format's own library writes it.
#pragma once

#include <dcf/dcf.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dcf::tools {

inline constexpr size_t kSafetensorsAlignment = 8;
// Whose value is the metadata, beside the tensors in the header.
inline constexpr const char* kSafetensorsMetadata = "__metadata__";

// The descriptions of tensors whose data follow each other without gaps: "name":{"dtype":"F32",
// "shape":[2,3],"data_offsets":[0,24]},... without the blanks of this comment.
class SafetensorsText {
 public:
  // False where safetensors has no such dtype or the sizes together do not fit into 64 bits; the
  // text is unspecified then. `name` is UTF-8.
  [[nodiscard]] bool add(std::string_view name, dcf_dtype dtype, std::span<const uint64_t> dims,
                         uint64_t bytes);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  uint64_t position_ = 0;
};

}  // namespace dcf::tools
