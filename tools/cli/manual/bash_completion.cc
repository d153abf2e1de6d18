// SPDX-License-Identifier: Apache-2.0
#include "cli/manual/bash_completion.h"

#include <fmt/format.h>

#include <string_view>

#include "cli/manual/shell_text.h"

namespace dcf::tools {
namespace {

// The whole script but its tables. A candidate is "word<TAB>what it does".
constexpr std::string_view kBashStart =
    R"sh(# bash completion of dcf, made by 'dcf completion bash'.

# Candidates that begin with $1, in COMPREPLY. Descriptions only where bash shows a list, as else it
# would put them into the line.
_dcf_offer() {
  local begin=$1 entry word widest=0 columns=${COLUMNS:-80}
  local -a found=()
  shift
  compopt +o default
  for entry; do
    word=${entry%%$'\t'*}
    [[ $word == "$begin"* ]] || continue
    found+=("$entry")
    ((${#word} <= widest)) || widest=${#word}
  done
  for entry in "${found[@]}"; do
    word=${entry%%$'\t'*}
    if ((${#found[@]} > 1 && COMP_TYPE == 63)) && [[ $entry == *$'\t'* ]]; then
      printf -v word '%-*s  (%s)' "$widest" "$word" "${entry#*$'\t'}"
      ((${#word} < columns)) || word=${word:0:columns-5}...
    else
      word=${word#"$_dcf_kept"}
    fi
    COMPREPLY+=("$word")
  done
}

# What may follow: a value of the kind $1, of which $2 is there.
_dcf_value() {
  case $1 in
    file) ;;  # readline's own completion of file names
    folder) compopt +o default -o dirnames ;;
    choice:*)
      local -a choices
      IFS=, read -r -a choices <<<"${1#choice:}"
      _dcf_offer "$2" "${choices[@]}"
      ;;
    verb) _dcf_offer "$2" "${_dcf_verbs[@]}" "${_dcf_topics[@]}" ;;
    *) compopt +o default ;;
  esac
}

_dcf() {
  local line=${COMP_LINE:0:COMP_POINT} rest piece i entry word kind
  local verb= waits_for= only_arguments= arguments=0 _dcf_kept=
  local -a words=() options=()
  COMPREPLY=()
  # bash cuts words at = and :, too. They are put together again; of the last one, what bash does not
  # replace is kept.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    rest=${line#"${line%%[![:space:]]*}"}
    piece=${COMP_WORDS[i]}
    [[ $rest == "$piece"* ]] || piece=$rest
    if ((i > 0)) && [[ $rest == "$line" && -n $piece ]]; then
      words[-1]+=$piece
    else
      words+=("$piece")
    fi
    line=${rest#"$piece"}
  done
  local current=${words[-1]}
  [[ $piece != [=:] ]] || piece=
  _dcf_kept=${current%"$piece"}

  for word in "${words[@]:1:${#words[@]}-2}"; do
    if [[ -n $waits_for ]]; then
      waits_for=
    elif [[ -z $verb ]]; then
      [[ $word == -* ]] || verb=$word
    elif [[ -z $only_arguments && $word == -- ]]; then
      only_arguments=yes
    elif [[ -z $only_arguments && $word == -?* ]]; then
      [[ $word == *=* ]] || waits_for=$(_dcf_kind "$verb" "$word")
    else
      ((arguments += 1))
    fi
  done

  if [[ -z $verb ]]; then
    if [[ $current == -* ]]; then
      _dcf_options ''
      _dcf_offer "$current" "${options[@]}"
    else
      _dcf_offer "$current" "${_dcf_verbs[@]}"
    fi
  elif [[ -n $waits_for ]]; then
    _dcf_value "$waits_for" "$current"
  elif [[ -z $only_arguments && $current == --*=* ]]; then
    kind=$(_dcf_kind "$verb" "${current%%=*}")
    _dcf_kept=${_dcf_kept#"${current%%=*}="}
    _dcf_value "$kind" "${current#*=}"
  elif [[ -z $only_arguments && $current == -* ]]; then
    _dcf_options "$verb"
    _dcf_offer "$current" "${options[@]}"
  else
    _dcf_value "$(_dcf_kind "$verb" "$arguments")" "$current"
  fi
}
)sh";

std::string kind_word(const OptionText& option) {
  switch (option.kind) {
    case ValueKind::kNone:
      return "";
    case ValueKind::kText:
      return "text";
    case ValueKind::kChoice:
      return fmt::format("choice:{}", fmt::join(option.choices, ","));
    case ValueKind::kFile:
      return "file";
    case ValueKind::kFolder:
      return "folder";
    case ValueKind::kVerb:
      return "verb";
  }
  return "";
}

std::string candidate(std::string_view word, std::string_view what) {
  return shell_quoted(fmt::format("{}\t{}", word, one_line(what)));
}

// The options of a verb that is another program, as far as its help tells them.
std::string options_of_help(const VerbText& verb) {
  return fmt::format("$(dcf {} --help 2>/dev/null | sed -nE '{}')", verb.name, kOptionOfHelp);
}

std::string option_candidates(const VerbText& verb) {
  if (verb.takes_rest) return " " + options_of_help(verb) + " ";
  std::string out;
  for (const OptionText& option : verb.options) {
    out += "\n      " + candidate(option.names.back(), option.what);
  }
  return out;
}

// A case of each verb: the kind of value that an option or the argument of a number takes.
std::string kinds_of(const VerbText& verb) {
  std::string out;
  for (const OptionText& option : verb.options) {
    if (option.kind == ValueKind::kNone) continue;
    for (const std::string& name : option.names) {
      out += fmt::format("    {}:{}) printf %s {} ;;\n", verb.name, name,
                         shell_quoted(kind_word(option)));
    }
  }
  if (verb.takes_rest) out += fmt::format("    {}:[0-9]*) printf file ;;\n", verb.name);
  size_t number = 0;
  for (const OptionText& argument : verb.arguments) {
    out += fmt::format("    {}:{}) printf %s {} ;;\n", verb.name,
                       argument.repeats ? "[0-9]*" : std::to_string(number++),
                       shell_quoted(kind_word(argument)));
  }
  return out;
}

}  // namespace

std::string bash_completion(const CommandTree& tree, const std::vector<std::string>& topics) {
  std::string out(kBashStart);
  out += "\n_dcf_verbs=(";
  for (const VerbText& verb : tree.verbs) out += "\n  " + candidate(verb.name, verb.what);
  out += "\n)\n_dcf_topics=(";
  for (const std::string& topic : topics) out += " " + shell_quoted(topic);
  out +=
      " )\n\n# Sets options to those of the verb $1.\n_dcf_options() {\n  options=()\n  case $1 "
      "in\n";
  out += fmt::format("    '') options=({}\n    ) ;;\n", option_candidates(tree.program));
  for (const VerbText& verb : tree.verbs) {
    out += fmt::format("    {}) options=({}\n    ) ;;\n", verb.name, option_candidates(verb));
  }
  out +=
      "  esac\n}\n\n# The kind of value that the option $2 of the verb $1 takes, or its argument "
      "number $2.\n_dcf_kind() {\n  case $1:$2 in\n";
  for (const VerbText& verb : tree.verbs) out += kinds_of(verb);
  out += "  esac\n}\n\ncomplete -o default -F _dcf dcf\n";
  return out;
}

}  // namespace dcf::tools
