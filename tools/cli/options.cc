// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <string_view>

namespace dcf::tools {
namespace {

constexpr uint32_t kMaxThreads = 1024;

// Bytes of a unit, 0 for an unknown one.
uint64_t unit_bytes(std::string_view unit, SizeUnits units) {
  if (unit.empty() || unit == "B") return 1;
  uint64_t base = units == SizeUnits::kDecimal ? 1000 : 1024;
  if (unit.ends_with("iB") || unit.ends_with("i")) {
    base = 1024;
    unit.remove_suffix(unit.ends_with("i") ? 1 : 2);
  } else if (units == SizeUnits::kDecimal && unit.ends_with("B")) {
    unit.remove_suffix(1);
  }
  if (unit.size() != 1) return 0;
  constexpr std::string_view kUnits = "kmgt";
  const size_t at = kUnits.find(static_cast<char>(unit[0] | 0x20));
  if (at == std::string_view::npos) return 0;
  uint64_t bytes = base;
  for (size_t i = 0; i < at; ++i) bytes *= base;
  return bytes;
}

uint64_t parse_size(const std::string& text, SizeUnits units) {
  const char* const end = text.data() + text.size();
  uint64_t whole = 0;
  double fraction = 0;
  auto [rest, error] = std::from_chars(text.data(), end, whole);
  // Apart, as a double holds no whole numbers of 64 bits.
  if (error == std::errc() && rest != end && *rest == '.') {
    const auto after = std::from_chars(rest, end, fraction, std::chars_format::fixed);
    rest = after.ptr;
    error = after.ec;
  }
  const uint64_t unit = unit_bytes(std::string_view(rest, static_cast<size_t>(end - rest)), units);
  const auto part = static_cast<uint64_t>(std::llround(fraction * static_cast<double>(unit)));
  uint64_t bytes = 0;
  if (error != std::errc() || __builtin_mul_overflow(whole, unit, &bytes) ||
      __builtin_add_overflow(bytes, part, &bytes) || bytes == 0) {
    throw BadValue("'" + text + "' is not a size such as 512M, 1.5G, 64KiB or 4096");
  }
  return bytes;
}

// What is wrong with the number of a descriptor that should have been open when the program began;
// nothing if it can be written to. Programs that this one starts do not get it: its reader sees the
// end when this program ends.
std::string take_descriptor(const std::string& text) {
  int fd = -1;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, fd);
  if (error != std::errc() || rest != end || fd < STDERR_FILENO) {
    return "'" + text + "' is not a number of 2 or higher";
  }
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) return text + " is not open for writing";
  if (fd > STDERR_FILENO) fcntl(fd, F_SETFD, FD_CLOEXEC);
  return "";
}

}  // namespace

Argument add_size_option(const Verb& verb, const std::string& names, uint64_t* bytes,
                         const std::string& what, SizeUnits units) {
  return verb
      .add_call(
          names, [=](const std::string& text) { *bytes = parse_size(text, units); },
          what + (units == SizeUnits::kDecimal
                      ? "; K, M, G are powers of 1000, KiB, MiB, GiB of 1024"
                      : "; K, M, G are powers of 1024"))
      .value_name("SIZE");
}

std::optional<double> parse_finite(const std::string& text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || !std::isfinite(value)) return {};
  return value;
}

void add_common_options(const Verb& verb, CommonOptions* options) {
  verb.add_flag("-q,--quiet", &options->quiet, "Say nothing but errors");
  verb.add_flag("--json", &options->json, "Result, or {\"error\": ...}, as JSON on stdout");
  verb.add_flag("--no-progress", &options->no_progress, "No progress bar");
  verb.add("--progress-fd", &options->progress_fd,
           "Open file descriptor, 2 or higher, that gets lines of progress for a program: "
           "DONE TOTAL STEP")
      .check(take_descriptor, "FD");
  verb.add("-T,--threads", &options->threads, "Threads; 0 = one per processor (default)")
      .within(0u, kMaxThreads);
  add_size_option(verb, "-M,--max-memory", &options->max_memory,
                  "Memory the library may take: 512M, 2G, ... (default 1G)");
}

void add_output_options(const Verb& verb, OutputOptions* options, const std::string& what) {
  const bool has_default = !options->path.empty();
  verb.add("-o,--output", &options->path, what + "; - is standard output")
      .required(!has_default)
      .not_empty()
      .value_name("OUT");
  verb.add_flag("-f,--force", &options->force, "Replace OUT if it exists");
}

}  // namespace dcf::tools
