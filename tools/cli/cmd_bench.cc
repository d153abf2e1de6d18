// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cli/display.h"
#include "cli/json_writer.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/peer_report.h"
#include "cli/progress.h"
#include "cli/stopwatch.h"
#include "cli/tensor_speed.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "formats/dcf_file.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr double kGiga = 1e9;
constexpr double kMicro = 1e-6;
constexpr double kNano = 1e-9;

struct TensorResult {
  dcf_tensor_info info;
  std::optional<DecodeSpeed> decoding;
  std::optional<LayerSpeed> layer;
};

struct Results {
  dcf_file_info info;
  double verify;  // seconds
  std::vector<TensorResult> tensors;
};

double rate(uint64_t bytes, double seconds) {
  return static_cast<double>(bytes) / seconds;
}

Results measure(const DcfFile& file, const CommonOptions& common) {
  Results results{file.info(), 0, {}};
  Progress progress("measuring", file.tensor_count() + 1, common.progress(),
                    Progress::Unit::kSteps);
  results.verify = median_seconds([&] {
    dcf_error error = DCF_ERROR_INIT;
    file.check(dcf_file_verify(file.handle(), nullptr, nullptr, &error), error);
  });
  const Repeats repeats = repeats_for(file.tensor_count());
  for (size_t i = 0; i < file.tensor_count(); ++i) {
    progress.update(i + 1);
    results.tensors.push_back(
        {file.tensor(i), measure_decoding(file, i, repeats), measure_layer(file, i, repeats)});
  }
  return results;
}

void write(const LayerSpeed& layer, JsonWriter* json) {
  json->begin_object();
  json->member("load_seconds", layer.load);
  json->key("products");
  json->begin_array();
  for (const ProductSpeed& product : layer.products) {
    json->begin_object();
    json->member("batch", product.batch);
    json->member("kernel", product.kernel);
    json->member("seconds", product.layer);
    json->key("dense_seconds");
    product.dense ? json->value(*product.dense) : json->value(nullptr);
    json->end();
  }
  json->end();
  json->end();
}

void write(const TensorResult& tensor, JsonWriter* json) {
  const dcf_tensor_info& t = tensor.info;
  json->begin_object();
  json->member("name", std::string_view(t.name, t.name_size));
  json->member("dtype", dcf_dtype_name(t.dtype));
  json->key("shape");
  json->begin_array();
  for (uint32_t d = 0; d < t.rank; ++d) json->value(t.dims[d]);
  json->end();
  json->member("dense_bytes", t.dense_bytes);
  json->member("encoded_bytes", t.encoded_bytes);
  json->member("nonzeros", t.nonzeros);
  json->key("decode");
  if (tensor.decoding) {
    json->begin_object();
    json->member("seconds", tensor.decoding->decode);
    json->member("memcpy_seconds", tensor.decoding->copy);
    json->end();
  } else {
    json->value(nullptr);
  }
  json->key("layer");
  tensor.layer ? write(*tensor.layer, json) : json->value(nullptr);
  json->end();
}

void print_as_json(const Results& results, uint32_t threads) {
  JsonWriter json;
  json.begin_object();
  json.member("file_bytes", results.info.file_bytes);
  json.member("dense_bytes", results.info.dense_bytes);
  json.member("threads", threads);
  json.key("verify");
  json.begin_object();
  json.member("seconds", results.verify);
  json.end();
  json.key("tensors");
  json.begin_array();
  for (const TensorResult& tensor : results.tensors) write(tensor, &json);
  json.end();
  json.end();
  json.finish();
}

// Two cells for decoding, five for products.
void add_cells(const TensorResult& tensor, std::vector<std::string>* row) {
  const dcf_tensor_info& t = tensor.info;
  if (tensor.decoding) {
    row->push_back(fmt::format("{:.2f}", rate(t.dense_bytes, tensor.decoding->decode) / kGiga));
    row->push_back(human_ratio(tensor.decoding->copy, tensor.decoding->decode, 2));
  } else {
    row->insert(row->end(), 2, "-");
  }
  if (!tensor.layer) {
    row->insert(row->end(), 5, "-");
    return;
  }
  row->push_back(t.nonzeros == 0 ? "-"
                                 : fmt::format("{:.1f}", tensor.layer->load / kNano /
                                                             static_cast<double>(t.nonzeros)));
  for (const ProductSpeed& product : tensor.layer->products) {
    row->push_back(fmt::format("{:.1f}", product.layer / kMicro));
    row->push_back(product.dense ? human_ratio(*product.dense, product.layer, 2) : "-");
  }
}

