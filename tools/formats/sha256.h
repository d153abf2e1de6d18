// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4), by libcrypto.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/file_layout.h"

namespace dcf::tools {

// Belongs to one thread at a time.
class Sha256Hash {
 public:
  Sha256Hash();
  ~Sha256Hash();
  Sha256Hash(Sha256Hash&&) noexcept;
  Sha256Hash& operator=(Sha256Hash&&) noexcept;

  void update(std::span<const uint8_t> bytes);
  // Of all bytes since the last digest.
  Sha256 digest();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Two lowercase hexadecimal digits for each byte.
std::string hex_text(std::span<const uint8_t> bytes);
// The inverse; nothing where the text is none.
std::optional<std::vector<uint8_t>> bytes_of_hex(std::string_view text);

}  // namespace dcf::tools
