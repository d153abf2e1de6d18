// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "cli/common_options.h"
#include "cli/encode_plan.h"
#include "formats/dcf_writer.h"
#include "formats/file_layout.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Encodes `source` into a .dcf at `output` ("-": standard output), as `plan` says. With
// `exact_file` it also keeps what the model's files need to come back as they were, where the
// source can tell, and the ancillary sections of a .dcf file.
void write_dcf(const ModelSource& source, const EncodePlan& plan, bool exact_file,
               const OutputOptions& output, const CommonOptions& common);

// The steps of it. Tensor i: whole, or in pieces where it is large for the limit of memory. `see`
// is told of every piece.
void add_tensor(const ModelSource& source, size_t i, const dcf_encode_options& options,
                const MemoryLimit& limit, DcfWriter* writer,
                const std::function<void(uint64_t bytes)>& see);
// The largest tensor that is read whole.
uint64_t most_whole_bytes(const MemoryLimit& limit);
// `lossy`: some tensors lose bits now.
void add_metadata(const ModelSource& source, bool lossy, DcfWriter* writer);
// What its files need to come back. `digests`: those of all files where they are known, so that
// only what is no tensor is read.
void add_original_files(const ModelSource& source, std::span<const Sha256> digests,
                        const CommonOptions& common, DcfWriter* writer);

}  // namespace dcf::tools
