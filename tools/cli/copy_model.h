// SPDX-License-Identifier: Apache-2.0
// Whole models from one form to another, tensor by tensor.
#pragma once

#include <string>

#include "cli/common_options.h"
#include "cli/output_choice.h"
#include "formats/dcf_file.h"
#include "formats/model_sink.h"
#include "formats/original_files.h"

namespace dcf::tools {

struct Restored {
  uint64_t bytes = 0;  // of all files
  uint64_t files = 0;
  bool same_sha256 = false;  // as the files had that the model came from
};

// Restores all tensors of `file`. Those larger than the memory are copied in pieces.
Restored restore_model(const DcfFile& file, const OutputOptions& output, SinkFormat format,
                       const CommonOptions& common);

// Restores the files that the model came from, which `choice` asks for.
Restored restore_originals(const DcfFile& file, const OriginalFiles& originals,
                           const OutputChoice& choice, const OutputOptions& output,
                           const CommonOptions& common);

// The model as it is, as safetensors.
void copy_as_safetensors(const ModelSource& source, const OutputOptions& output);

// The bytes of one tensor, in pieces, to a file that was begun.
void write_tensor(const DcfFile& file, size_t tensor, OutputFile* out);

// A finished file to its place, or to standard output.
void copy_file(const std::string& from, const OutputOptions& output);

}  // namespace dcf::tools
