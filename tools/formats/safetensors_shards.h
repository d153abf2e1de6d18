// SPDX-License-Identifier: Apache-2.0
// Sharded safetensors: an index (*.safetensors.index.json) whose weight_map names the shard of each
// tensor. Index and shards must name the same tensors, each once. Also a folder with one index, or
// with one safetensors file: what else it holds is rest of the layout. The layout has the index
// first, then the shards and the other files, each sorted by name. Metadata of the shards is
// joined; where they differ on a key, the first shard's value counts. One file is open at a time.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "formats/input_file.h"
#include "formats/json.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Whether a JSON document is an index.
bool is_safetensors_index(const nlohmann::json& root);

// `document` is what `file` holds; with the headers of the shards it is within the limit. Throws
// Error. open_model() of model_source.h picks the right reader.
std::unique_ptr<ModelSource> open_safetensors_index(InputFile file, const JsonDocument& document,
                                                    const MemoryLimit& limit);

// Of the folder at `path`. Files of more than 64 MiB that are no shards are left out, with a note,
// as what list_folder() leaves out. Throws Error.
std::unique_ptr<ModelSource> open_safetensors_folder(const std::string& path,
                                                     const MemoryLimit& limit);

}  // namespace dcf::tools
