// SPDX-License-Identifier: Apache-2.0
#include "formats/json.h"

#include <dcf/dcf.h>

#include <algorithm>
#include <utility>

#include "formats/error.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

using nlohmann::json;

// Builds the document itself because the stock builder lets the last of two equal keys win.
class StrictBuilder : public nlohmann::json_sax<json> {
 public:
  StrictBuilder(const std::string& where, std::string_view skip) : where_(where), skip_(skip) {}

  json take() { return std::move(root_); }

  bool null() override { return scalar(json(nullptr)); }
  bool boolean(bool value) override { return scalar(json(value)); }
  bool number_integer(number_integer_t value) override { return scalar(json(value)); }
  bool number_unsigned(number_unsigned_t value) override { return scalar(json(value)); }
  bool number_float(number_float_t value, const string_t& /*text*/) override {
    return scalar(json(value));
  }
  bool string(string_t& value) override { return scalar(json(std::move(value))); }
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
  bool scalar(json value) {
    if (!consume_skip()) place(std::move(value));
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
  std::string_view skip_;
  json root_;
  std::vector<json*> stack_;
  json* slot_ = nullptr;  // where the value of the last key goes
  size_t values_ = 0;
  size_t skipped_depth_ = 0;
  bool skip_next_ = false;
};

}  // namespace

json parse_json(const std::string& where, std::span<const uint8_t> text, std::string_view skip) {
  if (text.size() > kMaxJsonBytes) {
    throw_invalid(where, "holds more than " + std::to_string(kMaxJsonBytes) + " bytes of JSON");
  }
  // The parser takes a NUL for the end of the text and would ignore all that follows.
  const auto nul = std::find(text.begin(), text.end(), uint8_t{0});
  if (nul != text.end()) {
    throw_invalid(where, "is not valid JSON at byte " + std::to_string(nul - text.begin() + 1));
  }
  StrictBuilder builder(where, skip);
  json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
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
