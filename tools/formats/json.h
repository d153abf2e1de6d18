// SPDX-License-Identifier: Apache-2.0
// JSON from strangers: strict, and bounded in depth, number of values and memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/input_file.h"
#include "formats/memory_limit.h"

namespace dcf::tools {

inline constexpr uint64_t kMaxJsonBytes = 100'000'000;  // safetensors' own limit for its header
inline constexpr size_t kMaxJsonDepth = 32;
inline constexpr size_t kMaxJsonValues = size_t{1} << 22;

// A value with all that it holds. Taken apart without memory: the destructor of nlohmann::json
// allocates, and ends the program where it cannot.
class JsonDocument {
 public:
  // clang-tidy takes nlohmann's assertions for exceptions.
  JsonDocument() = default;  // NOLINT(bugprone-exception-escape)
  ~JsonDocument();           // NOLINT(bugprone-exception-escape)
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  const nlohmann::json& root() const { return root_; }
  // The memory that text and values were reckoned to take.
  uint64_t bytes() const { return bytes_; }

 private:
  friend class StrictBuilder;
  nlohmann::json root_;
  uint64_t bytes_ = 0;
};

// Parses all of `text` into `document`, which is empty. Throws Error, whose message starts with
// `where`, for anything that is not one JSON value in UTF-8, for an object with a repeated key and
// beyond the limits above, and DcfError before text and values take more memory than `limit`. The
// member `skip` of the top-level object, whatever it holds, is parsed but not kept.
void parse_json(const std::string& where, std::span<const uint8_t> text, JsonDocument* document,
                const MemoryLimit& limit = MemoryLimit(), std::string_view skip = {});

// The same for all of a file, which is the `where` of messages.
void parse_json_file(const InputFile& file, JsonDocument* document,
                     const MemoryLimit& limit = MemoryLimit(), std::string_view skip = {});

// Access with errors instead of assertions. `what` names the value in the message.
const nlohmann::json& json_member(const std::string& where, const nlohmann::json& object,
                                  const char* key, const std::string& what);
const std::string& json_string(const std::string& where, const nlohmann::json& value,
                               const std::string& what);
uint64_t json_u64(const std::string& where, const nlohmann::json& value, const std::string& what);
std::vector<uint64_t> json_dims(const std::string& where, const nlohmann::json& value,
                                const std::string& what);

}  // namespace dcf::tools
