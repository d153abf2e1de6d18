// SPDX-License-Identifier: Apache-2.0
// Puts the files that a model came from together again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cli/piece_copier.h"
#include "cli/side_thread.h"
#include "formats/dcf_file.h"
#include "formats/original_files.h"
#include "formats/output_file.h"
#include "formats/sha256.h"

namespace dcf::tools {

// Belongs to one thread at a time; borrows both files.
class FileAssembler {
 public:
  // Makes the output for a file of the layout. Called once for each, in order.
  using OpenOutput = std::function<std::unique_ptr<OutputFile>(const LayoutFile&)>;
  using See = std::function<void(uint64_t bytes_so_far)>;
  FileAssembler(const DcfFile& file, const OriginalFiles& originals);

  // Writes all files, or only the first one, and commits each. Where every tensor is bit-exact, the
  // digest of each file must be the recorded one. Throws DcfError, Error and what the functions
  // throw.
  void run(bool only_first, const OpenOutput& open_output, const See& see);
  // Whether run() checks digests.
  bool is_exact() const { return exact_; }

 private:
  void feed(std::span<const uint8_t> bytes);
  void advance();
  void write(std::span<const uint8_t> bytes);
  void write_small();
  void write_and_hash(std::span<const uint8_t> bytes);
  void write_rest(uint64_t bytes);
  void write_blocks();
  void end_file();

  const DcfFile& file_;
  const OriginalFiles& originals_;
  const bool exact_;

  // Where writing is. With a PieceCopier it belongs to the thread that consumes.
  LayoutReader layout_;
  std::optional<ZstdReader> rest_;
  bool only_first_ = false;
  bool done_ = false;
  const OpenOutput* open_output_ = nullptr;
  const See* see_ = nullptr;
  LayoutFile description_;
  std::unique_ptr<OutputFile> output_;
  Sha256Hash hash_;
  std::vector<uint8_t> small_;  // what waits until it is worth a thread of its own
  SideThread hasher_;           // of what is being written
  Segment segment_;
  uint64_t left_ = 0;  // bytes of the tensor's segment
  uint64_t written_ = 0;
};

}  // namespace dcf::tools
