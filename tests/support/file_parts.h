// SPDX-License-Identifier: Apache-2.0
// A .dcf file in pieces. Tests change a piece, put the file together again with sizes and checksums
// that match, and see which rule the change breaks.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "format/header.h"
#include "format/manifest.h"
#include "model/model.h"
#include "model/verify.h"

namespace dcf::impl::testing {

using Blob = std::vector<uint8_t>;

struct FileParts {
  format::Header header;
  format::ManifestColumns columns;
  Blob tables;
  std::vector<Blob> chunks;
  std::vector<Blob> sections;
  uint8_t padding_byte = 0;  // in front of aligned raw data
};

// The pieces of a file whose header, manifest and layout are valid.
std::optional<FileParts> split_file(Bytes file);
// The same; an invalid file ends the test program.
FileParts take_apart(Bytes file);

// The file. Sizes and hashes of chunks, tables and sections, the manifest and the header follow
// from the pieces; everything else is as it stands, valid or not. Padding is as K-02 wants it if
// the manifest is valid.
Blob assemble(FileParts parts);
// The same, but the manifest bytes are these instead of the columns.
Blob assemble_with_manifest(const FileParts& parts, const Blob& manifest);

// Gives a header of 64 bytes the hash that fits its other fields, and a whole file's header the
// hash of its manifest too.
void repair_header(MutableBytes file);

// Opens from memory, which must outlive the model.
Result<std::unique_ptr<model::Model>> open_bytes(Bytes file, unsigned threads = 1,
                                                 const Limits& limits = {});
// Opens and verifies.
Status check_bytes(Bytes file, unsigned threads = 1, const Limits& limits = {});

}  // namespace dcf::impl::testing
