// SPDX-License-Identifier: Apache-2.0
#include "format/header.h"

#include <algorithm>

#include "base/hash.h"

namespace dcf::impl::format {
namespace {

// Offsets of the other fields, in the order of the table in the spec.
enum : size_t {
  kMajorAt = 8,
  kMinorAt = 10,
  kFeaturesAt = 12,
  kManifestOffsetAt = 24,
  kManifestSizeAt = 32,
  kManifestHashAt = 40,
  kReservedAt = 48,
  kHeaderHashAt = 56,
};

}  // namespace

Result<Header> parse_header(Bytes bytes, uint64_t actual_size) {
  const size_t magic_bytes = std::min(bytes.size(), kMagic.size());
  if (magic_bytes == 0 ||
      !std::equal(kMagic.begin(), kMagic.begin() + magic_bytes, bytes.begin())) {
    return fail(Code::NotDcf, "H-01", "the file does not start with the .dcf magic").at(0);
  }
  if (bytes.size() < kHeaderBytes) {
    return fail(Code::Truncated, "H-08", "the file is shorter than its header").at(bytes.size());
  }
  const uint8_t* p = bytes.data();
  if (load_le<uint64_t>(p + kHeaderHashAt) != hash_bytes(bytes.first(kHeaderHashAt))) {
    return fail(Code::ChecksumMismatch, "H-02", "the header's checksum does not match")
        .at(kHeaderHashAt);
  }
  Header h;
  h.major = load_le<uint16_t>(p + kMajorAt);
  h.minor = load_le<uint16_t>(p + kMinorAt);
  h.features = load_le<uint32_t>(p + kFeaturesAt);
  h.file_size = load_le<uint64_t>(p + kFileSizeAt);
  h.manifest_size = load_le<uint64_t>(p + kManifestSizeAt);
  h.manifest_hash = load_le<uint64_t>(p + kManifestHashAt);
  if (h.major != kFormatMajor) {
    return fail(Code::UnsupportedVersion, "H-03", "the file has another major version")
        .at(kMajorAt);
  }
  if ((h.features & ~kKnownFeatures) != 0) {
    return fail(Code::UnsupportedFeature, "H-04", "the file uses an unknown critical feature")
        .at(kFeaturesAt);
  }
  if (actual_size < h.file_size) {
    return fail(Code::Truncated, "H-05", "the file ends before its declared size").at(actual_size);
  }
  if (actual_size > h.file_size) {
    return fail(Code::TrailingData, "H-09", "bytes follow the declared end of the file")
        .at(h.file_size);
  }
  if (load_le<uint64_t>(p + kManifestOffsetAt) != kHeaderBytes) {
    return fail(Code::BadHeader, "H-06", "manifest_offset is not 64").at(kManifestOffsetAt);
  }
  if (load_le<uint64_t>(p + kReservedAt) != 0) {
    return fail(Code::BadHeader, "H-06", "the reserved field is not zero").at(kReservedAt);
  }
  if (h.file_size < kHeaderBytes || h.manifest_size > h.file_size - kHeaderBytes) {
    return fail(Code::BadHeader, "H-06", "the manifest does not fit into the file")
        .at(kManifestSizeAt);
  }
  return h;
}

std::array<uint8_t, kHeaderBytes> serialise_header(const Header& header) {
  std::array<uint8_t, kHeaderBytes> out{};
  uint8_t* p = out.data();
  std::copy(kMagic.begin(), kMagic.end(), p);
  store_le(p + kMajorAt, header.major);
  store_le(p + kMinorAt, header.minor);
  store_le(p + kFeaturesAt, header.features);
  store_le(p + kFileSizeAt, header.file_size);
  store_le(p + kManifestOffsetAt, uint64_t{kHeaderBytes});
  store_le(p + kManifestSizeAt, header.manifest_size);
  store_le(p + kManifestHashAt, header.manifest_hash);
  store_le(p + kHeaderHashAt, hash_bytes(Bytes(p, kHeaderHashAt)));
  return out;
}

}  // namespace dcf::impl::format
