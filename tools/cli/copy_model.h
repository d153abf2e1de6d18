// SPDX-License-Identifier: Apache-2.0
// Whole models from one form to another, tensor by tensor.
#pragma once

#include <string>

#include "cli/options.h"
#include "formats/dcf_file.h"
#include "formats/model_sink.h"

namespace dcf::tools {

// Restores all of `file`. Tensors larger than the memory are copied in pieces.
void restore_model(const DcfFile& file, const OutputOptions& output, SinkFormat format,
                   const CommonOptions& common);

// The model as it is, as safetensors.
void copy_as_safetensors(const ModelSource& source, const OutputOptions& output);

// The bytes of one tensor, in pieces, to a file that was begun.
void write_tensor(const DcfFile& file, size_t tensor, OutputFile* out);

// A finished file to its place, or to standard output.
void copy_file(const std::string& from, const OutputOptions& output);

}  // namespace dcf::tools
