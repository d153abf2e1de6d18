// SPDX-License-Identifier: Apache-2.0
#include "cli/tensor_rules.h"

#include <fmt/format.h>

#include <optional>
#include <stdexcept>

#include "cli/quality_levels.h"
#include "formats/error.h"
#include "formats/input_file.h"
#include "formats/json.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

// One rule or list entry of a recipe; every member throws Error with its place in the file.
class RuleReader {
 public:
  RuleReader(std::string path, std::string what) : path_(std::move(path)), what_(std::move(what)) {}

  [[noreturn]] void fail(const std::string& sentence) const {
    throw_invalid(path_, what_ + " " + sentence);
  }

  NamePattern pattern(const nlohmann::json& value) const {
    const std::string& text = json_string(path_, value, what_);
    try {
      return NamePattern(text);
    } catch (const std::invalid_argument& wrong) {
      fail(quote(text) + " " + wrong.what());
    }
  }

  template <typename T>
  T named(const nlohmann::json& value, const std::vector<std::pair<std::string, T>>& names) const {
    const std::string& text = json_string(path_, value, what_);
    for (const auto& [name, result] : names) {
      if (name == text) return result;
    }
    fail("has the unknown value " + quote(text));
  }

  uint64_t integer(const nlohmann::json& value, uint64_t low, uint64_t high) const {
    const uint64_t number = json_u64(path_, value, what_);
    if (number < low || number > high) fail(fmt::format("is not from {} to {}", low, high));
    return number;
  }

  double share(const nlohmann::json& value) const {
    const double number = value.is_number() ? value.get<double>() : -1;
    if (!(number >= 0 && number < 1)) fail("is not a number from 0 to below 1");
    return number;
  }

  // dB; 0 is lossless.
  double quality(const nlohmann::json& value) const {
    if (value.is_string() && value.get_ref<const std::string&>() == "lossless") return 0;
    std::optional<double> decibels;
    if (value.is_string()) decibels = quality_of(value.get_ref<const std::string&>());
    if (value.is_number()) decibels = value.get<double>();
    if (!decibels || !(*decibels >= kLeastQuality && *decibels <= kGreatestQuality)) {
      fail("is not lossless, " + quality_names());
    }
    return *decibels;
  }

 private:
  std::string path_;
  std::string what_;
};

void read_member(const RuleReader& reader, const std::string& key, const nlohmann::json& value,
                 EncodePlan::Rule* rule) {
  EncodeChoice& choice = rule->choice;
  if (key == "match") {
    rule->match = reader.pattern(value);
  } else if (key == "sparsity") {
    choice.sparsity = reader.share(value);
  } else if (key == "bits") {
    choice.bits = static_cast<uint32_t>(reader.integer(value, 0, 8));
  } else if (key == "quality") {
    choice.quality = reader.quality(value);
  } else if (key == "init") {
    choice.init = reader.named(value, kInitNames);
  } else if (key == "seed") {
    choice.seed = reader.integer(value, 0, UINT64_MAX);
  } else if (key == "positions") {
    choice.positions = reader.named(value, kPositionsNames);
  } else if (key == "gap_bits") {
    choice.gap_bits = static_cast<uint32_t>(reader.integer(value, 2, 8));
  } else if (key == "zeros") {
    choice.canonical_zeros = reader.named<bool>(value, {{"keep", false}, {"canonical", true}});
  } else if (key == "profile") {
    choice.paper = reader.named<bool>(value, {{"paper", true}});
  } else {
    reader.fail("is not a key of a rule");
  }
}

EncodePlan::Rule read_rule(const std::string& path, const nlohmann::json& object, size_t number) {
  const std::string what = fmt::format("rule {}", number);
  if (!object.is_object()) throw_invalid(path, what + " is not a JSON object");
  json_member(path, object, "match", what);
  EncodePlan::Rule rule;
  for (const auto& [key, value] : object.items()) {
    read_member(RuleReader(path, what + ": " + quote(key)), key, value, &rule);
  }
  if (const auto contradiction = find_contradiction(rule.choice)) {
    throw_invalid(path, what + ": " + *contradiction);
  }
  return rule;
}

}  // namespace

void read_recipe(const std::string& path, EncodePlan* plan) {
  const InputFile file(path);
  JsonDocument document;
  parse_json_file(file, &document);
  const nlohmann::json& root = document.root();
  if (!root.is_object()) throw_invalid(path, "is not a JSON object");
  for (const auto& [key, value] : root.items()) {
    if (key != "rules" && key != "ignore") {
      throw_invalid(path, quote(key) + " is not a key of a recipe, which has rules and ignore");
    }
    if (!value.is_array()) throw_invalid(path, quote(key) + " is not an array");
    for (const nlohmann::json& entry : value) {
      if (key == "rules") {
        plan->rules.push_back(read_rule(path, entry, plan->rules.size() + 1));
      } else {
        plan->ignore.push_back(RuleReader(path, quote(key)).pattern(entry));
      }
    }
  }
}

}  // namespace dcf::tools
