// SPDX-License-Identifier: Apache-2.0
// One array of an .npz archive.
#pragma once

#include <memory>
#include <string>

#include "formats/input_file.h"
#include "formats/memory_limit.h"
#include "formats/model_source.h"
#include "formats/npy_header.h"
#include "formats/zip_directory.h"

namespace dcf::tools {

struct NpzArray {
  ZipEntry entry;
  NpyHeader header;  // its meta has the name of the entry without ".npy"
};

// Whether a member of this name is an array.
bool is_npz_array(std::string_view name);

// Reads and checks the header; not yet whether meta.name can be a tensor's. Throws Error.
NpzArray read_npz_array(const InputFile& file, ZipEntry entry);

// The data, little-endian and row-major. The entry's end and checksum are checked with the last
// byte. Borrows both.
std::unique_ptr<TensorReader> open_npz_array(const InputFile& file, const NpzArray& array,
                                             const MemoryLimit& limit);

}  // namespace dcf::tools
