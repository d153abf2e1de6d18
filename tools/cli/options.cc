// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <string_view>

namespace dcf::tools {
namespace {

constexpr uint32_t kMaxThreads = 1024;

// Power of 1024 for a unit, -1 for an unknown one.
int unit_power(std::string_view unit) {
  if (unit.empty() || unit == "B") return 0;
  if (unit.ends_with("iB")) unit.remove_suffix(2);
  if (unit.size() != 1) return -1;
  constexpr std::string_view kUnits = "kmgt";
  const size_t at = kUnits.find(static_cast<char>(unit[0] | 0x20));
  return at == std::string_view::npos ? -1 : static_cast<int>(at) + 1;
}

uint64_t parse_size(const std::string& option, const std::string& text) {
  uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  const int power = unit_power(std::string_view(rest, static_cast<size_t>(end - rest)));
  uint64_t bytes = 0;
  if (error != std::errc() || power < 0 || value == 0 ||
      __builtin_mul_overflow(value, uint64_t{1} << (10 * power), &bytes)) {
    throw CLI::ValidationError(option,
                               "'" + text + "' is not a size such as 512M, 1G, 64k or 4096");
  }
  return bytes;
}

// Takes the number of a descriptor that was open when the program began. Programs that this one
// starts do not get it: its reader sees the end when this program ends.
CLI::Validator writable_descriptor() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        int fd = -1;
        if (!CLI::detail::lexical_cast(text, fd) || fd < STDERR_FILENO) {
          return "'" + text + "' is not a number of 2 or higher";
        }
        const int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
          return text + " is not open for writing";
        }
        if (fd > STDERR_FILENO) fcntl(fd, F_SETFD, FD_CLOEXEC);
        return "";
      },
      "FD");
}

}  // namespace

CLI::Option* add_size_option(CLI::App* verb, const std::string& names, uint64_t* bytes,
                             const std::string& what) {
  const std::string name = names.substr(names.find("--"));
  return verb
      ->add_option_function<std::string>(
          names, [=](const std::string& text) { *bytes = parse_size(name, text); }, what)
      ->type_name("SIZE");
}

CLI::Validator not_empty() {
  return CLI::Validator(
      [](const std::string& text) { return text.empty() ? "the value is empty" : ""; }, "");
}

CLI::Validator digits_only() {
  return CLI::Validator(
      [](const std::string& text) {
        const bool ok = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
        return ok ? std::string() : "'" + text + "' is not an unsigned integer";
      },
      "");
}

void add_common_options(CLI::App* verb, CommonOptions* options) {
  verb->add_flag("-q,--quiet", options->quiet, "Say nothing but errors");
  verb->add_flag("--json", options->json, "Result, or {\"error\": ...}, as JSON on stdout");
  verb->add_flag("--no-progress", options->no_progress, "No progress bar");
  verb->add_option("--progress-fd", options->progress_fd,
                   "Open file descriptor, 2 or higher, that gets lines of progress for a program: "
                   "DONE TOTAL STEP")
      ->check(writable_descriptor());
  verb->add_option("-T,--threads", options->threads, "Threads; 0 = one per processor (default)")
      ->check(CLI::Range(0u, kMaxThreads));
  add_size_option(verb, "-M,--max-memory", &options->max_memory,
                  "Memory the library may take: 512M, 2G, ... (default 1G)");
}

void add_output_options(CLI::App* verb, OutputOptions* options, const std::string& what) {
  const bool has_default = !options->path.empty();
  verb->add_option("-o,--output", options->path, what + "; - is standard output")
      ->required(!has_default)
      ->check(not_empty())
      ->type_name("OUT");
  verb->add_flag("-f,--force", options->force, "Replace OUT if it exists");
}

}  // namespace dcf::tools
