// SPDX-License-Identifier: Apache-2.0
// The figures that the project promises, beside what was measured: a report, which fails nothing.
#include <algorithm>

#include "report/section.h"

namespace dcf::bench {
namespace {

const std::vector<std::string> kHuff0 = {"huff0 4X1", "huff0 4X2"};

struct Goal {
  std::string what;
  std::optional<double> measured;
  double least;
  bool at_most = false;  // `least` is the most it may be
};

// The fastest of our columns whose name starts with one of these.
std::optional<Time> own(const Results& results, const std::string& table, const std::string& row,
                        const std::vector<std::string>& starts) {
  std::vector<std::string> columns;
  for (const std::string& column : results.columns(table)) {
    if (std::ranges::any_of(starts, [&](const auto& s) { return column.starts_with(s); })) {
      columns.push_back(column);
    }
  }
  return results.best(table, row, columns);
}

std::optional<double> against(const Results& results, const std::string& table,
                              const std::string& row, const std::vector<std::string>& starts,
                              const std::vector<std::string>& peers) {
  return speedup(results.best(table, row, peers), own(results, table, row, starts));
}

std::vector<std::optional<double>> all_rows(const Results& results, const std::string& table,
                                            const std::vector<std::string>& peers) {
  std::vector<std::optional<double>> values;
  for (const std::string& row : results.rows(table)) {
    values.push_back(speedup(results.best(table, row, peers), results.time(table, row, "dcf")));
  }
  return values;
}

void add_entropy(const Results& results, std::vector<Goal>* goals) {
  const std::vector<std::pair<std::string, double>> decoding = {
      {"idx16", 1.8},   {"idx32", 1.8},    {"idx256", 2.2}, {"gap 11", 1.9},
      {"gap 2.6", 2.3}, {"fp32 exp", 2.2}, {"uint8", 2.2}};
  for (const auto& [row, least] : decoding) {
    goals->push_back({"Huffman decoding, " + row + ", times huff0",
                      against(results, "decode", row, {"tree"}, kHuff0), least});
  }
  goals->push_back({"huffman-streams, idx16, times huff0",
                    against(results, "decode", "idx16", {"streams"}, kHuff0), 1.4});
  goals->push_back({"huffman-streams, idx32, times huff0",
                    against(results, "decode", "idx32", {"streams"}, kHuff0), 1.2});
  std::optional<double> scalar;
  std::optional<double> encoding;
  const auto take_least = [](std::optional<double>* to, const std::optional<double>& value) {
    if (value) *to = to->has_value() ? std::min(**to, *value) : *value;
  };
  for (const std::string& row : results.rows("decode")) {
    take_least(&scalar, against(results, "decode", row, {"tree scalar", "streams"}, kHuff0));
    take_least(&encoding, against(results, "encode", row, {"tree"}, {"huff0"}));
  }
  goals->push_back({"Scalar code, any symbols, times huff0", scalar, 0.35});
  goals->push_back({"Encoding the tree, any symbols, times huff0", encoding, 0.5});
}

void add_loading(const Results& results, std::vector<Goal>* goals) {
  const std::string row = "AlexNet fc6";
  const auto payload = results.time("load", row, "dcf payload");
  goals->push_back({"fc6, payload to dense floats, times memcpy",
                    speedup(results.time("load", row, "memcpy"), payload), 1.2});
  goals->push_back({"fc6, payload to dense floats, times zstd -19",
                    speedup(results.time("load", row, "zstd -19"), payload), 3});
  for (const std::string batch : {"1", "64"}) {
    const auto packed = results.time("load sparse", row, "layer for batch " + batch);
    goals->push_back({"fc6, file to layer for batch " + batch + ", ns per nonzero",
                      packed ? std::optional(packed->cpu / packed->items / kNano) : std::nullopt, 6,
                      true});
  }
}

void add_products(const Results& results, std::vector<Goal>* goals) {
  const auto mean = [&](const std::string& table, const std::vector<std::string>& peers) {
    return geometric_mean(all_rows(results, table, peers));
  };
  goals->push_back(
      {"Six FC layers, batch 1, dense inputs, times OpenBLAS", mean("batch 1", {"OpenBLAS"}), 4});
  goals->push_back(
      {"Six FC layers, batch 1, ReLU inputs, times OpenBLAS", mean("relu 1", {"OpenBLAS"}), 7});
  goals->push_back({"Six FC layers, batch 64, times OpenBLAS", mean("batch 64", {"OpenBLAS"}), 6});
  goals->push_back({"Six FC layers, batch 64, times best dense", mean("batch 64", kDense), 5});
  goals->push_back({"Convolutions, times best im2col + GEMM", mean("conv", kGemm), 1.3});
  std::optional<double> worst;
  const auto take_worst = [&](const std::string& table, const std::vector<std::string>& peers) {
    for (const auto& value : all_rows(results, table, peers)) {
      if (value) worst = worst ? std::min(*worst, *value) : *value;
    }
  };
  for (const char* const table :
       {"batch 1", "relu 1", "batch 8", "relu 8", "batch 64", "relu 64"}) {
    take_worst(table, kDense);
  }
  take_worst("conv", kGemm);
  goals->push_back({"The least of all layers and batches, times best dense", worst, 1});
}

// The greatest cost per entry of all sizes, relative to the smallest.
std::optional<double> growth_of(const Results& results, const std::string& column) {
  std::optional<Time> first;
  std::optional<double> growth;
  for (const std::string& row : results.rows("size")) {
    const auto time = results.time("size", row, column);
    if (!first) first = time;
    if (const auto slower = speedup(time, first)) growth = std::max(growth.value_or(0), *slower);
  }
  return growth;
}

void add_scaling(const Results& results, std::vector<Goal>* goals) {
  goals->push_back({"Large tensors to CSR, cost per entry, times that of the smallest",
                    growth_of(results, "CSR in turn"), 1.15, true});
  goals->push_back({"The same where each is decoded again and again, the smallest in the caches",
                    growth_of(results, "CSR"), 1.15, true});
  for (const auto& [row, least] :
       {std::pair("codes", 1.8), {"layer for batch 1", 1.8}, {"dense floats", 1.2}}) {
    const auto one = results.time("threads", row, "1");
    const auto two = results.time("threads", row, "2");
    goals->push_back({std::string("Two threads to ") + row + ", times one (wall)",
                      wall_speedup(one, two), least});
  }
}

}  // namespace

Section goals_section(const Results& results) {
  Section section{
      "Goals", "What the project promises of these figures, and what this run measured.", {}};
  std::vector<Goal> goals;
  add_entropy(results, &goals);
  add_loading(results, &goals);
  add_products(results, &goals);
  add_scaling(results, &goals);
  html::Table table{"", {{"what", "", false}, {"measured"}, {"goal"}, {"", "", false}}, {}};
  for (const Goal& goal : goals) {
    if (!goal.measured) continue;
    const bool reached = goal.at_most ? *goal.measured <= goal.least : *goal.measured >= goal.least;
    table.rows.push_back({{goal.what, number(goal.measured),
                           (goal.at_most ? "at most " : "at least ") + number(goal.least),
                           reached ? "" : "missed"}});
  }
  if (!table.rows.empty()) section.parts = {{table, {}}};
  return section;
}

}  // namespace dcf::bench
