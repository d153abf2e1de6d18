// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/display.h"
#include "cli/foreign_report.h"
#include "cli/json_writer.h"
#include "cli/options.h"
#include "cli/tensor_report.h"
#include "cli/verbs.h"
#include "formats/original_files.h"

namespace dcf::tools {
namespace {

int info(const std::string& input, bool by_part, const CommonOptions& common) {
  if (!is_dcf_file(input)) {
    print_foreign_info(*open_model(input, common.hints()), common);
    return 0;
  }
  const DcfFile file(input, common.hints());
  const auto originals = OriginalFiles::read(file);
  const TensorReport report(file, originals ? &*originals : nullptr);
  if (common.json) {
    JsonWriter json;
    json.begin_object();
    report.write_members(&json);
    json.end();
    json.finish();
  } else if (!common.quiet) {
    report.print_text({.width = table_width(), .by_part = by_part});
  }
  return 0;
}

}  // namespace

void add_info(Program* program) {
  struct Options {
    CommonOptions common;
    std::string input;
    bool by_part = false;
  };
  auto o = std::make_shared<Options>();
  const Verb verb = program->add_verb(
      "info", "Show what is in a .dcf file and where its bytes go, or what is in a model");
  verb.add("IN", &o->input, "Model of any readable format; - is standard input, a .dcf file")
      .required()
      .value_name("FILE");
  verb.add_flag("-v,--verbose", &o->by_part, "Also where the bytes of each tensor go");
  add_common_options(verb, &o->common);
  verb.footer(
      "\nExamples:\n  dcf info model.dcf\n  dcf info model.dcf --json | jq '.tensors[] | .name, "
      ".bytes.total'\n  dcf info model.safetensors --json | jq '.tensors[] | .name, .bytes'");
  verb.on_run([o] { return info(o->input, o->by_part, o->common); });
}

}  // namespace dcf::tools
