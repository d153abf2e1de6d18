// SPDX-License-Identifier: Apache-2.0
#include "formats/sha256.h"

// The functions for one digest: EVP reads a configuration and makes tables of all algorithms first,
// which takes a millisecond.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

namespace dcf::tools {

struct Sha256Hash::State {
  State() { SHA256_Init(&context); }

  SHA256_CTX context;
};

Sha256Hash::Sha256Hash() : state_(std::make_unique<State>()) {}
Sha256Hash::~Sha256Hash() = default;
Sha256Hash::Sha256Hash(Sha256Hash&&) noexcept = default;
Sha256Hash& Sha256Hash::operator=(Sha256Hash&&) noexcept = default;

void Sha256Hash::update(std::span<const uint8_t> bytes) {
  SHA256_Update(&state_->context, bytes.data(), bytes.size());
}

Sha256 Sha256Hash::digest() {
  Sha256 result{};
  SHA256_Final(result.data(), &state_->context);
  SHA256_Init(&state_->context);
  return result;
}

std::string hex_text(std::span<const uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::optional<std::vector<uint8_t>> bytes_of_hex(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (text.size() % 2 != 0) return std::nullopt;
  std::vector<uint8_t> bytes(text.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const int high = digit(text[2 * i]);
    const int low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return bytes;
}

}  // namespace dcf::tools
