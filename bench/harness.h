// SPDX-License-Identifier: Apache-2.0
// One program of measurements: what it times runs under Google Benchmark, in rounds of all
// competitors, each in an order drawn anew; wall and thread CPU times of the rounds go to a JSON
// file that bench/report reads.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "turns.h"

namespace dcf::bench {

// A point of a table: which one, which line, which column.
struct Cell {
  std::string table;
  std::string row;
  std::string column;
};

class Suite {
 public:
  // Reads --quick, --out FILE, --only TEXT and --turns lead|follow FIFO FIFO (the one that the
  // leader writes, and the other); ends the program where they are wrong.
  Suite(std::string program, int argc, char** argv);

  bool quick() const { return quick_; }
  // Where the results go; files of a measurement go there too.
  std::filesystem::path folder() const { return std::filesystem::path(out_).parent_path(); }
  // False for rows that --only leaves out.
  bool wants(const std::string& row) const;

  // One call of `call` does so many `items` of work: symbols, bytes, multiply-adds.
  void time(Cell cell, double items, std::function<void()> call);
  // The same for work on several threads: the CPU time is that of the whole process.
  void time_threads(Cell cell, double items, std::function<void()> call);
  // Times what was added since the last time, and lets go of it.
  void run();

  // A figure that is counted, not timed.
  void fact(Cell cell, double value);
  void fact(Cell cell, const std::string& text);
  // Says, here and in the report, what could not be measured.
  void leave_out(const std::string& what);

  // Writes the file.
  void finish() const;

 private:
  struct Task {
    Cell cell;
    double items;
    bool process_cpu;
    std::function<void()> call;
  };

  std::string program_;
  std::string out_;
  std::string only_;
  bool quick_ = false;
  Turns turns_;
  std::vector<Task> tasks_;
  nlohmann::ordered_json points_ = nlohmann::ordered_json::array();
  nlohmann::ordered_json left_out_ = nlohmann::ordered_json::array();
};

// Of at least one value; of an even number the upper one of the middle.
double median(std::vector<double> values);

// Throws with `what` unless `ok`: results that are compared must be right.
void require(bool ok, const std::string& what);

// main() of a program: exceptions become a line and an exit status.
int guarded(int argc, char** argv, const char* program, const std::function<void(Suite*)>& body);

}  // namespace dcf::bench
