// SPDX-License-Identifier: Apache-2.0
// Files written by NumPy, SciPy, safetensors and CTranslate2: tensors are what those libraries read
// (golden/make_others.py).
#include "golden_rows.h"
#include "model_test_util.h"
#include "reassemble.h"

namespace dcf::tools::test {
namespace {

TEST(OthersGolden, TensorsAreThoseOfTheLibraries) {
  const std::string folder = source_file("tests/formats/golden/others/");
  struct File {
    const char* name;
    bool comes_back;
  };
  std::vector<std::string> rows;
  for (const File& file : {File{"numbers.npz", true},
                           {"others.npz", true},
                           {"packed.npz", false},
                           {"fortran.npy", false},
                           {"big.npy", false},
                           {"csr.npz", false},
                           {"model.safetensors.index.json", true},
                           {"model.bin", true}}) {
    const auto source = open_model(folder + file.name);
    EXPECT_EQ(source->layout() != nullptr, file.comes_back) << file.name;
    if (file.comes_back) EXPECT_EQ(layout_fault(*source), "") << file.name;
    for (std::string& row : golden_rows(file.name, *source)) rows.push_back(std::move(row));
  }
  expect_golden(folder, std::move(rows));
}

}  // namespace
}  // namespace dcf::tools::test
