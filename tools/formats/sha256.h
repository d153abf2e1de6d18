// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4), by libcrypto.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

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

// 64 lowercase hexadecimal digits.
std::string hex_text(const Sha256& digest);

}  // namespace dcf::tools
