// SPDX-License-Identifier: Apache-2.0
#include "formats/idx.h"

#include <algorithm>
#include <span>

#include "formats/gzip.h"
#include "formats/error.h"
#include "formats/input_file.h"

namespace dcf::tools {
namespace {

constexpr uint8_t kUnsignedByte = 0x08;
constexpr size_t kMagicBytes = 4;
constexpr size_t kDimBytes = 4;

std::vector<uint8_t> read_unpacked(const std::string& path) {
  const InputFile file(path);
  if (file.size() > kMaxIdxBytes) {
    throw_invalid(path, "is larger than " + std::to_string(kMaxIdxBytes) + " bytes");
  }
  std::vector<uint8_t> bytes = file.read_range(0, file.size());
  return is_gzip(bytes) ? unpack_gzip(path, bytes, kMaxIdxBytes) : bytes;
}

uint64_t load_big_endian(const uint8_t* bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < kDimBytes; ++i) value = value << 8 | bytes[i];
  return value;
}

}  // namespace

IdxArray read_idx(const std::string& path) {
  std::vector<uint8_t> bytes = read_unpacked(path);
  if (bytes.size() < kMagicBytes || bytes[0] != 0 || bytes[1] != 0) {
    throw_invalid(path, "is not an idx file: the magic bytes differ");
  }
  if (bytes[2] != kUnsignedByte) {
    throw_failure(path, "holds idx data of type " + std::to_string(bytes[2]) +
                            ", where only unsigned bytes (8) are supported");
  }
  const size_t rank = bytes[3];
  const size_t header = kMagicBytes + rank * kDimBytes;
  if (rank == 0 || bytes.size() < header) throw_invalid(path, "is cut off inside the idx header");
  IdxArray array;
  uint64_t elements = 1;
  for (size_t i = 0; i < rank; ++i) {
    array.dims.push_back(load_big_endian(bytes.data() + kMagicBytes + i * kDimBytes));
    // Without this a zero further on would hide a product that does not fit.
    if (__builtin_mul_overflow(elements, std::max<uint64_t>(array.dims[i], 1), &elements)) {
      throw_invalid(path, "has idx dimensions whose product does not fit 64 bits");
    }
  }
  if (std::count(array.dims.begin(), array.dims.end(), uint64_t{0}) != 0) elements = 0;
  if (elements != bytes.size() - header) {
    throw_invalid(path, "should hold " + std::to_string(elements) + " bytes of data, but holds " +
                            std::to_string(bytes.size() - header));
  }
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(header));
  array.data = std::move(bytes);
  return array;
}

}  // namespace dcf::tools
