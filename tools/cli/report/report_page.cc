// SPDX-License-Identifier: Apache-2.0
#include "cli/report/report_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/display.h"
#include "cli/page/page.h"
#include "cli/page/plot.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

using html::BarPlot;
using html::LinePlot;
using html::Markup;
using html::Page;
using html::Row;
using html::Scale;
using html::Table;

constexpr size_t kMostBars = 24;
constexpr size_t kBins = 80;
constexpr size_t kLongText = 200;
constexpr size_t kLongLabel = 36;

constexpr const char* kDash = "\u2013";

double share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string label_of(const std::string& name) {
  return shorten_middle(printable_name(name), kLongLabel);
}

std::string cut(const std::string& shown) {
  return display_width(shown) <= kLongText ? shown : shorten_middle(shown, kLongText);
}

std::string decibels(double sqnr) {
  if (std::isnan(sqnr)) return kDash;
  return std::isinf(sqnr) ? (sqnr > 0 ? "exact" : "\u2212\u221e") : fmt::format("{:.1f}", sqnr);
}

struct Part {
  const char* name;
  uint64_t dcf_tensor_bytes::*bytes;
};
constexpr Part kParts[] = {{"values", &dcf_tensor_bytes::values},
                           {"positions", &dcf_tensor_bytes::positions},
                           {"codebooks", &dcf_tensor_bytes::codebook},
                           {"code tables", &dcf_tensor_bytes::tables},
                           {"padding", &dcf_tensor_bytes::other}};

std::string lead_of(const ModelReport& report) {
  const dcf_file_info& info = report.info;
  std::string lead = fmt::format(
      "{} of {} elements: {} as they are, {} in this file ({}), {:.3f} bits an element.",
      human_count(info.tensors, "tensor"), report.elements, human_bytes(info.dense_bytes),
      human_bytes(info.file_bytes),
      human_ratio(static_cast<double>(info.dense_bytes), static_cast<double>(info.file_bytes), 2),
      8 * share(info.file_bytes, report.elements));
  if (report.made_from) lead += " Made from " + printable(*report.made_from) + ".";
  if (!report.original.empty()) {
    lead += fmt::format(" Compared with {}: ", printable(report.original));
    if (report.beyond == 0 && report.missing == 0) {
      lead += fmt::format("all {} are as close as the file says.",
                          human_count(report.compared, "tensor"));
    } else {
      lead += fmt::format("{} NOT as close as the file says, {} only in one of both.",
                          report.beyond, report.missing);
    }
  }
  return lead;
}

void add_bytes(const ModelReport& report, Page* page) {
  page->heading("Where the bytes are");
  BarPlot plot{"The largest tensors", "", {"kB"}, {}, {}, true};
  for (const Part& part : kParts) plot.series.push_back({part.name, {}});
  const size_t bars = std::min(report.tensors.size(), kMostBars);
  for (size_t i = 0; i < bars; ++i) {
    const ReportedTensor& tensor = report.tensors[i];
    plot.labels.push_back(label_of(tensor.name));
    for (size_t k = 0; k < std::size(kParts); ++k) {
      plot.series[k].values.push_back(1e-3 * static_cast<double>(tensor.bytes.*kParts[k].bytes));
    }
  }
  if (bars > 0) {
    page->figure(draw(plot), fmt::format("Bytes in the file of the {} that take most, the largest "
                                         "first; 1 kB is 1000 bytes.",
                                         human_count(bars, "tensor")));
  }
  Table table{"Bytes of all tensors by what they are for, and of the rest of the file.",
              {{"part", "", false}, {"bytes"}, {"% of the file"}},
              {}};
  const auto add = [&](const std::string& name, uint64_t bytes, bool total) {
    table.rows.push_back({{name, std::to_string(bytes),
                           fmt::format("{:.2f}", 100 * share(bytes, report.info.file_bytes))},
                          total});
  };
  uint64_t rest = report.info.file_bytes;
  for (const Part& part : kParts) {
    uint64_t bytes = report.other_bytes.*part.bytes;
    for (const ReportedTensor& tensor : report.tensors) bytes += tensor.bytes.*part.bytes;
    add(part.name, bytes, false);
    rest -= bytes;
  }
  add("header, manifest, kept files", rest, false);
  add("file", report.info.file_bytes, true);
  page->table(table);
}

