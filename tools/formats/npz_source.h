// SPDX-License-Identifier: Apache-2.0
// .npz: a zip archive with one .npy per tensor.
//   Arrays of other types than numbers are opaque (npy_header.h). Arrays of Python objects are
//   pickles, which are never opened; they and members that are no arrays (names that do not end in
//   .npy, those below __MACOSX/ or that start with "._") are rest of the layout. The layout exists
//   where each array's bytes lie in the file as they are: stored, row-major and little-endian.
//   Without it the rest is left out, with a note. A csr matrix of scipy.sparse.save_npz is one
//   tensor, named after the file (scipy_csr.h), and has no layout; its other kinds are the arrays
//   they consist of.
#pragma once

#include <memory>

#include "formats/input_file.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Throws Error. open_model() of model_source.h picks the right reader for a file.
std::unique_ptr<ModelSource> open_npz_model(InputFile file, const MemoryLimit& limit);

}  // namespace dcf::tools
