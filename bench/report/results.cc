// SPDX-License-Identifier: Apache-2.0
#include "report/results.h"

#include <algorithm>
#include <fstream>

#include "harness.h"

namespace dcf::bench {
namespace {

void add_once(std::vector<std::string>* all, const std::string& name) {
  if (std::find(all->begin(), all->end(), name) == all->end()) all->push_back(name);
}

}  // namespace

void Results::load(const std::string& path) {
  std::ifstream file(path);
  require(file.good(), "cannot read " + path);
  const auto json = nlohmann::ordered_json::parse(file);
  machine_ = json.at("machine");
  quick_ = quick_ || json.at("quick").get<bool>();
  for (const auto& what : json.at("left_out")) add_once(&left_out_, what);
  for (const auto& point : json.at("points")) {
    Point p{point.at("table"), point.at("row"), point.at("column"), std::nullopt, std::nullopt, ""};
    if (point.contains("value")) {
      p.value = point.at("value").get<double>();
    } else if (point.contains("text")) {
      p.text = point.at("text");
    } else {
      const auto& wall = point.at("wall");
      const auto& cpu = point.at("cpu");
      p.time = {wall.at("median"), cpu.at("median"), point.at("items"), wall.at("rounds"),
                cpu.at("rounds")};
    }
    points_.push_back(std::move(p));
  }
}

std::vector<std::tuple<std::string, std::string, std::string>> Results::keys() const {
  std::vector<std::tuple<std::string, std::string, std::string>> all;
  for (const Point& p : points_) all.emplace_back(p.table, p.row, p.column);
  return all;
}

std::vector<std::string> Results::rows(const std::string& table) const {
  std::vector<std::string> all;
  for (const Point& p : points_) {
    if (p.table == table) add_once(&all, p.row);
  }
  return all;
}

std::vector<std::string> Results::columns(const std::string& table) const {
  std::vector<std::string> all;
  for (const Point& p : points_) {
    if (p.table == table) add_once(&all, p.column);
  }
  return all;
}

const Results::Point* Results::find(const std::string& table, const std::string& row,
                                    const std::string& column) const {
  for (const Point& p : points_) {
    if (p.table == table && p.row == row && p.column == column) return &p;
  }
  return nullptr;
}

std::optional<Time> Results::time(const std::string& table, const std::string& row,
                                  const std::string& column) const {
  const Point* const point = find(table, row, column);
  return point == nullptr ? std::nullopt : point->time;
}

std::optional<double> Results::fact(const std::string& table, const std::string& row,
                                    const std::string& column) const {
  const Point* const point = find(table, row, column);
  return point == nullptr ? std::nullopt : point->value;
}

std::string Results::text(const std::string& table, const std::string& row,
                          const std::string& column) const {
  const Point* const point = find(table, row, column);
  return point == nullptr ? "" : point->text;
}

std::optional<Time> Results::best(const std::string& table, const std::string& row,
                                  const std::vector<std::string>& columns) const {
  std::optional<Time> least;
  for (const std::string& column : columns) {
    const std::optional<Time> t = time(table, row, column);
    if (t && (!least || t->cpu < least->cpu)) least = t;
  }
  return least;
}

}  // namespace dcf::bench
