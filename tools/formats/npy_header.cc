// SPDX-License-Identifier: Apache-2.0
#include "formats/npy_header.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "formats/dtype_table.h"
#include "formats/error.h"
#include "formats/le_bytes.h"
#include "formats/npy_dict.h"

namespace dcf::tools {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr uint64_t kPrefixBytes = 8;  // magic and version
constexpr uint64_t kMaxDictBytes = 65535;
constexpr size_t kAlignment = 64;

}  // namespace

NpyHeader read_npy_header(const std::string& where, uint64_t total_bytes,
                          const SequentialRead& read) {
  std::array<uint8_t, kPrefixBytes> prefix{};
  std::array<uint8_t, 4> size_field{};
  if (total_bytes < kPrefixBytes + 2) throw_invalid(where, "is too short for npy");
  read(prefix);
  if (std::memcmp(prefix.data(), kMagic.data(), kMagic.size()) != 0) {
    throw_invalid(where, "is not an npy array: the magic bytes differ");
  }
  const uint8_t major = prefix[6];
  if (major < 1 || major > 3 || prefix[7] != 0) {
    throw_failure(where, "has npy version " + std::to_string(major) + "." +
                             std::to_string(prefix[7]) + ", which is not supported");
  }
  const size_t size_bytes = major == 1 ? 2 : 4;
  if (total_bytes < kPrefixBytes + size_bytes) throw_invalid(where, "is too short for npy");
  read(std::span(size_field).first(size_bytes));
  const uint64_t dict_bytes = load_le<uint32_t>(size_field.data());
  const uint64_t header_bytes = kPrefixBytes + size_bytes + dict_bytes;
  if (header_bytes > total_bytes) throw_invalid(where, "is cut off inside the npy header");
  if (dict_bytes > kMaxDictBytes) throw_invalid(where, "has an npy header that is too long");

  std::vector<uint8_t> dict(static_cast<size_t>(dict_bytes));
  read(dict);
  NpyHeader header = parse_npy_dict(
      where, std::string_view(reinterpret_cast<const char*>(dict.data()), dict.size()));
  header.header_bytes = header_bytes;
  if (!header.has_data()) return header;
  const uint64_t data_bytes = header.meta.bytes();
  if (data_bytes != total_bytes - header_bytes) {
    throw_invalid(where, "should hold " + std::to_string(data_bytes) +
                             " bytes of data, but holds " +
                             std::to_string(total_bytes - header_bytes));
  }
  return header;
}

bool NpyHeader::has_data() const {
  return element.kind == NpyType::Kind::kNumbers || element.kind == NpyType::Kind::kBytes;
}

bool NpyHeader::is_column_major() const {
  const auto longer_than_one = [](uint64_t dim) { return dim != 1; };
  return fortran_order && std::count_if(shape.begin(), shape.end(), longer_than_one) > 1 &&
         meta.bytes() > 0;
}

bool NpyHeader::in_place() const {
  return has_data() && element.swap_unit == 1 && !is_column_major();
}

std::string NpyHeader::out_of_place() const {
  return element.swap_unit == 1 ? "are in Fortran order" : "are big-endian";
}

TensorMeta numpy_equivalent(const TensorMeta& meta) {
  TensorMeta stored{.name = meta.name,
                    .dtype = meta.dtype,
                    .bits = meta.bits,
                    .opaque_name = {},
                    .dims = meta.dims};
  if (meta.dtype == DCF_DTYPE_OPAQUE && is_npy_opaque(meta.opaque_name, meta.bits)) return meta;
  const DtypeEntry* entry = find_dtype(meta.dtype);
  if (entry != nullptr && !entry->numpy.empty()) return stored;
  if (meta.bits == 16) {
    stored.dtype = DCF_DTYPE_U16;
  } else {
    stored.dtype = DCF_DTYPE_U8;
    if (meta.bits != 8) stored.dims = {meta.bytes()};
  }
  stored.bits = dcf_dtype_bits(stored.dtype);
  return stored;
}

std::vector<uint8_t> make_npy_header(const TensorMeta& meta) {
  const TensorMeta stored = numpy_equivalent(meta);
  std::string type = stored.opaque_name;
  if (stored.dtype != DCF_DTYPE_OPAQUE) {
    type = (stored.bits == 8 ? "|" : "<") + std::string(find_dtype(stored.dtype)->numpy);
  }
  if (!type.starts_with('[')) type = "'" + type + "'";
  std::string dict = "{'descr': " + type + ", 'fortran_order': False, 'shape': (";
  for (size_t i = 0; i < stored.dims.size(); ++i) {
    if (i > 0) dict += ' ';
    dict += std::to_string(stored.dims[i]);
    if (i + 1 < stored.dims.size() || i == 0) dict += ',';
  }
  dict += "), }";
  const size_t prefix_bytes = kPrefixBytes + 2;
  const size_t total = (prefix_bytes + dict.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  dict.resize(total - prefix_bytes - 1, ' ');
  dict += '\n';

  std::vector<uint8_t> header(kMagic.begin(), kMagic.end());
  header.push_back(1);
  header.push_back(0);
  append_le(&header, static_cast<uint16_t>(dict.size()));
  header.insert(header.end(), dict.begin(), dict.end());
  return header;
}

}  // namespace dcf::tools
