// SPDX-License-Identifier: Apache-2.0
#include "machine.h"

#include <dcf/dcf.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

namespace dcf::bench {
namespace {

// The first value of a key of /proc/cpuinfo; empty where there is none.
std::string cpu_field(const std::string& key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || line.compare(0, key.size(), key) != 0) continue;
    return colon + 2 <= line.size() ? line.substr(colon + 2) : "";
  }
  return "";
}

// The vector extensions that matter here, of all that the CPU has.
std::string vector_flags() {
  std::istringstream flags(cpu_field("flags"));
  std::string found;
  for (std::string flag; flags >> flag;) {
    if (flag == "ssse3" || flag == "avx2" || flag == "fma" || flag == "bmi2" || flag == "avx512f" ||
        flag == "avx512_vbmi2" || flag == "amx_tile") {
      found += (found.empty() ? "" : " ") + flag;
    }
  }
  return found;
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string caches() {
  std::string found;
  for (int i = 0;; ++i) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/";
    const std::string level = first_line(folder + "level");
    if (level.empty()) return found;
    if (first_line(folder + "type") == "Instruction") continue;
    found += (found.empty() ? "L" : ", L") + level + " " + first_line(folder + "size");
  }
}

std::string compiler() {
#if defined(__clang__)
  return __VERSION__;
#else
  return std::string("GCC ") + __VERSION__;
#endif
}

std::string today() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[sizeof "2000-01-01"];
  std::strftime(text, sizeof text, "%Y-%m-%d", &utc);
  return text;
}

}  // namespace

nlohmann::ordered_json describe_machine() {
  return {{"cpu", cpu_field("model name")},
          {"flags", vector_flags()},
          {"caches", caches()},
          {"cpus", std::thread::hardware_concurrency()},
          {"compiler", compiler()},
          {"dcf", dcf_version_string()},
          {"kernels", std::getenv("DCF_KERNEL") != nullptr ? std::getenv("DCF_KERNEL") : ""},
          {"date", today()}};
}

}  // namespace dcf::bench
