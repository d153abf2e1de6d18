// SPDX-License-Identifier: Apache-2.0
#include "cli/manual/zsh_completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "cli/manual/shell_text.h"

namespace dcf::tools {
namespace {

// `text` with a backslash before each character of `special`.
std::string escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : one_line(text)) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// What _arguments shows above the candidates, and what gives them.
std::string value_spec(const OptionText& option, std::string_view message) {
  std::string action = " ";
  switch (option.kind) {
    case ValueKind::kNone:
      return {};
    case ValueKind::kText:
      break;
    case ValueKind::kChoice:
      action = fmt::format("({})", fmt::join(option.choices, " "));
      break;
    case ValueKind::kFile:
      action = "_files";
      break;
    case ValueKind::kFolder:
      action = "_files -/";
      break;
    case ValueKind::kVerb:
      action = "_dcf_topics";
      break;
  }
  return fmt::format(":{}:{}", escaped(message, ":\\"), action);
}

// "(-o --output)"{-o+,--output=}"[what]:OUT:_files". An option excludes itself, and --help all.
std::string option_spec(const OptionText& option) {
  const bool is_help = option.names.back() == "--help" || option.names.back() == "--version";
  std::vector<std::string> excluded = is_help ? std::vector<std::string>{"- *"} : option.names;
  excluded.insert(excluded.end(), option.excludes.begin(), option.excludes.end());
  const std::string before = option.repeats ? "*" : fmt::format("({})", fmt::join(excluded, " "));
  std::vector<std::string> names;
  for (const std::string& name : option.names) {
    const bool is_long = name.starts_with("--");
    const char* const after = option.kind == ValueKind::kNone ? "" : is_long ? "=" : "+";
    names.push_back(name + after);
  }
  const std::string all =
      names.size() == 1 ? shell_quoted(before + names.front())
                        : fmt::format("{}{{{}}}", shell_quoted(before), fmt::join(names, ","));
  return all + shell_quoted(fmt::format("[{}]", escaped(option.what, "[]\\")) +
                            value_spec(option, option.value));
}

std::string argument_spec(const OptionText& argument) {
  const std::string start = argument.repeats ? "*" : argument.required ? "" : ":";
  return shell_quoted(start + value_spec(argument, argument.what));
}

std::string arguments_call(const VerbText& verb) {
  std::string out = "_arguments -s -S";
  for (const OptionText& option : verb.options) out += " \\\n        " + option_spec(option);
  for (const OptionText& argument : verb.arguments) {
    out += " \\\n        " + argument_spec(argument);
  }
  if (verb.takes_rest) {
    out += fmt::format(
        " \\\n        ${{(f)\"$(dcf {} --help 2>/dev/null | sed -nE '{}')\"}} '*:file:_files'",
        verb.name, kOptionOfHelp);
  }
  return out;
}

std::string described(std::string_view word, std::string_view what) {
  return shell_quoted(escaped(word, ":\\") + ":" + escaped(what, "\\"));
}

}  // namespace

std::string zsh_completion(const CommandTree& tree, const std::vector<std::string>& topics) {
  std::string out =
      "#compdef dcf\n# zsh completion of dcf, made by 'dcf completion zsh'.\n\n_dcf_verbs() {\n"
      "  local -a verbs=(";
  for (const VerbText& verb : tree.verbs) out += "\n    " + described(verb.name, verb.what);
  out += "\n  )\n  _describe -t verbs verb verbs\n}\n\n_dcf_topics() {\n  _dcf_verbs\n";
  out += fmt::format("  compadd {}\n}}\n\n", fmt::join(topics, " "));
  out +=
      "_dcf() {\n  local curcontext=$curcontext state line ret=1\n  typeset -A opt_args\n"
      "  _arguments -C -S";
  for (const OptionText& option : tree.program.options) out += " \\\n    " + option_spec(option);
  out +=
      " \\\n    '1:verb:_dcf_verbs' \\\n    '*::argument:->rest' && ret=0\n"
      "  [[ $state == rest ]] || return ret\n  curcontext=${curcontext%:*}-$words[1]:\n"
      "  case $words[1] in\n";
  for (const VerbText& verb : tree.verbs) {
    out += fmt::format("    {})\n      {} && ret=0\n      ;;\n", verb.name, arguments_call(verb));
  }
  out +=
      "  esac\n  return ret\n}\n\n"
      "if [[ $funcstack[1] == _dcf ]]; then _dcf \"$@\"; else compdef _dcf dcf; fi\n";
  return out;
}

}  // namespace dcf::tools
