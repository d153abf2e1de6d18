// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "dcf/copy_model.h"
#include "dcf/display.h"
#include "dcf/errors.h"
#include "dcf/output.h"
#include "dcf/verbs.h"

namespace dcf::tools {
namespace {

struct Options {
  CommonOptions common;
  OutputOptions output;
  std::string input;
  std::string format;  // empty: by the output's extension
};

SinkFormat format_of(const Options& o) {
  const std::string& format = o.format;
  if (!format.empty()) return format == "npz" ? SinkFormat::kNpz : SinkFormat::kSafetensors;
  return o.output.path.ends_with(".npz") ? SinkFormat::kNpz : SinkFormat::kSafetensors;
}

int decompress(const Options& o) {
  check_output(o.input, o.output.path, o.output.force);
  const DcfFile file(o.input, o.common.hints());
  restore_model(file, o.output, format_of(o), o.common);
  const dcf_file_info info = file.info();
  if (o.output.path == "-") return 0;
  if (o.common.json) {
    OrderedJson json;
    json["output"] = o.output.path;
    json["tensors"] = info.tensors;
    json["dense_bytes"] = info.dense_bytes;
    print_json(json);
  } else if (!o.common.quiet) {
    print_out(fmt::format("{} -> {}  {} tensors, {}\n", printable_name(o.input), printable_name(o.output.path),
                          info.tensors, human_bytes(info.dense_bytes)));
  }
  return 0;
}

}  // namespace

void add_decompress(CLI::App* app, Run* run) {
  auto o = std::make_shared<Options>();
  CLI::App* const verb = app->add_subcommand("decompress", "Restore a .dcf file as safetensors or npz");
  verb->add_option("IN", o->input, ".dcf file; - is standard input")->required();
  add_output_options(verb, &o->output, "Restored model");
  verb->add_option("--format", o->format, "safetensors or npz (default: by OUT's extension, else safetensors)")
      ->check(CLI::IsMember({"safetensors", "npz"}));
  add_common_options(verb, &o->common);
  verb->footer("\nExamples:\n  dcf decompress model.dcf -o model.safetensors\n  dcf decompress model.dcf -o model.npz");
  verb->callback([o, run] { *run = [o] { return decompress(*o); }; });
}

}  // namespace dcf::tools
