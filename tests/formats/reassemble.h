// SPDX-License-Identifier: Apache-2.0
// The files of a model, put together again from its tensors and the rest of its layout.
#pragma once

#include <string>
#include <vector>

#include "formats/model_source.h"

namespace dcf::tools::test {

struct ReassembledFile {
  std::string name;
  std::string content;
};

// The files of the layout, in order; each tensor's bytes come from open_tensor(), only the rest
// from with_file(). Throws std::logic_error where the layout breaks a rule of file_layout.h, such
// as a byte of a tensor that is used twice or never, and Error where a tensor cannot be read. Holds
// all files and, of the tensors, one or those of one segment.
std::vector<ReassembledFile> reassemble(const ModelSource& source);

// Empty where reassemble() gives the files that the model was read from, byte for byte; else what
// is wrong. Throws Error where a tensor cannot be read. For EXPECT_EQ(layout_fault(*source), "").
std::string layout_fault(const ModelSource& source);

}  // namespace dcf::tools::test
