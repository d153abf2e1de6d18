// SPDX-License-Identifier: Apache-2.0
#include "harness.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <numeric>
#include <random>
#include <stdexcept>
#include <utility>

#include "machine.h"

namespace dcf::bench {
namespace {

// Many short rounds, as ratios are taken within them.
struct Effort {
  size_t least_rounds;
  size_t most_rounds;
  double seconds;         // of all rounds, after which there are no more than the least
  double seconds_of_one;  // of each task in a round, at least
};
constexpr Effort kFull = {15, 101, 6, 0.01};
constexpr Effort kQuick = {5, 41, 1.5, 0.004};

struct Sample {
  std::vector<double> wall;  // seconds of one call, round by round
  std::vector<double> cpu;
  benchmark::IterationCount calls = 0;  // of a round
};

// Keeps every round and prints nothing.
class Collector : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& /*context*/) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration || run.iterations == 0) continue;
      Sample& sample = samples[run.run_name.function_name];
      sample.calls = run.iterations;
      const auto calls = static_cast<double>(run.iterations);
      sample.wall.push_back(run.real_accumulated_time / calls);
      sample.cpu.push_back(run.cpu_accumulated_time / calls);
    }
  }

  std::map<std::string, Sample> samples;
};

nlohmann::ordered_json statistics(const std::vector<double>& seconds) {
  return {{"median", median(seconds)}, {"rounds", seconds}};
}

nlohmann::ordered_json names(const Cell& cell) {
  return {{"table", cell.table}, {"row", cell.row}, {"column", cell.column}};
}

void usage(const std::string& program) {
  std::fprintf(
      stderr, "usage: %s [--quick] [--only TEXT] [--turns lead|follow FIFO FIFO] --out FILE.json\n",
      program.c_str());
  std::exit(2);
}

}  // namespace

Suite::Suite(std::string program, int argc, char** argv) : program_(std::move(program)) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--quick") {
      quick_ = true;
    } else if (argument == "--out" && i + 1 < argc) {
      out_ = argv[++i];
    } else if (argument == "--only" && i + 1 < argc) {
      only_ = argv[++i];
    } else if (argument == "--turns" && i + 3 < argc) {
      turns_ = Turns(std::string(argv[i + 1]) == "lead", argv[i + 2], argv[i + 3]);
      i += 3;
    } else {
      usage(program_);
    }
  }
  if (out_.empty()) usage(program_);
  char* pointers[] = {program_.data(), nullptr};
  int count = 1;
  benchmark::Initialize(&count, pointers);
}

bool Suite::wants(const std::string& row) const {
  return only_.empty() || row.find(only_) != std::string::npos;
}

void Suite::time(Cell cell, double items, std::function<void()> call) {
  tasks_.push_back({std::move(cell), items, false, std::move(call)});
}

void Suite::time_threads(Cell cell, double items, std::function<void()> call) {
  tasks_.push_back({std::move(cell), items, true, std::move(call)});
}

void Suite::run() {
  if (tasks_.empty()) return;
  const Effort& effort = quick_ ? kQuick : kFull;
  std::string failure;
  Collector collector;
  const Turns alone;
  const Turns* turns = &alone;  // in the first round, which finds the numbers of calls
  const auto add = [&](size_t i) {
    const std::string name = std::to_string(i);
    const Task* const task = &tasks_[i];
    auto* const registered =
        benchmark::RegisterBenchmark(name.c_str(), [&, task](benchmark::State& state) {
          try {
            turns->begin();
            for (auto _ : state) task->call();
            turns->end();
          } catch (const std::exception& error) {
            failure = task->cell.row + ", " + task->cell.column + ": " + error.what();
            state.SkipWithError(failure.c_str());
          }
        });
    const auto known = collector.samples.find(name);
    if (known == collector.samples.end()) {
      registered->MinTime(effort.seconds_of_one);
    } else {
      registered->Iterations(known->second.calls);
    }
    if (task->process_cpu) registered->MeasureProcessCPUTime();
  };
  // Every round runs every task once, in an order of its own: what is slow for a while, as a
  // machine with other tenants is, meets all competitors alike, and ratios are taken within rounds.
  std::vector<size_t> order(tasks_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::mt19937 random(1);
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                                   std::chrono::duration<double>(effort.seconds));
  for (size_t round = 0;; ++round) {
    const bool wanted =
        round < effort.most_rounds && (round < effort.least_rounds || Clock::now() <= end);
    if (round > 0) turns = &turns_;
    if (!turns->another_round(wanted)) break;
    std::shuffle(order.begin(), order.end(), random);
    for (const size_t i : order) add(i);
    benchmark::RunSpecifiedBenchmarks(&collector);
    benchmark::ClearRegisteredBenchmarks();
    if (!failure.empty()) throw std::runtime_error(failure);
  }
  for (size_t i = 0; i < tasks_.size(); ++i) {
    const Sample& sample = collector.samples.at(std::to_string(i));
    nlohmann::ordered_json point = names(tasks_[i].cell);
    point["items"] = tasks_[i].items;
    point["wall"] = statistics(sample.wall);
    point["cpu"] = statistics(sample.cpu);
    points_.push_back(std::move(point));
  }
  std::printf("%s %s\n", tasks_[0].cell.table.c_str(), tasks_[0].cell.row.c_str());
  std::fflush(stdout);
  tasks_.clear();
}

void Suite::fact(Cell cell, double value) {
  nlohmann::ordered_json point = names(cell);
  point["value"] = value;
  points_.push_back(std::move(point));
}

void Suite::fact(Cell cell, const std::string& text) {
  nlohmann::ordered_json point = names(cell);
  point["text"] = text;
  points_.push_back(std::move(point));
}

void Suite::leave_out(const std::string& what) {
  std::printf("left out: %s\n", what.c_str());
  left_out_.push_back(what);
}

void Suite::finish() const {
  const nlohmann::ordered_json all = {{"program", program_},
                                      {"quick", quick_},
                                      {"machine", describe_machine()},
                                      {"left_out", left_out_},
                                      {"points", points_}};
  std::ofstream file(out_);
  file << all.dump(1) << '\n';
  file.close();
  require(file.good(), "cannot write " + out_);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void require(bool ok, const std::string& what) {
  if (!ok) throw std::runtime_error(what);
}

int guarded(int argc, char** argv, const char* program, const std::function<void(Suite*)>& body) {
  try {
    Suite suite(program, argc, argv);
    body(&suite);
    suite.finish();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", program, error.what());
    return 1;
  }
}

}  // namespace dcf::bench
