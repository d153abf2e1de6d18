// SPDX-License-Identifier: Apache-2.0
#include "formats/json.h"

#include <dcf/dcf.h>

#include <algorithm>
#include <utility>

#include "formats/error.h"
#include "formats/text.h"

namespace dcf::tools {

using nlohmann::json;

// Builds the document itself because the stock builder lets the last of two equal keys win.
class StrictBuilder : public nlohmann::json_sax<json> {
 public:
  StrictBuilder(const std::string& where, uint64_t text_bytes, const MemoryLimit& limit,
                std::string_view skip, JsonDocument* document)
      : where_(where),
        limit_(limit),
        skip_(skip),
        root_(document->root_),
        bytes_(document->bytes_) {
    bytes_ = text_bytes;
  }

  bool null() override { return scalar(json(nullptr)); }
  bool boolean(bool value) override { return scalar(json(value)); }
  bool number_integer(number_integer_t value) override { return scalar(json(value)); }
  bool number_unsigned(number_unsigned_t value) override { return scalar(json(value)); }
  bool number_float(number_float_t value, const string_t& /*text*/) override {
    return scalar(json(value));
  }
  bool string(string_t& value) override {
    const uint64_t bytes = kStringBytes + 2 * value.size();
    return scalar(json(std::move(value)), bytes);
  }
  bool binary(binary_t& /*value*/) override { return false; }  // not part of JSON text
  bool start_object(size_t /*size*/) override { return open(json::object()); }
  bool start_array(size_t /*size*/) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    if (skipped_depth_ > 0) return true;
    if (stack_.size() == 1 && !skip_.empty() && name == skip_) {
      skip_next_ = true;
      return true;
    }
    charge(kMemberBytes + 2 * name.size());
    const auto [it, inserted] = stack_.back()->get_ref<json::object_t&>().emplace(name, nullptr);
    if (!inserted) throw_invalid(where_, "has the key " + quote(name) + " twice");
    slot_ = &it->second;
    return true;
  }

  bool parse_error(size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    throw_invalid(where_, "is not valid JSON at byte " + std::to_string(position));
  }

 private:
  // What the values take with the allocator's share. A text may be held twice: here and in what is
  // made of it.
  static constexpr uint64_t kValueBytes = 2 * sizeof(json);  // arrays grow by doubling
  static constexpr uint64_t kStringBytes = 48;
  static constexpr uint64_t kContainerBytes = 64;
  static constexpr uint64_t kMemberBytes = 112;

  void charge(uint64_t bytes) {
    bytes_ += bytes;
    limit_.check(where_, "its JSON", bytes_);
  }

  bool scalar(json value, uint64_t extra_bytes = 0) {
    if (consume_skip()) return true;
    charge(extra_bytes);
    place(std::move(value));
    return true;
  }

  bool open(json value) {
    if (skipped_depth_ > 0 || skip_next_) {
      skip_next_ = false;
      ++skipped_depth_;
      return true;
    }
    if (stack_.size() == kMaxJsonDepth) {
      throw_invalid(where_, "nests JSON deeper than " + std::to_string(kMaxJsonDepth) + " levels");
    }
    charge(kContainerBytes);
    stack_.push_back(place(std::move(value)));
    return true;
  }

  bool close() {
    if (skipped_depth_ > 0) {
      --skipped_depth_;
    } else {
      stack_.pop_back();
    }
    return true;
  }

  bool consume_skip() {
    if (skipped_depth_ > 0) return true;
    return std::exchange(skip_next_, false);
  }

  // A pointer into an array stays good while it is on the stack: the array grows only after the
  // element was closed.
  json* place(json value) {
    if (++values_ > kMaxJsonValues) {
      throw_invalid(where_, "holds more than " + std::to_string(kMaxJsonValues) + " JSON values");
    }
    charge(kValueBytes);
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (stack_.back()->is_array()) {
      stack_.back()->push_back(std::move(value));
      return &stack_.back()->back();
    }
    *slot_ = std::move(value);
    return slot_;
  }

  const std::string& where_;
  const MemoryLimit& limit_;
  std::string_view skip_;
  json& root_;
  uint64_t& bytes_;  // charged so far
  std::vector<json*> stack_;
  json* slot_ = nullptr;  // where the value of the last key goes
  size_t values_ = 0;
  size_t skipped_depth_ = 0;
  bool skip_next_ = false;
};

namespace {

// Empty containers are destroyed without any allocation. The depth is at most kMaxJsonDepth.
void take_apart(json* value) {
  if (value->is_object()) {
    auto& members = value->get_ref<json::object_t&>();
    for (auto& [key, member] : members) take_apart(&member);
    members.clear();
  } else if (value->is_array()) {
    auto& elements = value->get_ref<json::array_t&>();
    for (json& element : elements) take_apart(&element);
    elements.clear();
  }
}

void check_text_size(const std::string& where, uint64_t bytes, const MemoryLimit& limit) {
  if (bytes > kMaxJsonBytes) {
    throw_invalid(where, "holds more than " + std::to_string(kMaxJsonBytes) + " bytes of JSON");
  }
  limit.check(where, "its text", bytes);
}

}  // namespace

JsonDocument::~JsonDocument() {  // NOLINT(bugprone-exception-escape)
  take_apart(&root_);
}

void parse_json(const std::string& where, std::span<const uint8_t> text, JsonDocument* document,
                const MemoryLimit& limit, std::string_view skip) {
  check_text_size(where, text.size(), limit);
  // The parser takes a NUL for the end of the text and would ignore all that follows.
  const auto nul = std::find(text.begin(), text.end(), uint8_t{0});
  if (nul != text.end()) {
    throw_invalid(where, "is not valid JSON at byte " + std::to_string(nul - text.begin() + 1));
  }
  StrictBuilder builder(where, text.size(), limit, skip, document);
  json::sax_parse(text.begin(), text.end(), &builder);
}

void parse_json_file(const InputFile& file, JsonDocument* document, const MemoryLimit& limit,
                     std::string_view skip) {
  check_text_size(file.path(), file.size(), limit);
  parse_json(file.path(), file.read_range(0, file.size()), document, limit, skip);
}

const json& json_member(const std::string& where, const json& object, const char* key,
                        const std::string& what) {
  if (!object.is_object()) throw_invalid(where, what + " is not a JSON object");
  const auto it = object.find(key);
  if (it == object.end()) throw_invalid(where, what + " has no " + quote(key));
  return *it;
}

const std::string& json_string(const std::string& where, const json& value,
                               const std::string& what) {
  if (!value.is_string()) throw_invalid(where, what + " is not a string");
  return value.get_ref<const std::string&>();
}

uint64_t json_u64(const std::string& where, const json& value, const std::string& what) {
  if (!value.is_number_unsigned()) throw_invalid(where, what + " is not an unsigned integer");
  return value.get<uint64_t>();
}

std::vector<uint64_t> json_dims(const std::string& where, const json& value,
                                const std::string& what) {
  if (!value.is_array()) throw_invalid(where, what + " is not an array");
  if (value.size() > DCF_MAX_RANK) {
    throw_invalid(where, what + " has more than " + std::to_string(DCF_MAX_RANK) + " dimensions");
  }
  std::vector<uint64_t> dims;
  for (const json& dim : value) dims.push_back(json_u64(where, dim, what));
  return dims;
}

}  // namespace dcf::tools
