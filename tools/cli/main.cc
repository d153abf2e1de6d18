// SPDX-License-Identifier: Apache-2.0
// dcf: compress, restore and inspect the weights of neural networks.
#include <dcf/dcf.h>

#include <CLI/CLI.hpp>
#include <clocale>
#include <exception>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/failures.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "cli/verbs.h"

namespace dcf::tools {
namespace {

constexpr const char* kFooter = R"(
Examples:
  dcf compress model.safetensors -o model.dcf      lossless
  dcf compress model.safetensors -o small.dcf --sparsity 0.9 --bits 5
  dcf info small.dcf
  dcf verify small.dcf
  dcf decompress small.dcf -o restored.safetensors
  dcf compare model.safetensors small.dcf --bounds
  dcf run lenet.dcf --test mnist                   where the file carries its network

Exit status: 0 success; 1 an input is malformed, damaged or over a limit, or inputs differ;
2 usage, input/output, or a version or feature that is not supported.
'dcf help VERB' and 'dcf VERB --help' tell more; 'dcf help recipes' tells of recipes, the JSON files
that say which tensor is encoded how.)";

// Known before the command line is understood, as that can fail.
bool wants_json(int argc, char** argv) {
  for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i) {
    if (std::string_view(argv[i]) == "--json") return true;
  }
  return false;
}

// Returns true where the command line asked for no more than the help or version it has got.
bool parse(CLI::App* app, int argc, char** argv) {
  try {
    app->parse(argc, argv);
    return false;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      std::ostringstream text;
      app->exit(error, text, text);
      print_out(text.str());
      return true;
    }
    const auto verbs = app->get_subcommands();
    const std::vector<std::string> rest = app->remaining();
    if (verbs.empty() && !rest.empty()) {
      const char* const kind = rest.front().starts_with('-') ? "option" : "verb";
      throw UsageError(std::string("there is no ") + kind + " '" + rest.front() +
                       "' (see 'dcf --help')");
    }
    const std::string verb = verbs.empty() ? "" : verbs.front()->get_name() + " ";
    throw UsageError(std::string(error.what()) + " (see 'dcf " + verb + "--help')");
  }
}

int run_command_line(int argc, char** argv) {
  CLI::App app("Compressed neural-network weights: .dcf files", "dcf");
  app.set_version_flag("--version", std::string("dcf ") + dcf_version_string());
  app.footer(kFooter);
  app.require_subcommand(1);
  constexpr size_t kHelpColumn = 32;
  app.get_formatter()->column_width(kHelpColumn);
  Run run;
  for (const auto& add :
       {add_compress, add_decompress, add_info, add_verify, add_bench, add_cat, add_compare,
        add_report, add_plan, add_stats, add_merge, add_run, add_train, add_completion, add_help}) {
    add(&app, &run);
  }
  app.get_formatter()->label("SUBCOMMAND", "VERB");
  for (CLI::App* const verb : app.get_subcommands({})) verb->group("Verbs");
  if (argc == 1) throw UsageError("a verb is missing (see 'dcf --help')");
  if (parse(&app, argc, argv)) return 0;
  return run();
}

int guarded_main(int argc, char** argv) {
  // Only for the width of characters; numbers stay as in C.
  std::setlocale(LC_CTYPE, "C.UTF-8");
  try {
    const int exit_code = run_command_line(argc, argv);
    flush_out();
    return exit_code;
  } catch (const Interrupted& interrupted) {
    die_of_signal(interrupted.signal_number);
  } catch (const std::exception& error) {
    return report_error(error, wants_json(argc, argv));
  }
}

}  // namespace
}  // namespace dcf::tools

// An allocation that fails before main(), in the static objects of CLI11's header, still ends the
// process with a signal: nothing can catch it there. From here on it is one sentence and exit 2.
int main(int argc, char** argv) {
  dcf::tools::hold_standard_streams();
  return dcf::tools::guarded_main(argc, argv);
}