std::string to_text(const Results& results, uint32_t threads) {
  Table table({{"tensor", Align::kLeft},
               {"shape", Align::kLeft},
               {"ratio"},
               {"decode GB/s"},
               {"vs memcpy"},
               {"load ns/nz"},
               {"batch 1 us"},
               {"vs dense"},
               {"batch 64 us"},
               {"vs dense"}});
  for (const TensorResult& tensor : results.tensors) {
    const dcf_tensor_info& t = tensor.info;
    std::vector<std::string> row = {
        printable_name({t.name, t.name_size}), human_shape({t.dims, t.rank}),
        human_ratio(static_cast<double>(t.dense_bytes), static_cast<double>(t.encoded_bytes), 2)};
    add_cells(tensor, &row);
    table.add_row(std::move(row));
  }
  const dcf_file_info& info = results.info;
  return table.render(table_width()) +
         fold_list({fmt::format("{} \u2192 {} ({})", human_bytes(info.dense_bytes),
                                human_bytes(info.file_bytes),
                                human_ratio(static_cast<double>(info.dense_bytes),
                                            static_cast<double>(info.file_bytes), 2)),
                    fmt::format("verified at {:.2f} GB/s of weights",
                                rate(info.dense_bytes, results.verify) / kGiga),
                    human_count(threads, "thread")},
                   table_width());
}

int bench(const std::string& input, const std::string& against, const CommonOptions& common) {
  if (!against.empty()) {
    const std::vector<PeerCoder> peers = parse_peers(against);
    print_peer_report(DcfFile(input, common.hints()), peers, common);
    return 0;
  }
  const DcfFile file(input, common.hints());
  const uint32_t threads =
      common.threads != 0 ? common.threads : std::max(1u, std::thread::hardware_concurrency());
  const Results results = measure(file, common);
  if (common.json) {
    print_as_json(results, threads);
  } else if (!common.quiet) {
    print_out(to_text(results, threads));
  }
  return 0;
}

}  // namespace

void add_bench(Program* program) {
  struct Options {
    CommonOptions common;
    std::string input;
    std::string against;
  };
  auto o = std::make_shared<Options>();
  const Verb verb = program->add_verb(
      "bench", "Measure how fast a .dcf file is on this machine, or its sizes against others");
  verb.add("IN", &o->input, "File to measure; - is standard input").required().value_name("FILE");
  verb.add("--against", &o->against,
           "Sizes instead of speeds: tensors that a general compressor packs smaller, of "
           "zstd, shuffle+zstd, xz, with commas between them, each with -LEVEL if wanted")
      .not_empty()
      .value_name("PEERS");
  add_common_options(verb, &o->common);
  o->common.threads = 1;
  verb.find("--threads").describe("Threads (default 1); 0 = one per processor");
  verb.footer(
      "\nMedians of repeated calls, by the wall clock; of more than 1000 tensors fewer calls "
      "each.\n"
      "  ratio        of the tensor's data alone\n"
      "  vs memcpy    decoding, against copying the same decoded bytes\n"
      "  load         from the file to a layer that is ready to multiply, per weight that is not "
      "zero\n"
      "  batch, us    product of the tensor as a matrix with 1 or 64 inputs, one thread\n"
      "  vs dense     the same product, against the library's dense kernel\n"
      "\n--against packs each tensor alone, shuffle+zstd byte k of all elements together, and "
      "prints "
      "the tensors that take over\n1 % more bytes in IN, most bytes lost first. Levels: zstd 1 to "
      "19 "
      "(3), xz 0 to 9 (9).\n"
      "\nExamples:\n  dcf bench model.dcf\n  dcf bench model.dcf --threads 2 --json\n"
      "  dcf bench model.dcf --against zstd,zstd-19,shuffle+zstd,xz");
  verb.on_run([o] { return bench(o->input, o->against, o->common); });
}

}  // namespace dcf::tools
