// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <vector>

#include "cli/manual/bash_completion.h"
#include "cli/manual/fish_completion.h"
#include "cli/manual/zsh_completion.h"
#include "cli/output.h"
#include "cli/recipe_help.h"
#include "cli/verbs.h"

namespace dcf::tools {
namespace {

int print_completion(const Program& program, const std::string& shell) {
  const CommandTree tree = read_command_tree(program.app());
  const std::vector<std::string> topics = {std::string(kRecipeTopic)};
  if (shell == "bash") {
    print_out(bash_completion(tree, topics));
  } else if (shell == "zsh") {
    print_out(zsh_completion(tree, topics));
  } else {
    print_out(fish_completion(tree, topics));
  }
  return 0;
}

}  // namespace

void add_completion(Program* program) {
  auto shell = std::make_shared<std::string>();
  const Verb verb = program->add_verb(
      "completion", "Print a script by which a shell completes verbs, options and file names");
  verb.add("SHELL", shell.get(), "The shell that reads the script")
      .required()
      .one_of({"bash", "zsh", "fish"});
  verb.footer(
      "\nExamples:\n  dcf completion bash >~/.local/share/bash-completion/completions/dcf\n"
      "  dcf completion zsh >~/.zfunc/_dcf                        a folder in fpath\n"
      "  dcf completion fish >~/.config/fish/completions/dcf.fish\n"
      "  source <(dcf completion bash)                            this shell only");
  verb.on_run([=] { return print_completion(*program, *shell); });
}

}  // namespace dcf::tools
