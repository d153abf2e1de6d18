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

void add_info(CLI::App* app, Run* run) {
  struct Options {
    CommonOptions common;
    std::string input;
    bool by_part = false;
  };
  auto o = std::make_shared<Options>();
  CLI::App* const verb = app->add_subcommand(
      "info", "Show what is in a .dcf file and where its bytes go, or what is in a model");
  verb->add_option("IN", o->input, "Model of any readable format; - is standard input, a .dcf file")
      ->required()
      ->type_name("FILE");
  verb->add_flag("-v,--verbose", o->by_part, "Also where the bytes of each tensor go");
  add_common_options(verb, &o->common);
  verb->footer(
      "\nExamples:\n  dcf info model.dcf\n  dcf info model.dcf --json | jq '.tensors[] | .name, "
      ".bytes.total'");
  verb->callback([o, run] {
    *run = [o] {
      if (!is_dcf_file(o->input)) {
        print_foreign_info(*open_model(o->input, o->common.hints()), o->common);
        return 0;
      }
      const DcfFile file(o->input, o->common.hints());
      const auto originals = OriginalFiles::read(file);
      const TensorReport report(file, originals ? &*originals : nullptr);
      if (o->common.json) {
        JsonWriter json;
        json.begin_object();
        report.write_members(&json);
        json.end();
        json.finish();
      } else {
        report.print_text({.width = table_width(), .by_part = o->by_part});
      }
      return 0;
    };
  });
}

}  // namespace dcf::tools
