// SPDX-License-Identifier: Apache-2.0
// What the options that several verbs share say. Without CLI11, whose header costs every file that
// reads it three seconds of compilation.
#pragma once

#include <cstdint>
#include <string>

#include "cli/output.h"
#include "cli/progress.h"
#include "formats/model_source.h"
#include "formats/output_file.h"

namespace dcf::tools {

struct CommonOptions {
  bool quiet = false;
  bool json = false;
  bool no_progress = false;
  int progress_fd = -1;     // of --progress-fd; -1: none
  uint32_t threads = 0;     // 0: one per processor
  uint64_t max_memory = 0;  // 0: the library's default

  bool wants_progress() const { return !quiet && !json && !no_progress; }
  ProgressOutput progress() const { return {.bar = wants_progress(), .fd = progress_fd}; }
  // Whether standard output gets a report of an output that is in place already. A closed one gets
  // none, which is no failure.
  bool wants_report() const { return json || (!quiet && stdout_was_open()); }
  OpenHints hints() const { return {.max_memory = max_memory, .threads = threads}; }
};

struct OutputOptions {
  std::string path;
  bool force = false;
  OutputFile::See see;  // is shown what is written; may be empty
};

}  // namespace dcf::tools
