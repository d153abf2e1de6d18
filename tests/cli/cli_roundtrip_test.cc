// SPDX-License-Identifier: Apache-2.0
// What goes in comes back, for every format the program reads and writes.
#include <gtest/gtest.h>

#include <filesystem>

#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

// compress, verify, decompress and compare, both ways round.
void expect_lossless(const TempDir& dir, const std::string& input, const Model& model,
                     const std::string& restored_name = "restored.safetensors") {
  const std::string packed = dir.path("packed.dcf");
  const std::string restored = dir.path(restored_name);
  expect_success(dcf({"compress", "--lossless", "-q", input, "-o", packed}));
  expect_success(dcf({"verify", packed}));
  expect_success(dcf({"decompress", packed, "-o", restored}));
  expect_restored(restored, model);
  expect_success(dcf({"compare", input, packed}));
  expect_success(dcf({"compare", input, restored}));
  expect_success(dcf({"compare", "--bounds", restored, packed}));
}

TEST(Roundtrip, EveryKindOfTensorComesBack) {
  const TempDir dir;
  const Model model = every_kind_model();
  expect_lossless(dir, save(dir, "in.safetensors", model), model);
}

TEST(Roundtrip, AModelWithoutTensorsComesBack) {
  const TempDir dir;
  Model model;
  model.metadata = {{"nothing", "here"}};
  expect_lossless(dir, save(dir, "in.safetensors", model), model);
}

TEST(Roundtrip, TenThousandTensorsComeBack) {
  const TempDir dir;
  Model model;
  for (uint64_t i = 0; i < 10'000; ++i) {
    model.tensors.push_back(meta("layer." + std::to_string(i) + ".weight", DCF_DTYPE_F32, {2, 2}));
    model.data.push_back(noise(16, i));
  }
  expect_lossless(dir, save(dir, "in.safetensors", model), model);
}

TEST(Roundtrip, NpzInAndOut) {
  const TempDir dir;
  const Model model = sparse_model();
  write_model(dir.path("in.npz"), model, SinkFormat::kNpz);
  expect_lossless(dir, dir.path("in.npz"), model, "restored.npz");
  expect_success(
      dcf({"decompress", dir.path("packed.dcf"), "-o", dir.path("again"), "--to", "npz"}));
  EXPECT_TRUE(read_text(dir.path("again")) == read_text(dir.path("restored.npz")));
}

// As numpy itself writes it: a plain archive, without a word of ours.
TEST(Roundtrip, NpzOfNumpyIsRead) {
  const TempDir dir;
  const std::string array =
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", std::string(16, '\1'));
  const std::string input = dir.write("in.npz", zip({{"w.npy", array, true}, {"v.npy", array}}));
  Model model;
  for (const char* const name : {"v", "w"}) {
    model.tensors.push_back(meta(name, DCF_DTYPE_F32, {2, 2}));
    model.data.emplace_back(16, uint8_t{1});
  }
  expect_lossless(dir, input, model);
}

TEST(Roundtrip, NpyInAndCat) {
  const TempDir dir;
  const std::string data(24, '\7');
  const std::string input =
      dir.write("w.npy", npy("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }", data));
  expect_success(dcf({"compress", input, "-q", "-o", dir.path("w.dcf")}));
  const Result info = dcf({"info", "--json", dir.path("w.dcf")});
  const std::string name = info.json()["tensors"][0]["name"];
  const Result cat = dcf({"cat", dir.path("w.dcf"), name});
  expect_success(cat);
  EXPECT_TRUE(cat.out.starts_with("\x93NUMPY"));
  EXPECT_TRUE(cat.out.ends_with(data));
  std::filesystem::create_directory(dir.path("again"));
  const std::string again =
      dir.path("again/w.npy");  // a file of one array has the name of the file
  expect_success(dcf({"cat", dir.path("w.dcf"), name, "-o", again}));
  EXPECT_TRUE(read_text(again) == cat.out);
  expect_success(dcf({"compare", input, again}));
}

TEST(Roundtrip, StandardStreams) {
  const TempDir dir;
  const std::string input = save(dir, "in.safetensors", sparse_model());
  const std::string packed = dir.write("packed.dcf", compress(dir, input, {}));
  const Result to_stdout = dcf({"compress", input, "-o", "-"});
  expect_success(to_stdout);
  EXPECT_TRUE(to_stdout.out == read_text(packed));

  const Setting from_stdin{.stdin_path = packed};
  expect_success(dcf({"verify", "-"}, from_stdin));
  const Result info = dcf({"info", "-", "--json"}, from_stdin);
  expect_success(info);
  EXPECT_EQ(info.json()["tensors"].size(), 3u);
  const Result restored = dcf({"decompress", "-", "-o", "-"}, from_stdin);
  expect_success(restored);
  expect_restored(dir.write("restored.safetensors", restored.out), sparse_model());
}

TEST(Roundtrip, AFileIsItsOwnInput) {
  const TempDir dir;
  const std::string packed = compress(dir, save(dir, "in.safetensors", every_kind_model()), {});
  const std::string first = dir.write("first.dcf", packed);
  EXPECT_TRUE(compress(dir, first, {}) == packed);
}

TEST(Compare, ADifferenceExitsWithOne) {
  const TempDir dir;
  Model model = sparse_model();
  const std::string a = save(dir, "a.safetensors", model);
  model.data[1][7] ^= 1;
  const std::string b = save(dir, "b.safetensors", model);
  const Result text = dcf({"compare", a, b});
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_NE(text.out.find("fc2.weight"), std::string::npos) << text.out;
  const Result json = dcf({"compare", "--json", a, b});
  EXPECT_EQ(json.exit_code, 1);
  EXPECT_EQ(json.json()["ok"], false);

  model = sparse_model();
  model.tensors.pop_back();
  model.data.pop_back();
  EXPECT_EQ(dcf({"compare", a, save(dir, "c.safetensors", model)}).exit_code, 1);
}

}  // namespace
}  // namespace dcf::tools::test
