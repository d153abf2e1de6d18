// SPDX-License-Identifier: Apache-2.0
// Models written by the onnx package: tensors are what its own reader gives (golden/make_onnx.py).
#include "golden_rows.h"
#include "model_test_util.h"
#include "reassemble.h"

namespace dcf::tools::test {
namespace {

TEST(OnnxGolden, TensorsAreThoseOfTheOnnxPackage) {
  const std::string folder = source_file("tests/formats/golden/onnx/");
  std::vector<std::string> rows;
  for (const char* file : {"external.onnx", "places.onnx", "types.onnx"}) {
    const auto source = open_model(folder + file);
    EXPECT_EQ(layout_fault(*source), "") << file;
    for (std::string& row : golden_rows(file, *source)) rows.push_back(std::move(row));
  }
  expect_golden(folder, std::move(rows));
}

}  // namespace
}  // namespace dcf::tools::test
