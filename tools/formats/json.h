// SPDX-License-Identifier: Apache-2.0
// JSON from strangers: strict, and bounded in depth and in the number of values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dcf::tools {

inline constexpr uint64_t kMaxJsonBytes = 100'000'000;  // safetensors' own limit for its header
inline constexpr size_t kMaxJsonDepth = 32;
inline constexpr size_t kMaxJsonValues = size_t{1} << 22;

// Parses all of `text`. Throws Error, whose message starts with `where`, for anything that is not
// one JSON value in UTF-8, for an object with a repeated key and beyond the limits above. The
// member `skip` of the top-level object, whatever it holds, is parsed but not kept.
nlohmann::json parse_json(const std::string& where, std::span<const uint8_t> text,
                          std::string_view skip = {});

// Access with errors instead of assertions. `what` names the value in the message.
const nlohmann::json& json_member(const std::string& where, const nlohmann::json& object,
                                  const char* key, const std::string& what);
const std::string& json_string(const std::string& where, const nlohmann::json& value,
                               const std::string& what);
uint64_t json_u64(const std::string& where, const nlohmann::json& value, const std::string& what);
std::vector<uint64_t> json_dims(const std::string& where, const nlohmann::json& value,
                                const std::string& what);

}  // namespace dcf::tools
