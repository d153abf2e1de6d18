// SPDX-License-Identifier: Apache-2.0
// Files that are no model this program reads. They are recognised by content and refused in one
// sentence, which ends, where there is one, with the line of Python that makes safetensors of them.
// All functions throw Error; they are safe to call from several threads.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "formats/input_file.h"

namespace dcf::tools {

// How much of the start of a file the functions below look at.
inline constexpr size_t kForeignHeadBytes = 512;

// The first bytes of the file, at most kForeignHeadBytes.
std::string read_head(const InputFile& file);

// Throws where the file only stands for the one that was wanted: a Git LFS pointer or an HTML page.
void refuse_stand_in(const std::string& path, std::string_view head);

// Throws where the file is of a known format that is not read: a PyTorch checkpoint that is no zip
// archive, another pickle, Keras' HDF5, ...
void refuse_foreign(const std::string& path, std::string_view head);

// Throws where a zip archive with members of these names is a PyTorch or Keras model.
void refuse_foreign_zip(const std::string& path, const std::vector<std::string_view>& names);

}  // namespace dcf::tools
