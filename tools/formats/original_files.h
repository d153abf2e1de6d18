// SPDX-License-Identifier: Apache-2.0
// The files that a model came from, kept in two ancillary sections of a .dcf file: how they are put
// together from the tensors, and what in them is no tensor. Specified in spec/dcf-format.md,
// section 10.1.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/dcf_file.h"
#include "formats/file_layout.h"
#include "formats/model_source.h"
#include "formats/zstd_stream.h"

namespace dcf::tools {

inline constexpr uint32_t kLayoutKind = 5;
inline constexpr uint32_t kRestKind = 6;
inline constexpr uint64_t kMaxFiles = 100'000;

// The sections for the files of `source`, which has a layout. Reads each file once from front to
// end, or where `digests` has those of all files, only what is no tensor; `see` is told the number
// of bytes read so far and may throw.
std::vector<Section> pack_original_files(const ModelSource& source, std::span<const Sha256> digests,
                                         const MemoryLimit& limit,
                                         const std::function<void(uint64_t)>& see);

// What a .dcf file says of the files it was made from. Const members may run on several threads.
class OriginalFiles {
 public:
  // Nothing where the file keeps none. Throws Error where what it keeps breaks a rule: then no file
  // could be put together.
  static std::optional<OriginalFiles> read(const DcfFile& file);

  const std::string& format() const { return format_; }
  // The model's main file first.
  const std::vector<LayoutFile>& files() const { return files_; }
  uint64_t bytes() const { return bytes_; }
  // What the format calls the types of tensors, by tensor.
  const std::map<uint64_t, std::string>& types() const { return types_; }

  LayoutReader walk() const { return {where_, layout_}; }
  // The bytes of a segment of descriptions that `reader` has just read. Throws Error where they
  // cannot be those, or take more memory than the file's limit.
  std::string descriptions(const DcfFile& file, const LayoutReader& reader,
                           const Segment& segment) const;
  // The bytes of all segments that are no tensor's, in order.
  // Nothing where there are none.
  std::optional<ZstdReader> open_rest() const;

 private:
  OriginalFiles() = default;
  void check(const DcfFile& file);

  std::string where_;
  std::vector<uint8_t> layout_;
  std::optional<std::vector<uint8_t>> rest_;  // packed
  uint64_t rest_bytes_ = 0;
  std::string format_;
  std::vector<LayoutFile> files_;
  uint64_t bytes_ = 0;
  std::map<uint64_t, std::string> types_;
};

}  // namespace dcf::tools
