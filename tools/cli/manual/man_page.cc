// SPDX-License-Identifier: Apache-2.0
#include "cli/manual/man_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "cli/manual/roff.h"

namespace dcf::tools {
namespace {

std::string heading(const std::string& name, int section, const PageFoot& foot,
                    const std::string& what) {
  std::string title = name;
  for (char& c : title) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return fmt::format(".TH {} {} {} {} {}\n.SH NAME\n{} \\- {}\n", roff_quoted(title), section,
                     "\"" + foot.date + "\"", roff_quoted(foot.version),
                     roff_quoted("User Commands"), roff_text(name), roff_text(what));
}

std::string section(std::string_view title) {
  return fmt::format(".SH {}\n", roff_quoted(title));
}

// Paragraphs of a footer, apart from each other by empty lines, without their last newline.
std::vector<std::string_view> paragraphs_of(std::string_view footer) {
  std::vector<std::string_view> paragraphs;
  while (!footer.empty()) {
    const size_t end = std::min(footer.find("\n\n"), footer.size());
    std::string_view one = footer.substr(0, end);
    while (one.starts_with('\n')) one.remove_prefix(1);
    while (one.ends_with('\n')) one.remove_suffix(1);
    if (!one.empty()) paragraphs.push_back(one);
    footer.remove_prefix(std::min(end + 2, footer.size()));
  }
  return paragraphs;
}

constexpr std::string_view kExamples = "Examples:\n";
constexpr std::string_view kExitStatus = "Exit status: ";

// Lines that are indented are a table and stay as they are.
std::string notes_of(const std::vector<std::string_view>& paragraphs) {
  std::string out;
  for (const std::string_view one : paragraphs) {
    if (one.starts_with(kExamples) || one.starts_with(kExitStatus)) continue;
    out += out.empty() ? section("NOTES") : ".PP\n";
    const bool is_table = one.find("\n  ") != std::string_view::npos;
    out += is_table ? roff_verbatim(one) : roff_text(one) + "\n";
  }
  return out;
}

std::string examples_of(const std::vector<std::string_view>& paragraphs) {
  for (const std::string_view one : paragraphs) {
    if (one.starts_with(kExamples)) {
      return section("EXAMPLES") + roff_verbatim(one.substr(kExamples.size()));
    }
  }
  return {};
}

// What the program says holds for every verb.
std::string exit_status_of(const CommandTree& tree) {
  for (const std::string_view one : paragraphs_of(tree.program.footer)) {
    if (!one.starts_with(kExitStatus)) continue;
    const std::string_view text = one.substr(kExitStatus.size());
    // The sentences after it, each in a line of its own, are about --help.
    const size_t end = text.find(".\n");
    return section("EXIT STATUS") + roff_text(text.substr(0, end)) +
           (end == std::string_view::npos ? "\n" : ".\n");
  }
  return {};
}

std::string join(const std::vector<std::string>& parts, std::string_view between) {
  return fmt::format("{}", fmt::join(parts, between));
}

std::string value_text(const OptionText& option) {
  if (option.kind == ValueKind::kNone) return {};
  if (option.kind != ValueKind::kChoice || option.is_argument()) return roff_italic(option.value);
  std::vector<std::string> bold;
  bold.reserve(option.choices.size());
  for (const std::string& choice : option.choices) bold.push_back(roff_bold(choice));
  return join(bold, "|");
}

// "-o, --output OUT"
std::string option_title(const OptionText& option) {
  std::vector<std::string> names;
  names.reserve(option.names.size());
  for (const std::string& name : option.names) names.push_back(roff_bold(name));
  std::string value = value_text(option);
  if (names.empty()) return value;
  return join(names, ", ") + (value.empty() ? "" : " " + value) + (option.repeats ? "..." : "");
}

// "INT in [1 - 8]" -> "From 1 to 8."; other bounds as they are.
std::string bounds_text(const std::string& bounds) {
  const size_t open = bounds.find(" in [");
  const size_t dash = bounds.find(" - ");
  if (open == std::string::npos || dash == std::string::npos || dash < open ||
      !bounds.ends_with(']')) {
    return bounds.empty() ? "" : fmt::format(" In {}.", bounds);
  }
  const size_t first = open + 5;
  return fmt::format(" From {} to {}.", bounds.substr(first, dash - first),
                     bounds.substr(dash + 3, bounds.size() - dash - 4));
}

std::string option_entry(const OptionText& option) {
  std::string text = option.what;
  if (!text.ends_with('.')) text += '.';
  text += bounds_text(option.bounds);
  if (!option.needs.empty()) text += " Goes with " + join(option.needs, ", ") + ".";
  if (!option.excludes.empty()) text += " Not with " + join(option.excludes, ", ") + ".";
  if (option.required && !option.is_argument()) text += " Required.";
  return fmt::format(".TP\n{}\n{}\n", option_title(option), roff_text(text));
}

std::string entries(std::string_view title, const std::vector<OptionText>& options) {
  if (options.empty()) return {};
  std::string out = section(title);
  for (const OptionText& option : options) out += option_entry(option);
  return out;
}

// One line: required options in full, the others together, then the arguments.
std::string synopsis(const std::string& program, const VerbText& verb) {
  std::string out = section("SYNOPSIS") + roff_bold(program);
  if (!verb.name.empty()) out += " " + roff_bold(verb.name);
  const bool has_optional = std::any_of(verb.options.begin(), verb.options.end(),
                                        [](const OptionText& o) { return !o.required; });
  if (has_optional || verb.takes_rest) out += " [" + roff_italic("OPTION") + "]...";
  for (const OptionText& option : verb.options) {
    if (!option.required) continue;
    out += " " + roff_bold(option.names.front()) + " " + value_text(option);
  }
  for (const OptionText& argument : verb.arguments) {
    const std::string one = roff_italic(argument.value) + (argument.repeats ? "..." : "");
    out += argument.required ? " " + one : " [" + one + "]";
  }
  return out + "\n";
}

std::string page_name(const CommandTree& tree, const VerbText& verb) {
  return tree.program.name + "-" + verb.name;
}

std::string reference(std::string_view name, int in_section) {
  return fmt::format("{}({})", roff_bold(name), in_section);
}

}  // namespace

std::string program_page(const CommandTree& tree, const PageFoot& foot) {
  const VerbText& program = tree.program;
  const auto paragraphs = paragraphs_of(program.footer);
  std::string out = heading(program.name, 1, foot, program.what);
  out += section("SYNOPSIS") + roff_bold(program.name) + " " + roff_italic("VERB") + " [" +
         roff_italic("OPTION") + "]... [" + roff_italic("ARGUMENT") + "]...\n";
  out += section("VERBS");
  for (const VerbText& verb : tree.verbs) {
    out += fmt::format(".TP\n{}\n{}.\n", roff_bold(verb.name), roff_text(verb.what));
  }
  out += entries("OPTIONS", program.options);
  out += exit_status_of(tree);
  out += examples_of(paragraphs);
  out += section("SEE ALSO");
  for (const VerbText& verb : tree.verbs) {
    out += reference(page_name(tree, verb), 1) + (&verb == &tree.verbs.back() ? "\n" : ",\n");
  }
  return out;
}

std::string verb_page(const CommandTree& tree, const VerbText& verb, const PageFoot& foot) {
  const auto paragraphs = paragraphs_of(verb.footer);
  std::string out = heading(page_name(tree, verb), 1, foot, verb.what);
  out += synopsis(tree.program.name, verb);
  out += entries("ARGUMENTS", verb.arguments);
  out += entries("OPTIONS", verb.options);
  out += exit_status_of(tree);
  out += notes_of(paragraphs);
  out += examples_of(paragraphs);
  out += section("SEE ALSO") + reference(tree.program.name, 1) + "\n";
  return out;
}

std::string topic_page(std::string_view topic, std::string_view text, const PageFoot& foot) {
  const size_t end = std::min(text.find('\n'), text.size());
  std::string_view what = text.substr(0, end);
  while (what.ends_with('.') || what.ends_with(':')) what.remove_suffix(1);
  std::string out = heading(fmt::format("dcf-{}", topic), 7, foot, std::string(what));
  out += section("DESCRIPTION") + roff_verbatim(text.substr(std::min(end + 1, text.size())));
  return out + section("SEE ALSO") + reference("dcf-compress", 1) + "\n";
}

}  // namespace dcf::tools
