// SPDX-License-Identifier: Apache-2.0
// The verbs of the command line, one file each. add_*() describes a verb to the parser and sets
// `*run` to its work if the verb is chosen; the work returns the exit code or throws.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace dcf::tools {

using Run = std::function<int()>;

void add_compress(CLI::App* app, Run* run);
void add_decompress(CLI::App* app, Run* run);
void add_info(CLI::App* app, Run* run);
void add_verify(CLI::App* app, Run* run);
void add_bench(CLI::App* app, Run* run);
void add_cat(CLI::App* app, Run* run);
void add_compare(CLI::App* app, Run* run);
void add_plan(CLI::App* app, Run* run);
void add_stats(CLI::App* app, Run* run);
void add_merge(CLI::App* app, Run* run);
void add_report(CLI::App* app, Run* run);
void add_run(CLI::App* app, Run* run);
void add_train(CLI::App* app, Run* run);
void add_completion(CLI::App* app, Run* run);
void add_help(CLI::App* app, Run* run);

}  // namespace dcf::tools
