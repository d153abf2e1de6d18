// SPDX-License-Identifier: Apache-2.0
// Options that several verbs share.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "formats/model_source.h"

namespace dcf::tools {

struct CommonOptions {
  bool quiet = false;
  bool json = false;
  bool no_progress = false;
  uint32_t threads = 0;     // 0: one per processor
  uint64_t max_memory = 0;  // 0: the library's default

  bool wants_progress() const { return !quiet && !json && !no_progress; }
  OpenHints hints() const { return {.max_memory = max_memory, .threads = threads}; }
};

struct OutputOptions {
  std::string path;
  bool force = false;
};

void add_common_options(CLI::App* verb, CommonOptions* options);
// -o and -f. The path is required unless it has a value already.
void add_output_options(CLI::App* verb, OutputOptions* options, const std::string& what);

// "512M", "1G", "64k", "4096": bytes, in units of 1024. Throws CLI::ValidationError.
uint64_t parse_size(const std::string& text);

}  // namespace dcf::tools
