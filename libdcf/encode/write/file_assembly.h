// SPDX-License-Identifier: Apache-2.0
// From encoded tensors to the file: tables, aliases, manifest, header, and all of it in order.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "encode/content/write_progress.h"
#include "encode/write/encoded_tensor.h"
#include "io/sink.h"
#include "io/spool.h"

namespace dcf::impl::encode {

struct StoredEncoding {
  EncodedTensor encoded;
  uint64_t offset = 0;  // where the payload starts in the spool
};

// The data of one tensor, or of several that share it, in the encodings of a Choice.
struct StoredTensor {
  std::string owner;           // the first of their names: the tensor that is no alias
  std::vector<uint64_t> dims;  // of the owner
  std::vector<StoredEncoding> encodings;
  std::array<uint8_t, 4> by_positions{};
  // Of a range of a tensor, in a part: its first chunk, and the chunks of the whole tensor. 0 of
  // them: the tensor is whole.
  uint64_t first_chunk = 0;
  uint64_t total_chunks = 0;
};

struct AddedTensor {
  std::vector<uint64_t> dims;
  std::string opaque_name;
  size_t stored = 0;  // index into FileContents::stored
};

struct StoredSection {
  uint64_t offset = 0;  // where its bytes start in the spool
  uint64_t bytes = 0;
  uint64_t hash = 0;
};

struct FileContents {
  std::map<std::string, AddedTensor, std::less<>> tensors;  // by name
  std::vector<StoredTensor> stored;
  std::map<std::string, std::string, std::less<>> metadata;
  std::map<uint32_t, StoredSection> sections;  // by kind
};

// Plans five files, without their data: one of each tensor's smallest encoding, and one each for
// all tensors with dense, bitmap, gap and gap-bucket positions. Writes the smallest of the five, so
// that DCF_POSITIONS_AUTO is never larger than a forced choice: the bytes of a tensor depend a
// little on the other tensors. Nothing is written if a reader with the default limits, or with
// `max_memory` if that is less, could not open the file (LimitMemory, LimitCount, LimitOutput).
// Progress counts bytes of the file. Also fails as spool and sink do, and with Cancelled or
// OutOfMemory.
Status write_file(const FileContents& contents, const io::Spool& spool, uint64_t max_memory,
                  Progress& progress, io::Sink& sink);

}  // namespace dcf::impl::encode
