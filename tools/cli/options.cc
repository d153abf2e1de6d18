// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

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

}  // namespace

uint64_t parse_size(const std::string& text) {
  uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  const int power = unit_power(std::string_view(rest, static_cast<size_t>(end - rest)));
  uint64_t bytes = 0;
  if (error != std::errc() || power < 0 || value == 0 ||
      __builtin_mul_overflow(value, uint64_t{1} << (10 * power), &bytes)) {
    throw CLI::ValidationError("--max-memory",
                               "'" + text + "' is not a size such as 512M, 1G, 64k or 4096");
  }
  return bytes;
}

void add_common_options(CLI::App* verb, CommonOptions* options) {
  verb->add_flag("-q,--quiet", options->quiet, "Say nothing but errors");
  verb->add_flag("--json", options->json, "Result, or {\"error\": ...}, as JSON on stdout");
  verb->add_flag("--no-progress", options->no_progress, "No progress bar");
  verb->add_option("-T,--threads", options->threads, "Threads; 0 = one per processor (default)")
      ->check(CLI::Range(0u, kMaxThreads));
  verb->add_option_function<std::string>(
          "-M,--max-memory",
          [options](const std::string& text) { options->max_memory = parse_size(text); },
          "Memory the library may take: 512M, 2G, ... (default 1G)")
      ->type_name("SIZE");
}

void add_output_options(CLI::App* verb, OutputOptions* options, const std::string& what) {
  const bool has_default = !options->path.empty();
  verb->add_option("-o,--output", options->path, what + "; - is standard output")
      ->required(!has_default)
      ->type_name("OUT");
  verb->add_flag("-f,--force", options->force, "Replace OUT if it exists");
}

}  // namespace dcf::tools