void add_tensors(const ModelReport& report, Page* page) {
  page->heading("Tensor by tensor");
  const bool compared = !report.original.empty();
  std::string caption = "The largest first; long names are cut in the middle.";
  if (report.others > 0) {
    caption += fmt::format(" {} more take {} together.", human_count(report.others, "tensor"),
                           human_bytes(report.other_bytes.total));
  }
  if (compared) {
    caption +=
        " SQNR: signal to quantisation noise, 10 log10 of the original's energy over that of the "
        "difference.";
  }
  Table table{caption,
              {{"tensor", "", false},
               {"dtype", "", false},
               {"shape", "", false},
               {"encoding", "", false},
               {"not zero, %"},
               {"codebook"},
               {"bits an element"},
               {"bytes"},
               {"% of the file"},
               {"ratio"},
               {"error bound"}},
              {}};
  if (compared) {
    table.columns.insert(table.columns.end(),
                         {{"max error"}, {"SQNR, dB"}, {"against the original", "", false}});
  } else {
    table.columns.push_back({"fidelity", "", false});
  }
  for (const ReportedTensor& t : report.tensors) {
    Row row{{label_of(t.name), t.dtype, t.shape, t.encoding,
             t.elements == 0 ? kDash : fmt::format("{:.1f}", 100 * share(t.nonzeros, t.elements)),
             t.codebook_size == 0 ? kDash : std::to_string(t.codebook_size),
             fmt::format("{:.3f}", 8 * share(t.bytes.total, t.elements)),
             std::to_string(t.bytes.total),
             fmt::format("{:.2f}", 100 * share(t.bytes.total, report.info.file_bytes)),
             human_ratio(static_cast<double>(t.dense_bytes), static_cast<double>(t.bytes.total), 2),
             t.error_bound == 0 ? kDash : fmt::format("{:.3g}", t.error_bound)}};
    if (compared) {
      const bool known = t.difference.has_value();
      row.cells.push_back(known && std::isfinite(t.difference->max_error)
                              ? fmt::format("{:.3g}", t.difference->max_error)
                              : kDash);
      row.cells.push_back(known ? decibels(t.difference->sqnr_db) : kDash);
      row.cells.push_back(t.verdict.empty() ? kDash : t.verdict);
    } else {
      row.cells.push_back(t.fidelity);
    }
    table.rows.push_back(row);
  }
  page->table(table);
}

// The tensors that lost most.
void add_loss(const ModelReport& report, Page* page) {
  std::vector<const ReportedTensor*> lossy;
  for (const ReportedTensor& tensor : report.tensors) {
    if (tensor.difference && std::isfinite(tensor.difference->sqnr_db)) lossy.push_back(&tensor);
  }
  if (lossy.empty()) return;
  std::stable_sort(lossy.begin(), lossy.end(),
                   [](const ReportedTensor* a, const ReportedTensor* b) {
                     return a->difference->sqnr_db < b->difference->sqnr_db;
                   });
  page->heading("What was lost");
  const double median = lossy[lossy.size() / 2]->difference->sqnr_db;
  page->paragraph(fmt::format(
      "{} differ from the original. The worst SQNR is {:.1f} dB ({}), the median {:.1f} dB.",
      human_count(lossy.size(), "tensor"), lossy[0]->difference->sqnr_db,
      cut(printable_name(lossy[0]->name)), median));
  BarPlot plot{"Those that lost most", "", {"SQNR, dB"}, {}, {{"", {}}}};
  for (size_t i = 0; i < std::min(lossy.size(), kMostBars); ++i) {
    plot.labels.push_back(label_of(lossy[i]->name));
    plot.series[0].values.push_back(lossy[i]->difference->sqnr_db);
  }
  page->figure(draw(plot), "The higher, the closer to the original; 6 dB are a bit.");
}

