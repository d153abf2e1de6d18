// SPDX-License-Identifier: Apache-2.0
// The verbs of the command line, one file each. add_*() tells the program of a verb: its options,
// and what it does where it is chosen.
#pragma once

#include "cli/command_line.h"

namespace dcf::tools {

void add_compress(Program* program);
void add_decompress(Program* program);
void add_info(Program* program);
void add_verify(Program* program);
void add_bench(Program* program);
void add_cat(Program* program);
void add_compare(Program* program);
void add_plan(Program* program);
void add_stats(Program* program);
void add_merge(Program* program);
void add_report(Program* program);
void add_run(Program* program);
void add_train(Program* program);
void add_completion(Program* program);
void add_help(Program* program);

}  // namespace dcf::tools
