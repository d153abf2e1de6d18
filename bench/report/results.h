// SPDX-License-Identifier: Apache-2.0
// What the programs measured, from their JSON files.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace dcf::bench {

// In seconds of one call.
struct Time {
  double wall = 0;  // medians of the rounds
  double cpu = 0;
  double items = 0;  // the work of a call
  std::vector<double> wall_rounds;
  std::vector<double> cpu_rounds;
};

class Results {
 public:
  void load(const std::string& path);

  bool empty() const { return points_.empty(); }
  const nlohmann::ordered_json& machine() const { return machine_; }
  bool quick() const { return quick_; }
  const std::vector<std::string>& left_out() const { return left_out_; }

  // Table, row and column of all that was measured, in that order.
  std::vector<std::tuple<std::string, std::string, std::string>> keys() const;
  bool has(const std::string& table) const { return !rows(table).empty(); }
  // In the order in which they were measured.
  std::vector<std::string> rows(const std::string& table) const;
  std::vector<std::string> columns(const std::string& table) const;

  std::optional<Time> time(const std::string& table, const std::string& row,
                           const std::string& column) const;
  std::optional<double> fact(const std::string& table, const std::string& row,
                             const std::string& column) const;
  std::string text(const std::string& table, const std::string& row,
                   const std::string& column) const;  // empty: none
  // The least CPU time of these columns; nothing where there is none of them.
  std::optional<Time> best(const std::string& table, const std::string& row,
                           const std::vector<std::string>& columns) const;

 private:
  struct Point {
    std::string table;
    std::string row;
    std::string column;
    std::optional<Time> time;
    std::optional<double> value;
    std::string text;
  };
  const Point* find(const std::string& table, const std::string& row,
                    const std::string& column) const;

  std::vector<Point> points_;
  nlohmann::ordered_json machine_;
  bool quick_ = false;
  std::vector<std::string> left_out_;
};

}  // namespace dcf::bench
