// SPDX-License-Identifier: Apache-2.0
// dcf_bench_compare OLD.json... -- NEW.json...: what a change did to the speed of every row. Each
// side is as many runs, whose rounds took turns (bench/compare.sh). A figure is the median of its
// runs' medians of thread CPU time; a ratio is the median of the runs', each the median of those of
// its pairs of rounds. Columns of peers, which no change touches, show how steady the machine was.
#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "harness.h"
#include "report/section.h"

namespace dcf::bench {
namespace {

// A row counts as slower from here on.
constexpr double kSlower = 1.03;

using Key = std::tuple<std::string, std::string, std::string>;  // table, row, column

bool is_ours(const Key& key) {
  const auto& [table, row, column] = key;
  for (const char* const start : {"tree", "streams", "dcf"}) {
    if (column.starts_with(start)) return true;
  }
  for (const char* const own : {"load sparse", "size", "threads", "chunk"}) {
    if (table == own) return true;
  }
  return false;
}

// Seconds of one item in each round of each run, wall clock for several threads.
using Rounds = std::vector<double>;
using Times = std::map<Key, std::vector<Rounds>>;

void add_run(const std::string& path, Times* times, std::vector<Key>* order = nullptr) {
  Results run;
  run.load(path);
  for (const Key& key : run.keys()) {
    const auto& [table, row, column] = key;
    const std::optional<Time> time = run.time(table, row, column);
    if (!time) continue;
    Rounds rounds = table == "threads" ? time->wall_rounds : time->cpu_rounds;
    rounds.erase(rounds.begin());  // in which no turns are taken
    for (double& seconds : rounds) seconds /= time->items;
    std::vector<Rounds>& runs = (*times)[key];
    if (order != nullptr && runs.empty()) order->push_back(key);
    runs.push_back(std::move(rounds));
  }
}

double median_of_runs(const std::vector<Rounds>& runs) {
  std::vector<double> medians;
  medians.reserve(runs.size());
  for (const Rounds& rounds : runs) medians.push_back(median(rounds));
  return median(medians);
}

std::vector<Rounds> ratios(const std::vector<Rounds>& after, const std::vector<Rounds>& before) {
  require(after.size() == before.size(), "the sides have different numbers of runs");
  std::vector<Rounds> all = after;
  for (size_t run = 0; run < all.size(); ++run) {
    require(all[run].size() == before[run].size(), "the runs took no turns");
    for (size_t i = 0; i < all[run].size(); ++i) all[run][i] /= before[run][i];
  }
  return all;
}

int compare(int argc, char** argv) {
  Times old_times;
  Times new_times;
  std::vector<Key> order;
  bool is_new = false;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--") {
      is_new = true;
    } else if (is_new) {
      add_run(argv[i], &new_times, &order);
    } else {
      add_run(argv[i], &old_times);
    }
  }
  require(is_new && !old_times.empty() && !new_times.empty(),
          "usage: dcf_bench_compare OLD.json... -- NEW.json...");
  std::printf(
      "| table | row | column | old, ns | new, ns | new / old | "
      "|\n|---|---|---|---|---|---|---|\n");
  std::vector<std::optional<double>> ours;
  std::vector<std::optional<double>> peers;
  int slower = 0;
  for (const Key& key : order) {
    const auto old_runs = old_times.find(key);
    if (old_runs == old_times.end()) continue;
    const double before = median_of_runs(old_runs->second);
    const double after = median_of_runs(new_times.at(key));
    const double ratio = median_of_runs(ratios(new_times.at(key), old_runs->second));
    (is_ours(key) ? ours : peers).push_back(ratio);
    if (!is_ours(key)) continue;
    const bool is_slower = ratio > kSlower;
    slower += is_slower ? 1 : 0;
    const auto& [table, row, column] = key;
    std::printf("| %s | %s | %s | %s | %s | %.3f | %s |\n", table.c_str(), row.c_str(),
                column.c_str(), number(before * 1e9).c_str(), number(after * 1e9).c_str(), ratio,
                is_slower ? "slower" : "");
  }
  std::printf(
      "\n%zu figures, %d of them slower by more than 3 %%; geometric mean %.3f; that of %zu "
      "figures of "
      "peers %.3f\n",
      ours.size(), slower, geometric_mean(ours).value_or(1), peers.size(),
      geometric_mean(peers).value_or(1));
  return 0;
}

}  // namespace
}  // namespace dcf::bench

int main(int argc, char** argv) {
  try {
    return dcf::bench::compare(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dcf_bench_compare: %s\n", error.what());
    return 1;
  }
}
