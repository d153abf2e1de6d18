// SPDX-License-Identifier: Apache-2.0
#include "formats/idx.h"

#include <algorithm>
#include <array>
#include <functional>
#include <span>

#include "formats/error.h"
#include "formats/gzip.h"
#include "formats/input_file.h"

namespace dcf::tools {
namespace {

constexpr uint8_t kUnsignedByte = 0x08;
constexpr size_t kIdxMagicBytes = 4;
constexpr size_t kDimBytes = 4;

// The number of bytes written: fewer than asked for only at the end.
using Read = std::function<size_t(std::span<uint8_t>)>;

uint64_t load_big_endian(const uint8_t* bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < kDimBytes; ++i) value = value << 8 | bytes[i];
  return value;
}

std::vector<uint64_t> read_dims(const std::string& path, const Read& read) {
  std::array<uint8_t, kIdxMagicBytes> magic{};
  if (read(magic) != magic.size() || magic[0] != 0 || magic[1] != 0) {
    throw_invalid(path, "is not an idx file: the magic bytes differ");
  }
  if (magic[2] != kUnsignedByte) {
    throw_failure(path, "holds idx data of type " + std::to_string(magic[2]) +
                            ", where only unsigned bytes (8) are supported");
  }
  const size_t rank = magic[3];
  std::vector<uint8_t> fields(rank * kDimBytes);
  if (rank == 0 || read(fields) != fields.size()) {
    throw_invalid(path, "is cut off inside the idx header");
  }
  std::vector<uint64_t> dims;
  for (size_t i = 0; i < rank; ++i) dims.push_back(load_big_endian(&fields[i * kDimBytes]));
  return dims;
}

uint64_t count_elements(const std::string& path, const std::vector<uint64_t>& dims) {
  uint64_t elements = 1;
  for (const uint64_t dim : dims) {
    // Without this a zero further on would hide a product that does not fit.
    if (__builtin_mul_overflow(elements, std::max<uint64_t>(dim, 1), &elements)) {
      throw_invalid(path, "has idx dimensions whose product does not fit 64 bits");
    }
  }
  return std::count(dims.begin(), dims.end(), uint64_t{0}) != 0 ? 0 : elements;
}

[[noreturn]] void throw_wrong_size(const std::string& path, uint64_t elements,
                                   const std::string& held) {
  throw_invalid(path,
                "should hold " + std::to_string(elements) + " bytes of data, but holds " + held);
}

IdxArray read_plain(const InputFile& file) {
  uint64_t position = 0;
  const Read read = [&](std::span<uint8_t> out) {
    const auto size = static_cast<size_t>(std::min<uint64_t>(out.size(), file.size() - position));
    file.read_at(position, out.first(size));
    position += size;
    return size;
  };
  IdxArray array{.dims = read_dims(file.path(), read), .data = {}};
  const uint64_t elements = count_elements(file.path(), array.dims);
  const uint64_t held = file.size() - position;
  if (held != elements) throw_wrong_size(file.path(), elements, std::to_string(held));
  array.data = file.read_range(position, elements);
  return array;
}

IdxArray read_packed(const InputFile& file, const MemoryLimit& limit) {
  GzipReader gzip(file);
  const Read read = [&](std::span<uint8_t> out) { return gzip.read(out); };
  IdxArray array{.dims = read_dims(file.path(), read), .data = {}};
  const uint64_t elements = count_elements(file.path(), array.dims);
  array.data = limit.buffer(file.path(), "its array", elements);
  const size_t got = gzip.read(array.data);
  if (got != elements) throw_wrong_size(file.path(), elements, std::to_string(got));
  uint8_t more = 0;
  if (gzip.read({&more, 1}) != 0) throw_wrong_size(file.path(), elements, "more");
  return array;
}

}  // namespace

IdxArray read_idx(const std::string& path, const MemoryLimit& limit) {
  const InputFile file(path);
  if (is_gzip(file)) return read_packed(file, limit);
  limit.check(path, "its array", file.size());
  return read_plain(file);
}

}  // namespace dcf::tools
