// SPDX-License-Identifier: Apache-2.0
// What goes to standard output.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace dcf::tools {

// Keeps the order in which members are added, as documented.
using OrderedJson = nlohmann::ordered_json;

// Indented, ASCII only: names and metadata are a stranger's, and the output may be a terminal.
std::string dump_json(const OrderedJson& value);

// Both throw Error when standard output takes no more.
void print_out(std::string_view text);
void print_json(const OrderedJson& value);
void flush_out();

// Call it before any file is opened. A closed standard input, output or error would be the number
// of the next file, which text would then be written to; each gets a placeholder that can be
// neither read nor written.
void hold_standard_streams();
// Whether standard output was open then.
bool stdout_was_open();

}  // namespace dcf::tools
