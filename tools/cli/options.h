// SPDX-License-Identifier: Apache-2.0
// Options that several verbs share, as the parser knows them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/command_line.h"
#include "cli/common_options.h"

namespace dcf::tools {

void add_common_options(const Verb& verb, CommonOptions* options);
// -o and -f. The path is required unless it has a value already.
void add_output_options(const Verb& verb, OutputOptions* options, const std::string& what);

// What K, M, G and T are: KiB or Ki are powers of 1024 whatever they are.
enum class SizeUnits { kBinary, kDecimal };

// Adds an option that takes a size, "512M", "1.5G", "64KiB" or "4096", in bytes. Decimal where the
// size is that of a file, which reports print so.
Argument add_size_option(const Verb& verb, const std::string& names, uint64_t* bytes,
                         const std::string& what, SizeUnits units = SizeUnits::kBinary);

// The number that all of `text` is, if it is finite.
std::optional<double> parse_finite(const std::string& text);

}  // namespace dcf::tools
