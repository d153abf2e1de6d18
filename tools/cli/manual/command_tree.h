// SPDX-License-Identifier: Apache-2.0
// What the parser knows of the command line, as plain text: verbs, their options and arguments, and
// what a value may be. Man pages and completions are made from it, so that they say what --help
// says.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace dcf::tools {

enum class ValueKind {
  kNone,    // a flag
  kText,    // anything: numbers, names, commands
  kChoice,  // one of OptionText::choices
  kFile,
  kFolder,
  kVerb,  // a verb of the program, or a topic of its help
};

// An option, or an argument that has its place: then it has no names.
struct OptionText {
  std::vector<std::string> names;  // with their dashes, short ones first
  std::string value;               // what stands for the value: "OUT"; empty for a flag
  ValueKind kind = ValueKind::kNone;
  std::vector<std::string> choices;
  std::string bounds;  // what else is asked of the value: "INT in [1 - 8]"; often empty
  std::string what;
  std::vector<std::string> needs, excludes;  // names of other options, long ones where there are
  bool required = false;
  bool repeats = false;  // takes several values

  bool is_argument() const { return names.empty(); }
};

struct VerbText {
  std::string name;
  std::string what;    // one sentence without its full stop
  std::string footer;  // paragraphs of --help after the options
  std::vector<OptionText> options;
  std::vector<OptionText> arguments;
  bool takes_rest = false;  // whatever follows goes to another program
};

struct CommandTree {
  VerbText program;
  std::vector<VerbText> verbs;  // in the order of --help
};

// The kind of a value follows from the name that stands for it (CLI::Option::type_name): FILE, IN,
// OUT and names with a dot such as X.npy are files, DIR and FOLDER folders, VERB is a verb; what
// CLI::IsMember checks is a choice. An argument of CLI11's own name, TEXT, is a file. Everything
// else is text.
CommandTree read_command_tree(const CLI::App& app);

}  // namespace dcf::tools
