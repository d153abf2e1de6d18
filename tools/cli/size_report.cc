// SPDX-License-Identifier: Apache-2.0
#include "cli/size_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "cli/display.h"
#include "cli/output.h"
#include "formats/dcf_source.h"

namespace dcf::tools {
namespace {

double ratio(uint64_t before, uint64_t after) {
  return static_cast<double>(before) / static_cast<double>(std::max<uint64_t>(after, 1));
}

std::string sizes_text(std::string_view what, uint64_t before, uint64_t after) {
  return fmt::format("{} {} \u2192 {} ({:.1f}x)", what, human_bytes(before), human_bytes(after),
                     ratio(before, after));
}

void write_ratio(const char* key, uint64_t before, uint64_t after, uint64_t not_kept,
                 JsonWriter* json) {
  json->key(key);
  json->begin_object();
  json->member("input_bytes", before);
  json->member("output_bytes", after);
  json->member("not_kept_bytes", not_kept);
  json->member("ratio", ratio(before, after));
  json->end();
}

// Bytes of the input that are in no tensor and not in the output either. Containers that compress
// their tensors have less than the tensors take: then it is not known, and nothing counts as lost.
uint64_t count_not_kept(const ModelSource& source, const DcfFile& file, uint64_t dense_bytes) {
  const bool keeps_rest = source.layout() != nullptr && dcf_section_count(file.handle()) > 0;
  if (keeps_rest || dcf_file_of(source) != nullptr) return 0;
  return source.file_bytes() - std::min(source.file_bytes(), dense_bytes);
}

}  // namespace

SizeReport::SizeReport(const ModelSource& source, const DcfFile& file)
    : input_bytes_(source.file_bytes()) {
  for (const TensorMeta& tensor : source.tensors()) dense_bytes_ += tensor.bytes();
  not_kept_bytes_ = count_not_kept(source, file, dense_bytes_);
  const dcf_file_info info = file.info();
  output_bytes_ = info.file_bytes;
  stored_bytes_ = info.file_bytes - info.overhead_bytes;
}

void SizeReport::write_members(JsonWriter* json) const {
  json->member("input_bytes", input_bytes_);
  json->member("output_bytes", output_bytes_);
  write_ratio("tensors_ratio", dense_bytes_, stored_bytes_, 0, json);
  write_ratio("files_ratio", input_bytes_ - not_kept_bytes_, output_bytes_, not_kept_bytes_, json);
}

void SizeReport::print_text() const {
  std::string files = sizes_text("files", input_bytes_ - not_kept_bytes_, output_bytes_);
  if (not_kept_bytes_ > 0) {
    files +=
        fmt::format(", without {} of the input that are not kept", human_bytes(not_kept_bytes_));
  }
  print_out(sizes_text("tensors", dense_bytes_, stored_bytes_) + "\n" + files + "\n");
}

}  // namespace dcf::tools
