// SPDX-License-Identifier: Apache-2.0
// zstd's own Huffman coder, huff0: the functions inside its static library, where CMake found them
// (DCF_HAVE_HUFF0). Tables are built outside of what is timed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dcf::bench {

class Huff0 {
 public:
  static bool available();

  // The table of these counts, in codes of at most 11 bits as zstd has them.
  explicit Huff0(std::span<const uint64_t> histogram);

  // Encodes `symbols` as four streams into `out`. Returns their size.
  size_t encode(std::span<const uint8_t> symbols, std::span<uint8_t> out) const;

  enum class Decoder { k4X1, k4X2 };  // one symbol a lookup, or up to two
  void decode(Decoder decoder, std::span<const uint8_t> in, std::span<uint8_t> out) const;

 private:
  std::vector<size_t> encode_table_;
  std::vector<unsigned> one_;
  std::vector<unsigned> two_;
};

}  // namespace dcf::bench
