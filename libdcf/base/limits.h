// SPDX-License-Identifier: Apache-2.0
// Limits of a reader (spec/dcf-format.md, section 11) and the structural caps of the format itself.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dcf::impl {

struct Limits {
  uint64_t max_memory = uint64_t{1} << 30;
  uint64_t max_tensors = uint64_t{1} << 20;
  uint64_t max_output = uint64_t{1} << 48;
  uint64_t max_entries = uint64_t{1} << 40;
  uint64_t max_manifest = uint64_t{256} << 20;
};

// Caps of the format: a file that exceeds one is invalid for every reader.
inline constexpr uint32_t kMaxRank = 32;
inline constexpr uint32_t kMaxNameBytes = 4096;
inline constexpr uint64_t kMaxElements = (uint64_t{1} << 48) - 1;
inline constexpr uint32_t kMaxViewCols = uint32_t{1} << 22;
inline constexpr uint32_t kMaxDenseViewCols = uint32_t{1} << 20;
inline constexpr uint32_t kMaxChunkRows = 65536;
inline constexpr uint32_t kMaxChunkElements = uint32_t{1} << 22;
inline constexpr uint32_t kMaxChunkEntries = uint32_t{1} << 20;
inline constexpr uint32_t kMaxChunkBytes = uint32_t{1} << 26;
inline constexpr uint32_t kMaxDictionary = 65536;
inline constexpr uint32_t kMaxClasses = 16;
inline constexpr uint32_t kMaxClassUnits = uint32_t{1} << 20;  // of classes and of predictors
inline constexpr uint32_t kMaxDistances = 8;
inline constexpr uint32_t kRawAlignment = 64;
inline constexpr uint64_t kRawAlignedFrom = 4096;  // smaller raw tensors are not aligned

}  // namespace dcf::impl
