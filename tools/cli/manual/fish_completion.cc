// SPDX-License-Identifier: Apache-2.0
#include "cli/manual/fish_completion.h"

#include <fmt/format.h>

#include <string_view>

#include "cli/manual/shell_text.h"

namespace dcf::tools {
namespace {

// -F overrules -f where its condition holds.
constexpr std::string_view kFishStart = R"(# fish completion of dcf, made by 'dcf completion fish'.

# Whether the verb of the line is this one; '' where there is none yet.
function __dcf_is
    set -l verb
    for word in (commandline -opc)[2..-1]
        if not string match -q -- '-*' $word
            set verb $word
            break
        end
    end
    test "$verb" = "$argv[1]"
end

complete -c dcf -f
)";

// A word of fish: in single quotes only \ and ' are special.
std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : one_line(text)) {
    if (c == '\\' || c == '\'') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string start_of(std::string_view verb) {
  return fmt::format("complete -c dcf -n {}", fish_quoted(fmt::format("__dcf_is '{}'", verb)));
}

// -x: a value, and no file; -r: a value.
std::string value_of(const OptionText& option, const std::string& verbs) {
  switch (option.kind) {
    case ValueKind::kNone:
      return {};
    case ValueKind::kText:
      return " -x";
    case ValueKind::kChoice:
      return fmt::format(" -x -a {}",
                         fish_quoted(fmt::format("{}", fmt::join(option.choices, " "))));
    case ValueKind::kFile:
      return " -r -F";
    case ValueKind::kFolder:
      return " -x -a '(__fish_complete_directories)'";
    case ValueKind::kVerb:
      return " -x -a " + fish_quoted(verbs);
  }
  return {};
}

std::string option_line(std::string_view verb, const OptionText& option, const std::string& verbs) {
  std::string out = start_of(verb);
  for (const std::string& name : option.names) {
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  return out + value_of(option, verbs) + " -d " + fish_quoted(option.what) + "\n";
}

// What fish offers does not depend on the number of an argument.
std::string argument_line(std::string_view verb, const OptionText& argument,
                          const std::string& verbs) {
  switch (argument.kind) {
    case ValueKind::kFile:
      return start_of(verb) + " -F\n";
    case ValueKind::kVerb:
      return start_of(verb) + " -a " + fish_quoted(verbs) + "\n";
    case ValueKind::kChoice:
      return start_of(verb) + " -a " +
             fish_quoted(fmt::format("{}", fmt::join(argument.choices, " "))) + "\n";
    case ValueKind::kFolder:
      return start_of(verb) + " -a '(__fish_complete_directories)'\n";
    default:
      return {};
  }
}

std::string rest_line(std::string_view verb) {
  const std::string options =
      fmt::format("(dcf {} --help 2>/dev/null | sed -nE '{}')", verb, kOptionOfHelp);
  return fmt::format("{} -F -a {}\n", start_of(verb), fish_quoted(options));
}

}  // namespace

std::string fish_completion(const CommandTree& tree, const std::vector<std::string>& topics) {
  std::string verbs;
  for (const VerbText& verb : tree.verbs) verbs += verb.name + " ";
  verbs += fmt::format("{}", fmt::join(topics, " "));
  std::string out(kFishStart);
  for (const VerbText& verb : tree.verbs) {
    out += fmt::format("{} -a {} -d {}\n", start_of(""), fish_quoted(verb.name),
                       fish_quoted(verb.what));
  }
  for (const OptionText& option : tree.program.options) out += option_line("", option, verbs);
  for (const VerbText& verb : tree.verbs) {
    out += "\n";
    for (const OptionText& option : verb.options) out += option_line(verb.name, option, verbs);
    for (const OptionText& argument : verb.arguments) {
      out += argument_line(verb.name, argument, verbs);
    }
    if (verb.takes_rest) out += rest_line(verb.name);
  }
  return out;
}

}  // namespace dcf::tools
