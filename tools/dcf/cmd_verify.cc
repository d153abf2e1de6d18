// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "dcf/display.h"
#include "dcf/options.h"
#include "dcf/output.h"
#include "dcf/progress.h"
#include "dcf/verbs.h"
#include "model/dcf_file.h"

namespace dcf::tools {
namespace {

int show_progress(void* ctx, uint64_t done, uint64_t) {
  static_cast<Progress*>(ctx)->update(done);
  return 0;
}

int verify(const std::string& input, const CommonOptions& common) {
  const DcfFile file(input, common.hints());
  const dcf_file_info info = file.info();
  {
    Progress progress("verifying", info.file_bytes, common.wants_progress());
    dcf_error error{};
    file.check(dcf_verify(file.handle(), show_progress, &progress, &error), error);
  }
  if (common.json) {
    OrderedJson json;
    json["ok"] = true;
    json["tensors"] = info.tensors;
    json["file_bytes"] = info.file_bytes;
    json["dense_bytes"] = info.dense_bytes;
    print_json(json);
  } else if (!common.quiet) {
    print_out(fmt::format("{}: ok ({} tensors, {}, decodes to {})\n", printable_name(input), info.tensors,
                          human_bytes(info.file_bytes), human_bytes(info.dense_bytes)));
  }
  return 0;
}

}  // namespace

void add_verify(CLI::App* app, Run* run) {
  struct Options {
    CommonOptions common;
    std::string input;
  };
  auto o = std::make_shared<Options>();
  CLI::App* const verb = app->add_subcommand("verify", "Check every byte of a .dcf file: structure, limits, checksums, coding");
  verb->add_option("IN", o->input, "File to check; - is standard input")->required();
  add_common_options(verb, &o->common);
  verb->footer("\nExamples:\n  dcf verify model.dcf\n  dcf verify stranger.dcf --max-memory 512M --json");
  verb->callback([o, run] { *run = [o] { return verify(o->input, o->common); }; });
}

}  // namespace dcf::tools
