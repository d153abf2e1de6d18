// SPDX-License-Identifier: Apache-2.0
// Every rule of the specification has a golden file that breaks it, or a reason why it has none;
// the index reports each rule with the code that the specification gives it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "support/test_paths.h"

namespace {

const std::filesystem::path kInvalid =
    std::filesystem::path(DCF_SOURCE_DIR) / "tests/golden/invalid";

std::vector<std::vector<std::string>> read_table(const std::string& name) {
  std::ifstream in(kInvalid / name);
  EXPECT_TRUE(in.good()) << name;
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("#")) continue;
    std::istringstream fields(line);
    rows.emplace_back();
    for (std::string field; std::getline(fields, field, '\t');) rows.back().push_back(field);
  }
  return rows;
}

// Rule id -> code.
std::map<std::string, std::string> rules_of_spec() {
  std::ifstream in(std::string(DCF_SOURCE_DIR) + "/spec/dcf-format.md");
  const std::regex rule(R"(^- \*\*([A-Z]-\d\d)\*\* \((\w+) at )");
  std::map<std::string, std::string> rules;
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (std::regex_search(line, match, rule)) rules[match[1]] = match[2];
  }
  EXPECT_GE(rules.size(), 60u);
  return rules;
}

TEST(GoldenRules, EveryRuleHasAFileThatBreaksItOrAReason) {
  std::set<std::string> broken;
  for (const auto& row : read_table("index.tsv")) broken.insert(row.at(2));
  std::map<std::string, std::string> reasons;
  for (const auto& row : read_table("without_file.tsv")) {
    ASSERT_EQ(row.size(), 2u) << row.at(0);
    EXPECT_GE(row[1].size(), 20u) << row[0];
    reasons[row[0]] = row[1];
  }
  const auto rules = rules_of_spec();
  for (const auto& [rule, code] : rules) {
    EXPECT_TRUE(broken.contains(rule) != reasons.contains(rule))
        << rule << " has neither a file nor a reason, or both";
  }
  for (const std::string& rule : broken) EXPECT_TRUE(rules.contains(rule)) << rule;
  for (const auto& [rule, reason] : reasons) EXPECT_TRUE(rules.contains(rule)) << rule;
}

TEST(GoldenRules, CodesOfTheIndexAreThoseOfTheSpecification) {
  const auto rules = rules_of_spec();
  for (const auto& row : read_table("index.tsv")) {
    ASSERT_EQ(row.size(), 4u) << row.at(0);
    ASSERT_TRUE(rules.contains(row[2])) << row[2];
    EXPECT_EQ(row[1], rules.at(row[2])) << row[0];
  }
}

TEST(GoldenRules, TheIndexNamesEveryFileOnce) {
  std::set<std::string> listed;
  for (const auto& row : read_table("index.tsv")) {
    EXPECT_TRUE(listed.insert(row.at(0) + ".dcf").second) << row.at(0);
  }
  std::set<std::string> present;
  for (const auto& entry : std::filesystem::directory_iterator(kInvalid)) {
    if (entry.path().extension() == ".dcf") present.insert(entry.path().filename());
  }
  EXPECT_EQ(listed, present);
}

}  // namespace
