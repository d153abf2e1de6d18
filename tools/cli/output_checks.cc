// SPDX-License-Identifier: Apache-2.0
#include "cli/output_checks.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <span>

#include "cli/failures.h"
#include "cli/signals.h"
#include "formats/text.h"

namespace dcf::tools {

std::unique_ptr<OutputFile> open_output(const OutputOptions& output) {
  const SignalsBlocked no_signal_before_it_is_known_what_to_do;
  auto file = std::make_unique<OutputFile>(output.path, output.force);
  if (file->leaves_file_when_killed()) defer_fatal_signals();
  if (output.see) file->show_to(output.see);
  return file;
}

void write_text(const OutputOptions& output, const std::string& text) {
  const auto file = open_output(output);
  file->write(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
  file->commit();
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
  OutputFile::check(output.path, output.force);
}

void check_free_space(const OutputOptions& output, uint64_t bytes) {
  struct statvfs space {};
  std::string name = output.path;
  if (output.path == "-") {
    name = "standard output";
    struct stat out {};
    if (fstat(STDOUT_FILENO, &out) != 0 || !S_ISREG(out.st_mode)) return;  // as a pipe
    if (fstatvfs(STDOUT_FILENO, &space) != 0) return;
  } else {
    const std::filesystem::path parent = std::filesystem::path(output.path).parent_path();
    if (statvfs(parent.empty() ? "." : parent.c_str(), &space) != 0) return;
  }
  if (space.f_blocks == 0) return;  // the file system does not tell
  uint64_t free_bytes = 0;
  if (__builtin_mul_overflow(space.f_bavail, space.f_frsize, &free_bytes)) return;
  if (bytes > free_bytes) {
    throw_failure(name,
                  "cannot be written: no space: it takes " + std::to_string(bytes) +
                      " bytes, where " + std::to_string(free_bytes) + " are free",
                  ENOSPC);
  }
}

}  // namespace dcf::tools