// Counts in equal parts of [low, high], as a share of the sample.
html::Series distribution(const std::string& name, const std::vector<double>& sample, double low,
                          double high) {
  std::vector<double> counts(kBins);
  for (const double value : sample) {
    const double at = (value - low) / (high - low) * kBins;
    if (at >= 0 && at <= kBins) ++counts[std::min(static_cast<size_t>(at), kBins - 1)];
  }
  html::Series series{name, {}, true, false};
  for (size_t i = 0; i < kBins; ++i) {
    const double middle = low + (static_cast<double>(i) + 0.5) / kBins * (high - low);
    series.points.push_back({middle, 100 * counts[i] / static_cast<double>(sample.size())});
  }
  return series;
}

void add_weights(const ModelReport& report, Page* page) {
  if (report.weights.empty()) return;
  page->heading("Weights");
  std::vector<Markup> plots;
  for (const WeightSample& sample : report.weights) {
    const std::vector<double>& all = sample.original.empty() ? sample.decoded : sample.original;
    const auto [least, greatest] = std::minmax_element(all.begin(), all.end());
    if (*least == *greatest) continue;
    LinePlot plot{label_of(sample.tensor), {"value"}, {"% of the elements"}, {}};
    if (!sample.original.empty()) {
      plot.series.push_back(distribution("original", sample.original, *least, *greatest));
      plot.series.back().dashed = true;
    }
    plot.series.push_back(distribution("in the file", sample.decoded, *least, *greatest));
    plots.push_back(draw(plot));
  }
  page->figures(plots, fmt::format("How the values of the largest tensors are distributed: shares "
                                   "of {} equal parts of their range, by a sample.",
                                   kBins));
}

// The bits that a code would give each symbol if bits could be cut.
std::vector<double> ideal_lengths(const std::vector<uint64_t>& counts) {
  uint64_t sum = 0;
  for (const uint64_t n : counts) sum += n;
  std::vector<double> lengths;
  lengths.reserve(counts.size());
  for (const uint64_t n : counts) lengths.push_back(n == 0 ? 0 : -std::log2(share(n, sum)));
  return lengths;
}

void add_symbols(const ModelReport& report, Page* page) {
  if (report.symbols.empty()) return;
  page->heading("Codes and gaps");
  std::vector<Markup> plots;
  for (const TensorSymbols& symbols : report.symbols) {
    const std::string name = label_of(symbols.tensor);
    const auto add = [&](const char* what, const char* axis, const char* unit,
                         std::vector<double> values) {
      plots.push_back(draw(html::indexed_bars(name + ": " + what, axis, unit, std::move(values))));
    };
    const auto& [codes, gaps] = symbols.counts;
    add("codes", "index into the codebook", "entries", {codes.begin(), codes.end()});
    add("ideal code lengths", "index into the codebook", "bits", ideal_lengths(codes));
    if (!gaps.empty()) add("gaps", "zeros skipped", "entries", {gaps.begin(), gaps.end()});
  }
  page->figures(plots,
                "How often each word of a codebook and each gap occurs, before Huffman coding. The "
                "ideal length of a code is the logarithm of how rare it is, \u2212log2 p; Huffman "
                "codes round it to whole bits. At gap positions code 0 is that of padding zeros.");
}

void add_metadata(const ModelReport& report, Page* page) {
  if (report.metadata.empty()) return;
  page->heading("Metadata");
  Table table{"What the file says of itself, recorded scores among it; long texts are cut.",
              {{"key", "", false}, {"value", "", false}},
              {}};
  for (size_t i = 0; i < std::min(report.metadata.size(), ModelReport::kMostRows); ++i) {
    table.rows.push_back(
        {{cut(printable(report.metadata[i].first)), cut(printable(report.metadata[i].second))}});
  }
  page->table(table);
}

}  // namespace

std::string render_report(const ModelReport& report) {
  Page page(printable(report.file), lead_of(report));
  add_bytes(report, &page);
  add_loss(report, &page);
  add_weights(report, &page);
  add_symbols(report, &page);
  add_tensors(report, &page);
  add_metadata(report, &page);
  return page.finish();
}

}  // namespace dcf::tools
