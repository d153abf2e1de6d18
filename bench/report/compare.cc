// SPDX-License-Identifier: Apache-2.0
// dcf_bench_compare OLD.json... -- NEW.json...: what a change did to the speed of every row. Each
// side is several runs that alternated (bench/compare.sh); a figure is the median of its runs'
// medians of thread CPU time. Columns of peers, which no change touches, show how steady the
// machine was.
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

// Seconds of one item in each run, wall clock for several threads.
using Times = std::map<Key, std::vector<double>>;

void add_run(const std::string& path, Times* times, std::vector<Key>* order = nullptr) {
  Results run;
  run.load(path);
  for (const Key& key : run.keys()) {
    const auto& [table, row, column] = key;
    const std::optional<Time> time = run.time(table, row, column);
    if (!time) continue;
    const double seconds = table == "threads" ? time->wall : time->cpu;
    std::vector<double>& runs = (*times)[key];
    if (order != nullptr && runs.empty()) order->push_back(key);
    runs.push_back(seconds / time->items);
  }
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
    const double before = median(old_runs->second);
    const double after = median(new_times.at(key));
    const double ratio = after / before;
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
