// SPDX-License-Identifier: Apache-2.0
// dcf: compress, restore and inspect the weights of neural networks.
#include <dcf/dcf.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <clocale>
#include <exception>
#include <string>
#include <string_view>

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

int run_command_line(int argc, char** argv) {
  Program program("dcf", "Compressed neural-network weights: .dcf files", kFooter);
  program.set_version(std::string("dcf ") + dcf_version_string());
  for (const auto& add :
       {add_compress, add_decompress, add_info, add_verify, add_bench, add_cat, add_compare,
        add_report, add_plan, add_stats, add_merge, add_run, add_train, add_completion, add_help}) {
    add(&program);
  }
  return program.run(argc, argv);
}

// What tensors and their chunks take turns in using is kept: to give it back and take it anew costs
// up to a tenth of a run. What is larger is a file's or a tensor's, and is given back.
void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
#endif
}

int guarded_main(int argc, char** argv) {
  report_large_files();
  keep_freed_memory();
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
