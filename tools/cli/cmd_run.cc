// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <span>
#include <vector>

#include "cli/display.h"
#include "cli/failures.h"
#include "cli/json_writer.h"
#include "cli/network/run.h"
#include "cli/network/test_error.h"
#include "cli/network_input.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/output_checks.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/verbs.h"
#include "formats/le_bytes.h"
#include "formats/npy_header.h"
#include "formats/output_file.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

struct RunOptions {
  CommonOptions common;
  OutputOptions output;
  std::string model;
  std::string input;
  std::string test;
};

void write_floats(std::span<const float> values, OutputFile* out) {
  constexpr size_t kBlock = 4096;
  std::vector<uint8_t> bytes;
  bytes.reserve(kBlock * sizeof(float));
  while (!values.empty()) {
    const auto block = values.first(std::min(values.size(), kBlock));
    bytes.clear();
    for (const float value : block) append_le(&bytes, std::bit_cast<uint32_t>(value));
    out->write(bytes);
    values = values.subspan(block.size());
  }
}

void write_outputs(const DcfFile& file, const Network& network, const NetworkInput& input,
                   const CommonOptions& common, OutputFile* out) {
  Progress progress("running", input.data.size(), common.progress());
  uint64_t done = 0;
  run_network(
      file, network, input.rows,
      [&](uint64_t first, uint64_t count) {
        throw_if_interrupted();
        return input.floats(first, count);
      },
      [&](std::span<const float> y) {
        write_floats(y, out);
        done += y.size() / network.outputs();
        progress.update(done * (input.data.size() / input.rows));
      });
}

int run_array(const RunOptions& o) {
  check_output(o.model, o.output, o.common.json);
  check_output(o.input, o.output, o.common.json);
  const DcfFile file(o.model, o.common.hints());
  const Network network = read_network(file);
  const NetworkInput input =
      read_npy_input(o.input, network.input.size(), MemoryLimit(o.common.max_memory));
  const auto out = open_output(o.output);
  out->write(make_npy_header({.name = {},
                              .dtype = DCF_DTYPE_F32,
                              .bits = dcf_dtype_bits(DCF_DTYPE_F32),
                              .opaque_name = {},
                              .dims = {input.rows, network.outputs()}}));
  write_outputs(file, network, input, o.common, out.get());
  out->commit();
  if (o.common.json) {
    JsonWriter json;
    json.begin_object();
    json.member("output", o.output.path);
    json.member("inputs", input.rows);
    json.member("outputs", network.outputs());
    json.end();
    json.finish();
  } else if (o.common.wants_report() && o.output.path != "-") {
    print_out(fmt::format("{} \u2192 {}  {} of {} values\n", printable(o.input),
                          printable(o.output.path), human_count(input.rows, "row"),
                          network.outputs()));
  }
  return 0;
}

int run_test(const RunOptions& o) {
  const DcfFile file(o.model, o.common.hints());
  const Network network = read_network(file);
  const Digits digits = load_test(o.test, MemoryLimit(o.common.max_memory));
  check_digits(digits, network, o.test);
  uint64_t wrong = 0;
  {
    Progress progress("running", digits.images.size(), o.common.progress());
    wrong = count_wrong(file, network, digits,
                        [&](uint64_t images) { progress.update(images * digits.pixels()); });
  }
  const double percent = percent_of(wrong, digits.count);
  if (o.common.json) {
    JsonWriter json;
    json.begin_object();
    json.member("images", digits.count);
    json.member("wrong", wrong);
    json.member("error_percent", percent);
    json.end();
    json.finish();
  } else if (!o.common.quiet) {
    print_out(fmt::format("{}: {:.2f} % wrong ({} of {})\n", printable(file.path()), percent, wrong,
                          human_count(digits.count, "image")));
  }
  return 0;
}

int run_model(const RunOptions& o) {
  if (o.input.empty() == o.test.empty()) throw UsageError("give either --input or --test");
  if (!o.test.empty()) return run_test(o);
  if (o.output.path.empty()) throw UsageError("--input needs --output");
  return run_array(o);
}

}  // namespace

void add_run(Program* program) {
  auto o = std::make_shared<RunOptions>();
  const Verb verb = program->add_verb("run", "Run the network that a .dcf file carries");
  verb.add("MODEL", &o->model, ".dcf file with its network; - is standard input")
      .required()
      .value_name("FILE");
  verb.add("--input", &o->input,
           "Inputs: an array of f32 or u8, one network input in each row, not yet scaled")
      .value_name("X.npy");
  verb.add("--test", &o->test,
           "Measure the error on t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (or "
           ".gz) of this directory")
      .value_name("DIR");
  add_output_options(verb, &o->output, "Outputs as .npy: f32, one row for each row of X");
  verb.find("--output").required(false);
  for (const char* option : {"--output", "--force", "--input"}) {
    verb.find(option).excludes(verb.find("--test"));
  }
  add_common_options(verb, &o->common);
  verb.footer(
      "\nExamples:\n  dcf run lenet.dcf --test mnist\n  dcf run lenet.dcf --input x.npy --output "
      "y.npy");
  verb.on_run([o] { return run_model(*o); });
}

}  // namespace dcf::tools
