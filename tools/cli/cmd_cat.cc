// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>

#include "cli/copy_model.h"
#include "cli/json_writer.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/output_checks.h"
#include "cli/output_choice.h"
#include "cli/signals.h"
#include "cli/verbs.h"
#include "formats/dcf_file.h"
#include "formats/npy_header.h"
#include "formats/output_file.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

struct CatOptions {
  CommonOptions common;
  OutputOptions output{.path = "-"};
  std::string input;
  std::string name;
};

void report(const CatOptions& o, const OutputFile& out) {
  if (!o.common.json) return;
  JsonWriter json;
  json.begin_object();
  json.member("output", o.output.path);
  json.member("tensor", o.name);
  json.member("bytes", out.position());
  json.end();
  json.finish();
}

// Of a model that is no .dcf file.
int cat_foreign(const CatOptions& o) {
  const auto source = open_model(o.input, o.common.hints());
  const auto& tensors = source->tensors();
  const auto it = std::find_if(tensors.begin(), tensors.end(),
                               [&](const TensorMeta& tensor) { return tensor.name == o.name; });
  if (it == tensors.end()) {
    throw DcfError({.status = DCF_STATUS_NOT_FOUND,
                    .sentence = source->path() + ": holds no tensor of the name " + quote(o.name)});
  }
  check_free_space(o.output, it->bytes());
  const auto out = open_output(o.output);
  out->write(make_npy_header(*it));
  source->read_pieces(static_cast<size_t>(it - tensors.begin()),
                      [&](std::span<const uint8_t> piece) {
                        throw_if_interrupted();
                        out->write(piece);
                      });
  out->commit();
  report(o, *out);
  return 0;
}

int cat(const CatOptions& o) {
  check_output(o.input, o.output, o.common.json);
  check_output_name(o.output.path, "npy");
  if (!is_dcf_file(o.input)) return cat_foreign(o);
  const DcfFile file(o.input, o.common.hints());
  size_t index = 0;
  dcf_error error = DCF_ERROR_INIT;
  const dcf_status status =
      dcf_tensor_find(file.handle(), o.name.data(), o.name.size(), &index, &error);
  if (status == DCF_STATUS_NOT_FOUND) {
    throw DcfError({.status = status,
                    .sentence = file.path() + ": holds no tensor of the name " + quote(o.name)});
  }
  file.check(status, error);
  check_free_space(o.output, file.tensor(index).dense_bytes);
  const auto out = open_output(o.output);
  out->write(make_npy_header(file.meta(index)));
  write_tensor(file, index, out.get());
  out->commit();
  report(o, *out);
  return 0;
}

}  // namespace

void add_cat(Program* program) {
  auto o = std::make_shared<CatOptions>();
  const Verb verb = program->add_verb("cat", "Write one tensor as .npy");
  verb.add("IN", &o->input, "Model of any readable format; - is standard input, a .dcf file")
      .required()
      .value_name("FILE");
  verb.add("NAME", &o->name, "Tensor").required().value_name("TENSOR");
  add_output_options(verb, &o->output, "Array");
  add_common_options(verb, &o->common);
  verb.footer(
      "\nExamples:\n  dcf cat model.dcf fc1.weight -o fc1.npy\n  dcf cat model.dcf fc1.weight | "
      "python3 -c "
      "'import sys,io,numpy; print(numpy.load(io.BytesIO(sys.stdin.buffer.read())))'");
  verb.on_run([o] { return cat(*o); });
}

}  // namespace dcf::tools
