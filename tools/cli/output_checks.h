// SPDX-License-Identifier: Apache-2.0
// Opening outputs. What is wrong with one is found before hours of work, not after.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cli/common_options.h"
#include "formats/output_file.h"

namespace dcf::tools {

// The output of a verb. Where a signal would leave a temporary file behind, signals are deferred
// (cli/signals.h): the verb asks for them between its steps.
std::unique_ptr<OutputFile> open_output(const OutputOptions& output);

// The whole output is this text.
void write_text(const OutputOptions& output, const std::string& text);

// Throws unless the output can be written, is another file than `input`, and leaves standard output
// to the JSON where that is wanted.
void check_output(const std::string& input, const OutputOptions& output, bool json);

// Throws Error if the file system of the output has less than `bytes` of free space, as far as it
// tells. The output may also be standard output.
void check_free_space(const OutputOptions& output, uint64_t bytes);

}  // namespace dcf::tools
