// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "cli/failures.h"
#include "cli/signals.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

[[noreturn]] void throw_stdout_failed() {
  throw_failure("standard output", "cannot be written: " + std::generic_category().message(errno));
}

}  // namespace

std::string dump_json(const OrderedJson& value) {
  constexpr int kIndent = 2;
  constexpr bool kAsciiOnly = true;
  // File names, which may be any bytes, can be part of a message.
  return value.dump(kIndent, ' ', kAsciiOnly, OrderedJson::error_handler_t::replace);
}

void print_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) throw_stdout_failed();
}

void print_json(const OrderedJson& value) {
  print_out(dump_json(value) + "\n");
}

void flush_out() {
  if (std::fflush(stdout) != 0) throw_stdout_failed();
}

std::unique_ptr<OutputFile> open_output(const OutputOptions& output) {
  const SignalsBlocked no_signal_before_it_is_known_what_to_do;
  auto file = std::make_unique<OutputFile>(output.path, output.force);
  if (file->leaves_file_when_killed()) defer_fatal_signals();
  return file;
}

void check_output(const std::string& input, const OutputOptions& output, bool json) {
  if (output.path == "-") {
    if (json) throw UsageError("standard output cannot take both the output and --json");
  } else {
    struct stat in {};
    struct stat out {};
    if (stat(input.c_str(), &in) == 0 && stat(output.path.c_str(), &out) == 0 &&
        in.st_dev == out.st_dev && in.st_ino == out.st_ino) {
      throw UsageError(quote(output.path) + " is the input, which is never written to");
    }
  }
  // Found before hours of work, not after.
  OutputFile::check(output.path, output.force);
}

}  // namespace dcf::tools
