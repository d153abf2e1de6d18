// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "cli/display.h"
#include "cli/failures.h"
#include "cli/json_writer.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/output_checks.h"
#include "cli/output_choice.h"
#include "cli/parts/part_writer.h"
#include "cli/parts/shard_writer.h"
#include "cli/verbs.h"
#include "formats/input_file.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

struct MergeOptions {
  CommonOptions common;
  OutputOptions output;
  std::string plan;
  std::string source;
  std::string parts;
  uint64_t shard_bytes = 0;  // 0: one file
};

void report(const MergeOptions& o, size_t parts, uint64_t files, uint64_t bytes) {
  if (o.output.path == "-" || !o.common.wants_report()) return;
  if (o.common.json) {
    JsonWriter json;
    json.begin_object();
    json.member("output", o.output.path);
    json.member("parts", uint64_t{parts});
    json.member("files", files);
    json.member("output_bytes", bytes);
    json.end();
    json.finish();
    return;
  }
  print_out(fmt::format("{} \u2192 {}: {}, {}\n", human_count(parts, "part"),
                        printable(o.output.path), human_count(files, "file"), human_bytes(bytes)));
}

int merge(const MergeOptions& o) {
  const WorkPlan plan = read_plan(o.plan);
  CommonOptions common = o.common;
  if (common.max_memory == 0) common.max_memory = plan.max_memory;
  if (o.shard_bytes == 0) {
    check_output(o.plan, o.output, o.common.json);
    check_output_name(o.output.path, ".dcf");
  } else if (o.output.path == "-") {
    throw UsageError("standard output cannot take several files");
  }
  const auto source = open_planned(plan, o.source);
  const std::vector<std::string> parts = find_parts(plan, o.parts, common.hints());
  if (o.shard_bytes != 0) {
    const WrittenShards written =
        write_shards(plan, *source, parts, o.shard_bytes, o.output, common);
    report(o, parts.size(), written.files, written.bytes);
    return 0;
  }
  merge_parts(plan, *source, parts, o.output, common);
  report(o, parts.size(), 1, o.output.path == "-" ? 0 : InputFile(o.output.path).size());
  return 0;
}

}  // namespace

void add_merge(Program* program) {
  auto o = std::make_shared<MergeOptions>();
  const Verb verb = program->add_verb(
      "merge", "Join the parts of a plan into the file that one process would have written");
  verb.add("PARTS", &o->parts, "Folder with the parts of all items, *.dcf")
      .required()
      .value_name("FOLDER");
  verb.add("--plan", &o->plan, "Settled plan").required().value_name("FILE");
  verb.add("--source", &o->source,
           "Where the model is (default: where the plan says); headers and what is no "
           "tensor are read")
      .value_name("FILE");
  add_size_option(
      verb, "--shard-bytes", &o->shard_bytes,
      "Several files of at most so many bytes, unless one item of the plan is larger, and an "
      "index: OUT is a folder");
  add_output_options(verb, &o->output, ".dcf file, or a folder");
  add_common_options(verb, &o->common);
  verb.footer(
      "\nExamples:\n  dcf merge --plan settled.json parts -o model.dcf\n"
      "  dcf merge --plan settled.json parts -o shards --shard-bytes 4G");
  verb.on_run([o] { return merge(*o); });
}

}  // namespace dcf::tools
