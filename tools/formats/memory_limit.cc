// SPDX-License-Identifier: Apache-2.0
#include "formats/memory_limit.h"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <string_view>

#include "formats/dcf_error.h"

namespace dcf::tools {
namespace {

// As -M takes it.
std::string size_text(uint64_t bytes) {
  constexpr std::string_view kUnits = "KMGT";
  std::string unit;
  for (size_t i = 0; i < kUnits.size() && bytes % 1024 == 0; ++i) {
    bytes /= 1024;
    unit = kUnits[i];
  }
  return std::to_string(bytes) + unit;
}

}  // namespace

std::string MemoryLimit::hint() const {
  // How much is needed is not known. From a low limit, doubling alone would take many tries.
  constexpr uint64_t kLeast = uint64_t{64} << 20;
  const uint64_t more = bytes_ > UINT64_MAX / 2 ? UINT64_MAX : std::max(2 * bytes_, kLeast);
  return "-M allows " + size_text(bytes_) + "; give more, such as -M " + size_text(more);
}

void MemoryLimit::check(const std::string& file, const std::string& what, uint64_t needed) const {
  if (needed <= bytes_) return;
  throw DcfError({.status = DCF_STATUS_LIMIT_MEMORY,
                  .sentence = file + ": " + what + " takes " + std::to_string(needed) +
                              " bytes, more than the memory limit of " + std::to_string(bytes_) +
                              " (-M)"});
}

std::vector<uint8_t> MemoryLimit::buffer(const std::string& file, const std::string& what,
                                         uint64_t needed) const {
  check(file, what, needed);
  try {
    return std::vector<uint8_t>(needed);
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
  throw_failure(
      file, what + " needs " + std::to_string(needed) + " bytes of memory, which is not available");
}

}  // namespace dcf::tools
