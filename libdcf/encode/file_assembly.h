// SPDX-License-Identifier: Apache-2.0
// From encoded tensors to the file: tables, aliases, manifest, header, and all of it in order.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "encode/tensor_encoder.h"
#include "io/sink.h"
#include "io/spool.h"

namespace dcf::impl {

struct StoredEncoding {
  EncodedTensor encoded;
  uint64_t offset = 0;  // of the payload in the spool
};

// Data that one or more tensors have, in the encodings of a Choice.
struct StoredTensor {
  std::string owner;           // the first of their names: the tensor that is no alias
  std::vector<uint64_t> dims;  // of the owner
  std::vector<StoredEncoding> encodings;
  std::array<uint8_t, 4> by_positions{};
};

struct AddedTensor {
  std::vector<uint64_t> dims;
  std::string opaque_name;
  size_t stored = 0;  // index into FileContents::stored
};

struct FileContents {
  std::map<std::string, AddedTensor> tensors;  // by name
  std::vector<StoredTensor> stored;
  std::map<std::string, std::string, std::less<>> metadata;
};

// The smallest file among that of the smallest encodings and those of the same positions for all
// tensors: so one of automatic positions is never larger than one of forced positions, though what
// a tensor takes depends a little on the others. L-01 if a reader with default limits would not
// open the file, or a failure of spool or sink.
Status write_file(const FileContents& contents, const Spool& spool, Sink& sink);

}  // namespace dcf::impl
