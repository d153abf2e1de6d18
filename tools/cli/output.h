// SPDX-License-Identifier: Apache-2.0
// What goes to standard output, and where outputs may go.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "cli/options.h"

namespace dcf::tools {

// Keeps the order in which members are added, as documented.
using OrderedJson = nlohmann::ordered_json;

// Indented, ASCII only: names and metadata are a stranger's, and the output may be a terminal.
std::string dump_json(const OrderedJson& value);

// Both throw Error when standard output takes no more.
void print_out(std::string_view text);
void print_json(const OrderedJson& value);
void flush_out();

// Throws unless the output can be written, is another file than `input`, and leaves standard output
// to the JSON where that is wanted.
void check_output(const std::string& input, const OutputOptions& output, bool json);

}  // namespace dcf::tools
