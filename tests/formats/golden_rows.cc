// SPDX-License-Identifier: Apache-2.0
#include "golden_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "model_test_util.h"

namespace dcf::tools::test {
namespace {

std::string hex(const Bytes& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

}  // namespace

std::vector<std::string> golden_rows(const std::string& file, const ModelSource& source) {
  std::vector<std::string> rows;
  for (size_t i = 0; i < source.tensors().size(); ++i) {
    const TensorMeta& tensor = source.tensors()[i];
    std::string row = file + "\t" + tensor.name + "\t";
    for (size_t d = 0; d < tensor.dims.size(); ++d) {
      row += (d == 0 ? "" : ",") + std::to_string(tensor.dims[d]);
    }
    rows.push_back(row + "\t" + hex(source.read(i)));
  }
  return rows;
}

void expect_golden(const std::string& folder, std::vector<std::string> rows) {
  std::sort(rows.begin(), rows.end());
  std::istringstream expected(read_text(folder + "tensors.tsv"));
  size_t count = 0;
  for (std::string line; std::getline(expected, line); ++count) {
    ASSERT_LT(count, rows.size()) << line;
    EXPECT_EQ(rows[count], line);
  }
  EXPECT_EQ(rows.size(), count);
}

}  // namespace dcf::tools::test
