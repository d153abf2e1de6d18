// SPDX-License-Identifier: Apache-2.0
#include "formats/sha256.h"

#include <openssl/evp.h>

#include <new>

namespace dcf::tools {

struct Sha256Hash::State {
  State() : context(EVP_MD_CTX_new()) {
    if (context == nullptr) throw std::bad_alloc();
    start();
  }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void start() { require(EVP_DigestInit_ex(context, EVP_sha256(), nullptr)); }
  // SHA-256 fails only where there is no memory.
  static void require(int result) {
    if (result != 1) throw std::bad_alloc();
  }

  EVP_MD_CTX* context;
};

Sha256Hash::Sha256Hash() : state_(std::make_unique<State>()) {}
Sha256Hash::~Sha256Hash() = default;
Sha256Hash::Sha256Hash(Sha256Hash&&) noexcept = default;
Sha256Hash& Sha256Hash::operator=(Sha256Hash&&) noexcept = default;

void Sha256Hash::update(std::span<const uint8_t> bytes) {
  State::require(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()));
}

Sha256 Sha256Hash::digest() {
  Sha256 result{};
  unsigned size = 0;
  State::require(EVP_DigestFinal_ex(state_->context, result.data(), &size));
  state_->start();
  return result;
}

std::string hex_text(const Sha256& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace dcf::tools
