// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "formats/error.h"

namespace dcf::tools {
namespace {

bool stdout_open = true;

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

void hold_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    if (fd == STDOUT_FILENO) stdout_open = false;
    // The lowest free number is `fd`. The wrong direction makes every use of it fail.
    if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) return;
  }
}

bool stdout_was_open() {
  return stdout_open;
}

}  // namespace dcf::tools
