// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "cli/copy_model.h"
#include "cli/display.h"
#include "cli/failures.h"
#include "cli/json_writer.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/output_checks.h"
#include "cli/output_choice.h"
#include "cli/verbs.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

struct DecompressOptions {
  CommonOptions common;
  OutputOptions output;
  std::string input;
  std::string format;       // empty: the output's name decides
  uint64_t max_output = 0;  // decoded bytes; 0: any number
};

void check_max_output(const DecompressOptions& o, const DcfFile& file, uint64_t bytes) {
  if (o.max_output == 0 || bytes <= o.max_output) return;
  throw DcfError({.status = DCF_STATUS_LIMIT_OUTPUT,
                  .sentence = fmt::format("{}: decodes to {} bytes, more than the {} of "
                                          "--max-output",
                                          file.path(), bytes, o.max_output)});
}

int decompress(const DecompressOptions& o) {
  const DcfFile file(o.input, o.common.hints());
  const dcf_file_info info = file.info();
  const auto originals = OriginalFiles::read(file);
  const OutputChoice choice = choose_output(file.path(), o.output.path, o.format, originals);
  if (choice.folder.empty()) check_output(o.input, o.output, o.common.json);
  const uint64_t bytes = choice.originals ? originals->bytes() : info.dense_bytes;
  check_max_output(o, file, bytes);
  check_free_space(o.output, bytes);
  const Restored restored = choice.originals
                                ? restore_originals(file, *originals, choice, o.output, o.common)
                                : restore_model(file, o.output, choice.sink, o.common);
  if (o.common.json) {
    JsonWriter json;
    json.begin_object();
    json.member("input", o.input);
    json.member("output", o.output.path);
    json.member("input_bytes", info.file_bytes);
    json.member("output_bytes", restored.bytes);
    json.member("tensors", info.tensors);
    json.member("files", restored.files);
    json.member("same_sha256", restored.same_sha256);
    json.end();
    json.finish();
  } else if (o.common.wants_report() && o.output.path != "-") {
    print_out(fmt::format("{} \u2192 {}  {} \u2192 {}, {}{}{}\n", printable(o.input),
                          printable(o.output.path), human_bytes(info.file_bytes),
                          human_bytes(restored.bytes), human_count(info.tensors, "tensor"),
                          restored.files > 1 ? ", " + human_count(restored.files, "file") : "",
                          restored.same_sha256 ? ", the same SHA-256 as before" : ""));
  }
  return 0;
}

}  // namespace

void add_decompress(Program* program) {
  auto o = std::make_shared<DecompressOptions>();
  const Verb verb =
      program->add_verb("decompress", "Restore the files that a model came from, or its tensors");
  verb.add("IN", &o->input, ".dcf file; - is standard input").required().value_name("FILE");
  add_output_options(verb, &o->output, "Restored model; a folder takes all its files");
  verb.add("--to", &o->format, "Format to write, where the name of OUT tells none or another")
      .one_of(output_formats());
  add_size_option(verb, "--max-output", &o->max_output,
                  "Refuse what decodes to more bytes than that: 512M, 2G, ... (default: no "
                  "limit but the free space)");
  add_common_options(verb, &o->common);
  verb.footer(
      "\nThe name of OUT decides: model.onnx, model.gguf, DIR/model.json and so on are the files "
      "that "
      "the model\ncame from, byte for byte if nothing was pruned or clustered; a folder takes all "
      "of "
      "them; model.safetensors,\nmodel.npz and, of one tensor, model.npy are made from any model.\n"
      "\nExamples:\n  dcf decompress model.dcf -o model.safetensors\n  dcf decompress model.dcf -o "
      "model.npz\n  dcf decompress tfjs.dcf -o restored/model.json\n  dcf decompress stranger.dcf "
      "-o "
      "model.safetensors --max-output 4G");
  verb.on_run([o] { return decompress(*o); });
}

}  // namespace dcf::tools
