// SPDX-License-Identifier: Apache-2.0
// What goes to standard output, and where outputs may go.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "cli/options.h"
#include "formats/output_file.h"

namespace dcf::tools {

// Keeps the order in which members are added, as documented.
using OrderedJson = nlohmann::ordered_json;

// Indented, ASCII only: names and metadata are a stranger's, and the output may be a terminal.
std::string dump_json(const OrderedJson& value);

// Both throw Error when standard output takes no more.
void print_out(std::string_view text);
void print_json(const OrderedJson& value);
void flush_out();

// The output of a verb. Where a signal would leave a temporary file behind, signals are deferred
// (cli/signals.h): the verb asks for them between its steps.
std::unique_ptr<OutputFile> open_output(const OutputOptions& output);

// Throws unless the output can be written, is another file than `input`, and leaves standard output
// to the JSON where that is wanted.
void check_output(const std::string& input, const OutputOptions& output, bool json);

}  // namespace dcf::tools
