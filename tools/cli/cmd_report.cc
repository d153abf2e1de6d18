// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "cli/display.h"
#include "cli/failures.h"
#include "cli/json_writer.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/output_checks.h"
#include "cli/report/report_page.h"
#include "cli/verbs.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

struct ReportOptions {
  CommonOptions common;
  OutputOptions output;
  std::string input;
  std::string original;
};

int report(const ReportOptions& o) {
  check_output(o.input, o.output, o.common.json);
  if (!o.original.empty()) check_output(o.original, o.output, o.common.json);
  const ModelReport made = make_report(o.input, o.original, o.common);
  write_text(o.output, render_report(made));
  const bool ok = made.beyond == 0 && made.missing == 0;
  if (o.common.json) {
    JsonWriter json;
    json.begin_object();
    json.member("ok", ok);
    json.member("tensors", made.info.tensors);
    json.member("compared", uint64_t{made.compared});
    json.member("beyond_bounds", uint64_t{made.beyond});
    json.member("missing", uint64_t{made.missing});
    json.end();
    json.finish();
  } else if (o.common.wants_report() && o.output.path != "-") {
    std::string text = printable(o.output.path) + ": " + human_count(made.info.tensors, "tensor");
    if (!o.original.empty()) {
      // Of those that are missing in one of both, the others are only in the original.
      const uint64_t alone = made.info.tensors - made.compared;
      text += fmt::format(", {} within bounds", made.compared - made.beyond);
      if (!ok) text += fmt::format(", {} not, {} without a partner", made.beyond, alone);
      if (made.missing > alone) {
        text += fmt::format("; {} only in the original", made.missing - alone);
      }
    }
    print_out(text + "\n");
  }
  return ok ? 0 : kExitInvalid;
}

}  // namespace

void add_report(Program* program) {
  auto o = std::make_shared<ReportOptions>();
  const Verb verb = program->add_verb(
      "report", "Show a .dcf file as a page: where its bytes are, what each tensor lost, plots");
  verb.add("IN", &o->input, ".dcf file").required().value_name("FILE");
  verb.add("--original", &o->original,
           "Model that it was made from, of any readable format: exit 1 if a tensor is not "
           "as close to it as the file says")
      .value_name("FILE");
  add_output_options(verb, &o->output, "Page (HTML)");
  add_common_options(verb, &o->common);
  verb.footer(R"(
Examples:
  dcf report small.dcf -o report.html
  dcf report small.dcf --original model.safetensors -o report.html)");
  verb.on_run([o] { return report(*o); });
}

}  // namespace dcf::tools
