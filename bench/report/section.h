// SPDX-License-Identifier: Apache-2.0
// A part of the report, made once and written as Markdown and as HTML.
#pragma once

#include <string>
#include <vector>

#include "cli/page/page_table.h"
#include "cli/page/plot.h"
#include "report/results.h"

namespace dcf::bench {

namespace html = tools::html;

inline constexpr double kNano = 1e-9;
inline constexpr double kMicro = 1e-6;
inline constexpr double kMilli = 1e-3;
inline constexpr double kKibi = 1024;
inline constexpr double kMega = 1e6;
inline constexpr double kGiga = 1e9;

// Peers by what they multiply: a dense matrix, or the matrix that im2col makes of a picture.
inline const std::vector<std::string> kDense = {"OpenBLAS", "oneDNN", "XNNPACK"};
inline const std::vector<std::string> kGemm = {"OpenBLAS", "oneDNN"};

// A table, and what it looks like where that tells more.
struct Part {
  html::Table table;
  std::vector<html::Markup> plots;
};

struct Section {
  std::string title;
  std::string text;  // what was measured, and how
  std::vector<Part> parts;
};

// Each is nothing (no parts) where its program was not run.
Section goals_section(const Results& results);
Section entropy_section(const Results& results);
Section load_section(const Results& results);
Section layer_section(const Results& results);
Section scaling_section(const Results& results);
Section energy_section(const Results& results);
Section code_section(const Results& results);

std::string to_markdown(const Section& section);
std::string to_markdown(const html::Table& table);

// Three significant digits: "0.0123", "1.23", "12.3", "1230"; "-" for nothing.
std::string number(std::optional<double> value);
std::string times(std::optional<double> value);  // "1.23x"
// "1.23x", by thread CPU time, and where the wall clock tells another tale that in brackets too.
std::string ratio(const std::optional<Time>& peer, const std::optional<Time>& ours);
// How many times the peer's rate ours is, by CPU time or by the wall clock: the median of what it
// is in each round, in which both met the machine in the same state.
std::optional<double> speedup(const std::optional<Time>& peer, const std::optional<Time>& ours);
std::optional<double> wall_speedup(const std::optional<Time>& peer,
                                   const std::optional<Time>& ours);
// Of those that are there; nothing if there are none.
std::optional<double> geometric_mean(const std::vector<std::optional<double>>& values);

}  // namespace dcf::bench
