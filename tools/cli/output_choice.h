// SPDX-License-Identifier: Apache-2.0
// In which form `dcf decompress` writes a model: the name of the output decides, or --to.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/model_sink.h"
#include "formats/original_files.h"

namespace dcf::tools {

struct OutputChoice {
  // The files that the model came from, or its tensors in another form.
  bool originals = false;
  SinkFormat sink = SinkFormat::kSafetensors;  // unless originals
  // Of the originals: where they go, and what the main file is called there. An empty folder: only
  // the main file is written, as the output.
  std::string folder;
  std::string main_name;
};

// Spellings of --to.
const std::vector<std::string>& output_formats();

// Throws Error where an output of this path would hold `format` under the name of another one.
void check_output_name(const std::string& path, const std::string& format);

// `to` is one of output_formats(), or empty. Throws Error where the name decides nothing, or where
// the file does not hold what it asks for.
OutputChoice choose_output(const std::string& input, const std::string& path, const std::string& to,
                           const std::optional<OriginalFiles>& originals);

}  // namespace dcf::tools
