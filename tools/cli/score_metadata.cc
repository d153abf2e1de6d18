// SPDX-License-Identifier: Apache-2.0
#include "cli/score_metadata.h"

#include <charconv>

#include "cli/signals.h"
#include "formats/dcf_writer.h"

namespace dcf::tools {

std::string score_text(double score) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, score).ptr};
}

void add_scores(const DcfFile& file, const Scores& scores, const std::string& path) {
  dcf_writer_options options = dcf::writer_options();
  options.max_memory = file.max_memory();
  options.overwrite = 1;
  DcfWriter writer(path, options);
  for (size_t i = 0; i < file.tensor_count(); ++i) {
    throw_if_interrupted();
    writer.copy(file, i);
  }
  file.each_metadata([&](std::string_view key, std::string_view value) {
    if (!is_score_key(key)) writer.add_metadata(std::string(key), std::string(value));
  });
  writer.add_metadata(std::string(kScoreBeforeKey), score_text(scores.before));
  writer.add_metadata(std::string(kScoreAfterKey), score_text(scores.after));
  for (size_t i = 0; i < file.opened().sections(); ++i) {
    const dcf_section_info section = file.take(file.opened().section(i));
    const auto bytes = file.take(file.opened().section_bytes(i));
    writer.add_section(section.kind, {bytes.data(), bytes.size()});
  }
  writer.finish();
}

}  // namespace dcf::tools
