// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "report/section.h"

namespace dcf::bench {
namespace {

// 45 nm, for 32 bits each, as the paper quotes them (Horowitz, "Computing's energy problem", ISSCC
// 2014); picojoules.
constexpr double kAdd = 0.9;
constexpr double kMultiply = 3.7;
constexpr double kSram = 5;
constexpr double kDram = 640;
constexpr double kWord = 4;
constexpr double kCache = 32 << 20;
constexpr double kMicrojoule = 1e6;

// One product of batch 1, and the bytes of weights that it reads.
struct Work {
  double weight_bytes;
  double other_bytes;
  double products;
};

double energy(const Work& work, double cache) {
  const double bytes = work.weight_bytes + work.other_bytes;
  const double word = bytes <= cache ? kSram : kDram;
  return (bytes / kWord * word + work.products * (kAdd + kMultiply)) / kMicrojoule;
}

}  // namespace

Section energy_section(const Results& results) {
  Section section{"Energy (a model, not measured)", "", {}};
  const std::vector<std::string> rows = results.rows("work");
  if (rows.empty()) return section;
  section.text = fmt::format(
      "Counted words and operations of one product at batch 1, dense inputs, times the paper's "
      "table "
      "for 45 nm: a multiply-add {:.1f} pJ, 32 bits from SRAM {} pJ, from DRAM {} pJ. A layer is "
      "in "
      "SRAM "
      "where its weights, inputs and outputs fit into {} MiB together, else in DRAM; the last "
      "column "
      "has both forms in DRAM.",
      kAdd + kMultiply, kSram, kDram, kCache / (1 << 20));
  html::Table table{"",
                    {{"layer", "", false},
                     {"dense MB"},
                     {"packed MB"},
                     {"dense", "uJ"},
                     {"packed", "uJ"},
                     {"with the cache", "times less"},
                     {"all from DRAM", "times less"}},
                    {}};
  html::BarPlot plot;
  plot.title = "Energy of a product";
  plot.y.title = "times less than dense (model)";
  plot.labels = rows;
  html::BarSeries cached{"with the cache", {}};
  html::BarSeries from_dram{"all from DRAM", {}};
  for (const std::string& row : rows) {
    const auto fact = [&](const char* what) { return results.fact("work", row, what).value_or(0); };
    const double other = fact("input and output bytes");
    const Work dense{fact("dense bytes"), other, fact("dense bytes") / kWord};
    const Work packed{fact("packed bytes"), other, fact("nonzeros")};
    cached.values.push_back(energy(dense, kCache) / energy(packed, kCache));
    from_dram.values.push_back(energy(dense, 0) / energy(packed, 0));
    table.rows.push_back(
        {{row, number(dense.weight_bytes / kMega), number(packed.weight_bytes / kMega),
          number(energy(dense, kCache)), number(energy(packed, kCache)),
          times(cached.values.back()), times(from_dram.values.back())}});
  }
  const auto mean = [](const std::vector<double>& values) {
    return times(geometric_mean({values.begin(), values.end()}));
  };
  table.rows.push_back(
      {{"geometric mean", "", "", "", "", mean(cached.values), mean(from_dram.values)}, true});
  plot.series = {cached, from_dram};
  section.parts = {{table, {html::draw(plot)}}};
  return section;
}

}  // namespace dcf::bench
