// SPDX-License-Identifier: Apache-2.0
// Writes what a writer has as a part of a larger file.
#pragma once

#include "encode/write/file_assembly.h"

namespace dcf::impl::encode {

// As write_file(), with all encodings of each tensor and the index of the part.
Status write_part(FileContents contents, io::Spool& spool, uint64_t max_memory, Progress& progress,
                  io::Sink& sink);

// Appends a range of a tensor's chunks, which follow in the spool, to the ranges before it; `whole`
// is empty before the first. BadSection where the two do not belong together.
Status append_range(StoredEncoding range, StoredTensor* whole);

}  // namespace dcf::impl::encode
