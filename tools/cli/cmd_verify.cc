// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/display.h"
#include "cli/foreign_report.h"
#include "cli/json_writer.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "formats/dcf_file.h"
#include "formats/original_files.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

int show_progress(void* progress, uint64_t done, uint64_t /*total*/) {
  static_cast<Progress*>(progress)->update(done);
  return 0;
}

// The most memory that decoding any one tensor takes, its own bytes included.
uint64_t peak_memory(const DcfFile& file) {
  uint64_t peak = 0;
  for (size_t i = 0; i < file.tensor_count(); ++i) {
    uint64_t output = 0;
    uint64_t working = 0;
    dcf_error error = DCF_ERROR_INIT;
    file.check(dcf_tensor_decode_bound(file.handle(), i, DCF_DTYPE_NONE, &output, &working, &error),
               error);
    peak = std::max(peak, output + working);
  }
  return peak;
}

int verify(const std::string& input, const CommonOptions& common) {
  if (!is_dcf_file(input)) {
    verify_foreign(*open_model(input, common.hints()), common);
    return 0;
  }
  const DcfFile file(input, common.hints());
  const dcf_file_info info = file.info();
  {
    Progress progress("verifying", info.file_bytes, common.progress());
    dcf_error error = DCF_ERROR_INIT;
    file.check(dcf_file_verify(file.handle(), show_progress, &progress, &error), error);
  }
  OriginalFiles::read(file);  // what libdcf carries unseen
  const uint64_t peak = peak_memory(file);
  if (common.json) {
    JsonWriter json;
    json.begin_object();
    json.member("ok", true);
    json.member("tensors", info.tensors);
    json.member("file_bytes", info.file_bytes);
    json.member("dense_bytes", info.dense_bytes);
    json.member("peak_memory", peak);
    json.end();
    json.finish();
  } else if (!common.quiet) {
    print_out(fmt::format("{}: ok ({}, {}, decodes to {}, one at a time in at most {} of memory)\n",
                          printable(file.path()), human_count(info.tensors, "tensor"),
                          human_bytes(info.file_bytes), human_bytes(info.dense_bytes),
                          human_bytes(peak)));
  }
  return 0;
}

}  // namespace

void add_verify(Program* program) {
  struct Options {
    CommonOptions common;
    std::string input;
  };
  auto o = std::make_shared<Options>();
  const Verb verb = program->add_verb(
      "verify",
      "Check every byte of a .dcf file: structure, limits, checksums, coding; of another model "
      "what its format can tell");
  verb.add("IN", &o->input, "Model of any readable format; - is standard input, a .dcf file")
      .required()
      .value_name("FILE");
  add_common_options(verb, &o->common);
  verb.footer(
      "\nExamples:\n  dcf verify model.dcf\n  dcf verify stranger.dcf --max-memory 512M --json");
  verb.on_run([o] { return verify(o->input, o->common); });
}

}  // namespace dcf::tools
