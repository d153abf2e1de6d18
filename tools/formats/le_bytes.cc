// SPDX-License-Identifier: Apache-2.0
#include "formats/le_bytes.h"

#include <new>
#include <stdexcept>

#include "formats/error.h"

namespace dcf::tools {

std::vector<uint8_t> make_buffer(const std::string& file, uint64_t size) {
  try {
    return std::vector<uint8_t>(size);
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
  throw_failure(file, "needs " + std::to_string(size) + " bytes of memory, which is not available");
}

}  // namespace dcf::tools
