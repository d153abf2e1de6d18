// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "cli/copy_model.h"
#include "cli/display.h"
#include "cli/failures.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "formats/text.h"

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
  check_output(o.input, o.output, o.common.json);
  const DcfFile file(o.input, o.common.hints());
  restore_model(file, o.output, format_of(o), o.common);
  const dcf_file_info info = file.info();
  if (o.common.json) {
    OrderedJson json;
    json["input"] = o.input;
    json["output"] = o.output.path;
    json["input_bytes"] = info.file_bytes;
    json["output_bytes"] = std::filesystem::file_size(o.output.path);
    json["tensors"] = info.tensors;
    print_json(json);
  } else if (!o.common.quiet && o.output.path != "-") {
    print_out(fmt::format("{} \u2192 {}  {} \u2192 {}, {}\n", printable(o.input),
                          printable(o.output.path), human_bytes(info.file_bytes),
                          human_bytes(std::filesystem::file_size(o.output.path)),
                          human_count(info.tensors, "tensor")));
  }
  return 0;
}

}  // namespace

void add_decompress(CLI::App* app, Run* run) {
  auto o = std::make_shared<Options>();
  CLI::App* const verb =
      app->add_subcommand("decompress", "Restore a .dcf file as safetensors or npz");
  verb->add_option("IN", o->input, ".dcf file; - is standard input")->required();
  add_output_options(verb, &o->output, "Restored model");
  verb->add_option("--format", o->format,
                   "safetensors or npz (default: by OUT's extension, else safetensors)")
      ->check(CLI::IsMember({"safetensors", "npz"}));
  add_common_options(verb, &o->common);
  verb->footer(
      "\nExamples:\n  dcf decompress model.dcf -o model.safetensors\n  dcf decompress model.dcf -o "
      "model.npz");
  verb->callback([o, run] { *run = [o] { return decompress(*o); }; });
}

}  // namespace dcf::tools
