// SPDX-License-Identifier: Apache-2.0
#include "cli/manual/command_tree.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace dcf::tools {
namespace {

// "{a,b}" -> a, b; of anything else, nothing.
std::vector<std::string> choices_of(std::string_view text) {
  std::vector<std::string> choices;
  if (!text.starts_with('{') || !text.ends_with('}')) return choices;
  text = text.substr(1, text.size() - 2);
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    choices.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return choices;
}

template <size_t kCount>
bool is_one_of(std::string_view text, const std::array<std::string_view, kCount>& names) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

ValueKind kind_of(std::string_view type, bool is_argument) {
  constexpr std::array<std::string_view, 3> kFiles = {"FILE", "IN", "OUT"};
  constexpr std::array<std::string_view, 2> kFolders = {"DIR", "FOLDER"};
  if (is_one_of(type, kFiles) || type.find('.') != std::string_view::npos) return ValueKind::kFile;
  if (is_one_of(type, kFolders)) return ValueKind::kFolder;
  if (type == "VERB") return ValueKind::kVerb;
  return is_argument && type == "TEXT" ? ValueKind::kFile : ValueKind::kText;
}

// The names of CLI11 for types of numbers are those of C++.
std::string value_name(const std::string& type) {
  if (type == "UINT" || type == "INT") return "N";
  if (type == "FLOAT") return "X";
  return type;
}

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> last_names(const std::set<CLI::Option*>& options) {
  std::vector<std::string> names;
  for (const CLI::Option* const option : options) {
    const std::vector<std::string> all = names_of(*option);
    if (!all.empty()) names.push_back(all.back());
  }
  std::sort(names.begin(), names.end());
  return names;
}

OptionText describe(const CLI::Option& option) {
  OptionText text;
  text.names = names_of(option);
  text.what = option.get_description();
  text.required = option.get_required();
  text.needs = last_names(option.get_needs());
  text.excludes = last_names(option.get_excludes());
  if (option.get_items_expected_max() == 0) return text;
  text.repeats = option.get_items_expected_max() > 1;
  // A type, and what is checked after each colon.
  const std::string all = option.get_type_name();
  const size_t colon = std::min(all.find(':'), all.size());
  const std::string type = all.substr(0, colon);
  if (colon < all.size()) text.bounds = all.substr(colon + 1);
  text.choices = choices_of(text.bounds);
  text.value = text.is_argument() ? option.get_name(true) : value_name(type);
  text.kind = kind_of(type, text.is_argument());
  if (!text.choices.empty()) {
    text.kind = ValueKind::kChoice;
    text.bounds.clear();
  }
  return text;
}

VerbText describe(const CLI::App& app) {
  VerbText verb;
  verb.name = app.get_name();
  verb.what = app.get_description();
  verb.footer = app.get_footer();
  verb.takes_rest = app.get_prefix_command();
  for (const CLI::Option* const option : app.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    OptionText text = describe(*option);
    (text.is_argument() ? verb.arguments : verb.options).push_back(std::move(text));
  }
  return verb;
}

}  // namespace

CommandTree read_command_tree(const CLI::App& app) {
  CommandTree tree;
  tree.program = describe(app);
  for (const CLI::App* const verb : app.get_subcommands({})) tree.verbs.push_back(describe(*verb));
  return tree;
}

}  // namespace dcf::tools
