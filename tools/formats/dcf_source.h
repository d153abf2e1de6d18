// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "formats/dcf_file.h"
#include "formats/model_source.h"

namespace dcf::tools {

// The bytes of a tensor of an open file, some rows at a time. Borrows the file.
std::unique_ptr<TensorReader> read_dcf_tensor(const DcfFile& file, size_t tensor);

std::unique_ptr<ModelSource> open_dcf_model(const std::string& path, const OpenHints& hints);

// The file behind `source`, whose tensors are in the same order; null where it is no .dcf file.
const DcfFile* dcf_file_of(const ModelSource& source);

}  // namespace dcf::tools
