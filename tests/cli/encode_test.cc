// SPDX-License-Identifier: Apache-2.0
// The encoders as the program drives them: sizes, the paper's profile, equal bytes every time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

std::vector<float> first_tensor(const std::string& path) {
  const Model model = read_model(path);
  std::vector<float> values(model.data.at(0).size() / sizeof(float));
  std::memcpy(values.data(), model.data[0].data(), model.data[0].size());
  return values;
}

TEST(Encode, AutomaticPositionsAreNeverLarger) {
  const TempDir dir;
  const std::string files[] = {save(dir, "sparse.safetensors", sparse_model()),
                               save(dir, "dense.safetensors", gaussian_model(60, 70)),
                               save(dir, "kinds.safetensors", every_kind_model())};
  const std::vector<std::vector<std::string>> ways = {{"--lossless"},
                                                      {"--bits", "4"},
                                                      {"--sparsity", "0.8"},
                                                      {"--sparsity", "0.95", "--bits", "5"}};
  for (const std::string& file : files) {
    for (std::vector<std::string> way : ways) {
      const size_t automatic = compress(dir, file, way).size();
      EXPECT_EQ(
          [&] {
            std::vector<std::string> named = way;
            named.insert(named.end(), {"--positions", "auto"});
            return compress(dir, file, named).size();
          }(),
          automatic);
      for (const char* const forced : {"dense", "bitmap", "gap", "gap-bucket"}) {
        std::vector<std::string> all = way;
        all.insert(all.end(), {"--positions", forced});
        EXPECT_LE(automatic, compress(dir, file, all).size())
            << file << " " << way[0] << " " << forced;
      }
    }
  }
}

TEST(Encode, BytesDoNotDependOnThreadsOrTheRun) {
  const TempDir dir;
  // Several chunks, so that there is work for several threads.
  const std::string input = save(dir, "in.safetensors", gaussian_model(400, 1000));
  const std::vector<std::vector<std::string>> ways = {
      {"--lossless"},
      {"--sparsity", "0.7", "--bits", "5", "--profile", "paper"},
      {"--bits", "4", "--init", "forgy", "--seed", "7"},
      {"--bits", "3", "--init", "optimal"}};
  for (const std::vector<std::string>& way : ways) {
    std::set<std::string> files;
    for (const char* const threads : {"-T1", "-T2", "-T2", "-T7"}) {
      std::vector<std::string> all = way;
      all.emplace_back(threads);
      files.insert(compress(dir, input, all));
    }
    EXPECT_EQ(files.size(), 1u) << way[0];
  }
}

TEST(Encode, ThePapersProfile) {
  const TempDir dir;
  const std::string input = save(dir, "in.safetensors", gaussian_model(300, 400));
  const std::string packed = dir.path("p.dcf");
  const Result run = dcf({"compress", input, "-q", "-o", packed, "--profile", "paper", "--sparsity",
                          "0.91", "--bits", "5"});
  expect_success(run);
  const auto layer = dcf({"info", "--json", packed}).json()["tensors"][0];
  EXPECT_EQ(layer["encoding"]["positions"], "gap");
  EXPECT_EQ(layer["encoding"]["values"], "palette");
  EXPECT_EQ(layer["elements"], 120'000);
  EXPECT_EQ(layer["nonzeros"], 10'800);  // what 91 % leaves
  EXPECT_EQ(layer["entries"].get<uint64_t>(),
            layer["nonzeros"].get<uint64_t>() + layer["fillers"].get<uint64_t>());
  EXPECT_LE(layer["codebook_size"], 32);

  expect_success(dcf({"decompress", packed, "-q", "-o", dir.path("r.safetensors")}));
  const std::vector<float> before = first_tensor(input);
  const std::vector<float> after = first_tensor(dir.path("r.safetensors"));
  std::set<float> shared;
  size_t kept = 0;
  float smallest_kept = INFINITY;
  float largest_dropped = 0;
  for (size_t i = 0; i < after.size(); ++i) {
    if (after[i] == 0) {
      largest_dropped = std::max(largest_dropped, std::fabs(before[i]));
      continue;
    }
    ++kept;
    shared.insert(after[i]);
    smallest_kept = std::min(smallest_kept, std::fabs(before[i]));
  }
  EXPECT_EQ(kept, 10'800u);
  EXPECT_EQ(shared.size(), layer["codebook_size"].get<size_t>());
  EXPECT_GE(smallest_kept, largest_dropped);
  expect_success(dcf({"compare", "--bounds", input, packed}));
  EXPECT_EQ(dcf({"compare", input, packed}).exit_code, 1);
}

TEST(Encode, CanonicalZerosDropSignsAndSaySo) {
  const TempDir dir;
  Model model = sparse_model();
  for (Bytes& data : model.data) {  // every other zero gets a sign
    for (size_t at = 0; at + 4 <= data.size(); at += 8) {
      if (std::all_of(&data[at], &data[at] + 4, [](uint8_t b) { return b == 0; })) {
        data[at + 3] = 0x80;
      }
    }
  }
  const std::string input = save(dir, "in.safetensors", model);
  const std::string kept = dir.write("kept.dcf", compress(dir, input, {"--zeros", "keep"}));
  const std::string dropped =
      dir.write("dropped.dcf", compress(dir, input, {"--zeros", "canonical"}));
  EXPECT_LT(read_text(dropped).size(), read_text(kept).size());
  const Result said =
      dcf({"compress", input, "-o", dir.path("x.dcf"), "--zeros", "canonical", "--no-progress"});
  EXPECT_EQ(said.err, "dcf: note: 3 tensors had -0, which comes back as 0\n");
  EXPECT_EQ(said.out.find("lossless"), std::string::npos);
  expect_success(dcf({"compare", input, kept}));
  EXPECT_EQ(dcf({"compare", input, dropped}).exit_code, 1);
  expect_success(dcf({"compare", "--bounds", input, dropped}));
  const auto info = dcf({"info", "--json", dropped}).json();
  EXPECT_FALSE(info["tensors"].empty());
  for (const auto& tensor : info["tensors"]) {
    EXPECT_EQ(tensor["fidelity"], "value-exact");
  }
  expect_success(dcf({"decompress", dropped, "-q", "-o", dir.path("r.safetensors")}));
  expect_restored(dir.path("r.safetensors"), sparse_model());  // where all zeros are +0
}

}  // namespace
}  // namespace dcf::tools::test
