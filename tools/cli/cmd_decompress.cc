// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "cli/copy_model.h"
#include "cli/display.h"
#include "cli/failures.h"
#include "cli/json_writer.h"
#include "cli/output.h"
#include "cli/output_checks.h"
#include "cli/verbs.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

struct Options {
  CommonOptions common;
  OutputOptions output;
  std::string input;
  std::string format;       // empty: by the output's extension
  uint64_t max_output = 0;  // decoded bytes; 0: any number
};

SinkFormat format_of(const Options& o) {
  const std::string& format = o.format;
  if (!format.empty()) return format == "npz" ? SinkFormat::kNpz : SinkFormat::kSafetensors;
  return o.output.path.ends_with(".npz") ? SinkFormat::kNpz : SinkFormat::kSafetensors;
}

int decompress(const Options& o) {
  check_output(o.input, o.output, o.common.json);
  const DcfFile file(o.input, o.common.hints());
  const dcf_file_info info = file.info();
  if (o.max_output != 0 && info.dense_bytes > o.max_output) {
    throw DcfError({.status = DCF_STATUS_LIMIT_OUTPUT,
                    .sentence = fmt::format("{}: decodes to {} bytes, more than the {} of "
                                            "--max-output",
                                            file.path(), info.dense_bytes, o.max_output)});
  }
  check_free_space(o.output, info.dense_bytes);
  restore_model(file, o.output, format_of(o), o.common);
  if (o.common.json) {
    JsonWriter json;
    json.begin_object();
    json.member("input", o.input);
    json.member("output", o.output.path);
    json.member("input_bytes", info.file_bytes);
    json.member("output_bytes", std::filesystem::file_size(o.output.path));
    json.member("tensors", info.tensors);
    json.end();
    json.finish();
  } else if (o.common.wants_report() && o.output.path != "-") {
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
  add_size_option(verb, "--max-output", &o->max_output,
                  "Refuse a file whose tensors decode to more bytes: 512M, 2G, ... (default: no "
                  "limit but the free space)");
  add_common_options(verb, &o->common);
  verb->footer(
      "\nExamples:\n  dcf decompress model.dcf -o model.safetensors\n  dcf decompress model.dcf -o "
      "model.npz\n  dcf decompress stranger.dcf -o model.safetensors --max-output 4G");
  verb->callback([o, run] { *run = [o] { return decompress(*o); }; });
}

}  // namespace dcf::tools
