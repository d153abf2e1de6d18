// SPDX-License-Identifier: Apache-2.0
// Models written by the onnx package: tensors are what its own reader gives (golden/make_onnx.py).
#include <algorithm>
#include <sstream>

#include "model_test_util.h"
#include "reassemble.h"

namespace dcf::tools::test {
namespace {

const std::string kFolder = source_file("tests/formats/golden/onnx/");

std::string hex(const Bytes& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

TEST(OnnxGolden, TensorsAreThoseOfTheOnnxPackage) {
  std::vector<std::string> rows;
  for (const char* file : {"external.onnx", "places.onnx", "types.onnx"}) {
    const auto source = open_model(kFolder + file);
    EXPECT_EQ(layout_fault(*source), "") << file;
    for (size_t i = 0; i < source->tensors().size(); ++i) {
      const TensorMeta& tensor = source->tensors()[i];
      std::string row = std::string(file) + "\t" + tensor.name + "\t";
      for (size_t d = 0; d < tensor.dims.size(); ++d) {
        row += (d == 0 ? "" : ",") + std::to_string(tensor.dims[d]);
      }
      rows.push_back(row + "\t" + hex(source->read(i)));
    }
  }
  std::sort(rows.begin(), rows.end());
  std::istringstream expected(read_text(kFolder + "tensors.tsv"));
  size_t count = 0;
  for (std::string line; std::getline(expected, line); ++count) {
    ASSERT_LT(count, rows.size()) << line;
    EXPECT_EQ(rows[count], line);
  }
  EXPECT_EQ(rows.size(), count);
}

}  // namespace
}  // namespace dcf::tools::test
