// SPDX-License-Identifier: Apache-2.0
// `dcf info --json` is read by programs: its fields are pinned and its sums hold.
#include <gtest/gtest.h>

#include <set>

#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

using nlohmann::ordered_json;

const std::set<std::string> kFile = {"format",      "file_bytes",  "overhead_bytes", "name_bytes",
                                     "coded_names", "dense_bytes", "ratio",          "original",
                                     "metadata",    "tensors"};
const std::set<std::string> kTensor = {
    "name",     "dtype",       "shape",         "encoding", "elements",        "nonzeros",
    "entries",  "fillers",     "codebook_size", "gap_bits", "bits_per_weight", "bytes",
    "fidelity", "error_bound", "alias_of"};
const std::set<std::string> kBytes = {"positions", "values", "codebook",
                                      "tables",    "other",  "total"};

void check_tensor(const ordered_json& tensor) {
  SCOPED_TRACE(tensor["name"]);
  EXPECT_EQ(keys(tensor), kTensor);
  EXPECT_EQ(keys(tensor["encoding"]), (std::set<std::string>{"positions", "values"}));
  const ordered_json& bytes = tensor["bytes"];
  EXPECT_EQ(keys(bytes), kBytes);
  uint64_t parts = 0;
  for (const char* const part : {"positions", "values", "codebook", "tables", "other"}) {
    parts += bytes[part].get<uint64_t>();
  }
  EXPECT_EQ(parts, bytes["total"]);
  uint64_t elements = 1;
  for (const ordered_json& dim : tensor["shape"]) elements *= dim.get<uint64_t>();
  EXPECT_EQ(elements, tensor["elements"]);
  const std::string positions = tensor["encoding"]["positions"];
  const auto entries = tensor["entries"].get<uint64_t>();
  if (positions == "dense") {
    EXPECT_EQ(entries, elements);
  } else {
    EXPECT_EQ(entries, tensor["nonzeros"].get<uint64_t>() + tensor["fillers"].get<uint64_t>());
  }
  if (positions != "gap") {
    EXPECT_EQ(tensor["fillers"], 0);
  }
  if (elements > 0) {
    EXPECT_DOUBLE_EQ(tensor["bits_per_weight"],
                     8.0 * bytes["total"].get<double>() / static_cast<double>(elements));
  }
}

void check_file(const ordered_json& info, uint64_t file_bytes, uint64_t dense_bytes) {
  EXPECT_EQ(keys(info), kFile);
  EXPECT_EQ(info["file_bytes"], file_bytes);
  EXPECT_EQ(info["dense_bytes"], dense_bytes);
  EXPECT_DOUBLE_EQ(info["ratio"],
                   static_cast<double>(dense_bytes) / static_cast<double>(file_bytes));
  uint64_t sum = info["overhead_bytes"];
  for (const ordered_json& tensor : info["tensors"]) {
    check_tensor(tensor);
    sum += tensor["bytes"]["total"].get<uint64_t>();
  }
  EXPECT_EQ(sum, file_bytes);
}

uint64_t dense_bytes(const Model& model) {
  uint64_t sum = 0;
  for (const Bytes& data : model.data) sum += data.size();
  return sum;
}

TEST(Info, FieldsArePinnedAndSumsHold) {
  const TempDir dir;
  const Model models[] = {every_kind_model(), sparse_model(), gaussian_model(50, 60), Model{}};
  const std::vector<std::vector<std::string>> ways = {
      {}, {"--positions", "gap"}, {"--sparsity", "0.9", "--bits", "5", "--profile", "paper"}};
  size_t number = 0;
  for (const Model& model : models) {
    const std::string input = save(dir, std::to_string(number++) + ".safetensors", model);
    for (const std::vector<std::string>& way : ways) {
      const std::string packed = compress(dir, input, way);
      const Result info = dcf({"info", "--json", dir.path("out.dcf")});
      expect_success(info);
      check_file(info.json(), packed.size(), dense_bytes(model));
      EXPECT_EQ(info.json()["metadata"].size(), model.metadata.size());
    }
  }
}

TEST(Info, TextNamesEveryTensor) {
  const TempDir dir;
  compress(dir, save(dir, "in.safetensors", sparse_model()), {});
  const Result info = dcf({"info", dir.path("out.dcf")});
  expect_success(info);
  for (const char* const name : {"fc1.weight", "fc2.weight", "fc3.weight"}) {
    EXPECT_NE(info.out.find(name), std::string::npos) << info.out;
  }
}

// A terminal must not obey what a stranger put in a name.
TEST(Info, TextHoldsNoControlCharacters) {
  const TempDir dir;
  Model model;
  model.tensors = {meta("\x1b[2Jred\x07\n", DCF_DTYPE_U8, {1})};
  model.data = {{1}};
  compress(dir, save(dir, "in.safetensors", model), {});
  const Result info = dcf({"info", dir.path("out.dcf")});
  expect_success(info);
  for (const char c : info.out) EXPECT_TRUE(c == '\n' || static_cast<uint8_t>(c) >= 0x20);
}

// U+200B does not show and is written out; a name that has the same text must look different.
TEST(Info, NoTwoNamesPrintAlike) {
  const TempDir dir;
  Model model;
  const std::string hidden = "a\u200b";
  const std::string written = "a\\u{200b}";
  model.tensors = {meta(hidden, DCF_DTYPE_U8, {1}), meta(written, DCF_DTYPE_U8, {1})};
  model.data = {{1}, {2}};
  compress(dir, save(dir, "in.safetensors", model), {});
  const Result info = dcf({"info", dir.path("out.dcf")});
  expect_success(info);
  EXPECT_NE(info.out.find("a\\u{200b} "), std::string::npos) << info.out;
  EXPECT_NE(info.out.find("a\\\\u{200b} "), std::string::npos) << info.out;
  // JSON has escapes of its own.
  const ordered_json json = dcf({"info", "--json", dir.path("out.dcf")}).json();
  std::set<std::string> names;
  for (const ordered_json& tensor : json["tensors"]) names.insert(tensor["name"]);
  EXPECT_EQ(names, (std::set<std::string>{hidden, written}));
}

}  // namespace
}  // namespace dcf::tools::test
