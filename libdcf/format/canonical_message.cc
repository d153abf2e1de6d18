// SPDX-License-Identifier: Apache-2.0
#include "format/canonical_message.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>

#include "base/bytes.h"
#include "base/checked.h"

namespace dcf::impl::format {
namespace {

constexpr uint64_t kWord = sizeof(uint64_t);
constexpr uint64_t kMostElements = (uint64_t{1} << 29) - 1;  // elements of a list
constexpr uint64_t kMostWords = uint64_t{1} << 29;           // between a pointer and its list

// The number for elements of 1, 2, 4 or 8 bytes in a list pointer.
constexpr uint64_t element_code(size_t bytes) {
  return 2 + static_cast<uint64_t>(std::countr_zero(bytes));
}

uint64_t struct_pointer(uint64_t numbers, uint64_t lists) {
  // An empty struct has no place; its distance is -1.
  if (numbers == 0 && lists == 0) return 0xFFFFFFFC;
  return lists << 48 | numbers << 32;
}

// The pointer to a list that starts `distance` words after the pointer's end.
uint64_t list_pointer(uint64_t distance, uint64_t elements, size_t element_bytes) {
  return elements << 35 | element_code(element_bytes) << 32 | distance << 2 | 1;
}

}  // namespace

CanonicalMessage::CanonicalMessage(const ManifestColumns& columns) : columns_(columns) {
  const std::array<uint64_t, kNumbers> values = {columns.table_count, columns.table_bytes,
                                                 columns.table_hash};
  size_t numbers = kNumbers;
  while (numbers > 0 && values[numbers - 1] == 0) --numbers;
  size_t lists = 0;
  size_t at = 0;
  for_each_list(columns, [&](const auto& list) {
    ++at;
    if (!list.empty()) lists = at;
  });
  head_words_ = 1 + numbers + lists;
  uint64_t* const head = head_.data();
  head[0] = struct_pointer(numbers, lists);
  std::copy_n(values.data(), numbers, head + 1);
  uint64_t next = head_words_;  // word at which the next list starts
  at = 1 + numbers;
  for_each_list(columns, [&](const auto& list) {
    const size_t pointer = at++;
    if (list.empty()) return;
    constexpr size_t kBytes = sizeof(list[0]);
    fits_ = fits_ && list.size() <= kMostElements && next < kMostWords;
    head[pointer] = list_pointer(next - pointer - 1, list.size(), kBytes);
    next += ceil_div(uint64_t{list.size()} * kBytes, kWord);
  });
  bytes_ = next * kWord;
}

template <typename Piece>
bool CanonicalMessage::for_each_piece(Piece piece) const {
  std::array<uint8_t, kWord> word{};
  for (size_t i = 0; i < head_words_; ++i) {
    store_le(word.data(), head_[i]);
    if (!piece(word.data(), kWord)) return false;
  }
  bool more = true;
  for_each_list(columns_, [&](const auto& list) {
    if (!more || list.empty()) return;
    const auto bytes = std::as_bytes(std::span(list));
    constexpr size_t kBytes = sizeof(list[0]);
    if constexpr (std::endian::native == std::endian::little || kBytes == 1) {
      more = piece(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    } else {
      for (size_t i = 0; i < list.size() && more; ++i) {
        std::memcpy(word.data(), bytes.data() + i * kBytes, kBytes);
        std::reverse(word.begin(), word.begin() + kBytes);
        more = piece(word.data(), kBytes);
      }
    }
    word.fill(0);
    const size_t padding = (kWord - bytes.size() % kWord) % kWord;
    if (more && padding != 0) more = piece(word.data(), padding);
  });
  return more;
}

void CanonicalMessage::write(uint8_t* out) const {
  for_each_piece([&](const uint8_t* bytes, size_t size) {
    std::memcpy(out, bytes, size);
    out += size;
    return true;
  });
}

bool CanonicalMessage::equals(const uint8_t* message, uint64_t size) const {
  if (size != bytes_) return false;
  return for_each_piece([&](const uint8_t* bytes, size_t count) {
    const bool same = std::memcmp(message, bytes, count) == 0;
    message += count;
    return same;
  });
}

}  // namespace dcf::impl::format
