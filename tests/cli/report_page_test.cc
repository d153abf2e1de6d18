// SPDX-License-Identifier: Apache-2.0
// The page of `dcf report`.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

size_t count(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

Model weights_model() {
  Model model;
  for (const char* const name : {"a.weight", "b.weight"}) {
    std::vector<float> values(64 * 64);
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = std::sin(static_cast<float>(i * i % 4001));
    }
    model.tensors.push_back(meta(name, DCF_DTYPE_F32, {64, 64}));
    const auto* const bytes = reinterpret_cast<const uint8_t*>(values.data());
    model.data.emplace_back(bytes, bytes + values.size() * sizeof(float));
    model.data.back()[0] ^= static_cast<uint8_t>(model.data.size());  // no aliases
  }
  return model;
}

TEST(ReportPage, ShowsBytesLossWeightsCodesAndGaps) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", weights_model());
  const std::string packed = dir.path("packed.dcf");
  expect_success(dcf({"compress", "-q", in, "-o", packed, "--sparsity", "0.8", "--bits", "4",
                      "--positions", "gap", "--gap-bits", "4"}));
  const std::string page = dir.path("page.html");
  const Result result = dcf({"report", packed, "--original", in, "-o", page});
  expect_success(result);
  EXPECT_NE(result.out.find("2 tensors, 2 within bounds"), std::string::npos) << result.out;
  const std::string html = read_text(page);
  for (const char* const heading :
       {"Where the bytes are", "What was lost", "Weights", "Codes and gaps", "Tensor by tensor"}) {
    EXPECT_EQ(count(html, std::string(">") + heading + "</h2>"), 1u) << heading;
  }
  EXPECT_EQ(count(html, "<td>a.weight</td>"), 1u);
  EXPECT_EQ(count(html, "within its bound"), 2u);
  // Bytes, loss; weights, codes, lengths and gaps of two tensors.
  EXPECT_EQ(count(html, "<svg class=\"plot\""), 2u + 4u * 2u);
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find("http"), std::string::npos);
}

TEST(ReportPage, WithoutTheOriginalTellsNothingOfLoss) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", every_kind_model());
  const std::string packed = dir.path("packed.dcf");
  expect_success(dcf({"compress", in, "-o", packed}));
  const std::string page = dir.path("page.html");
  expect_success(dcf({"report", packed, "-o", page}));
  EXPECT_EQ(read_text(page).find("What was lost"), std::string::npos);
  EXPECT_EQ(dcf({"report", packed, "-o", page}).exit_code, 2);  // the page is there
  expect_success(dcf({"report", packed, "-o", page, "-f"}));
}

TEST(ReportPage, AnotherModelIsNotTheOriginal) {
  const TempDir dir;
  Model model = weights_model();
  const std::string packed = dir.path("packed.dcf");
  expect_success(dcf({"compress", save(dir, "in.safetensors", model), "-o", packed}));
  model.data[1][2] ^= 0x40;
  const std::string other = save(dir, "other.safetensors", model);
  const Result result =
      dcf({"report", packed, "--original", other, "-o", dir.path("page.html"), "--json"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.out.find("\"beyond_bounds\": 1"), std::string::npos) << result.out;
  EXPECT_NE(read_text(dir.path("page.html")).find("1 NOT as close"), std::string::npos);
}

TEST(ReportPage, NamesOfStrangersAreText) {
  const TempDir dir;
  Model model = weights_model();
  model.tensors[0].name = "<script>alert(1)</script>\x1b[31m";
  model.metadata = {{"<b>", "<i>&"}};
  const std::string packed = dir.path("packed.dcf");
  expect_success(dcf({"compress", save(dir, "in.safetensors", model), "-o", packed}));
  const std::string page = dir.path("page.html");
  expect_success(dcf({"report", packed, "-o", page}));
  const std::string html = read_text(page);
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find("<b>"), std::string::npos);
  EXPECT_EQ(html.find('\x1b'), std::string::npos);
  EXPECT_NE(html.find("&lt;i&gt;&amp;"), std::string::npos);
}

TEST(ReportPage, ADamagedFileLeavesNoPage) {
  const TempDir dir;
  const std::string packed = dir.path("packed.dcf");
  expect_success(dcf({"compress", save(dir, "in.safetensors", weights_model()), "-o", packed}));
  std::string bytes = read_text(packed);
  bytes[bytes.size() - 10] ^= 1;
  std::ofstream(packed, std::ios::binary) << bytes;
  EXPECT_EQ(dcf({"report", packed, "-o", dir.path("page.html")}).exit_code, 1);
  EXPECT_FALSE(std::filesystem::exists(dir.path("page.html")));
}

TEST(ReportPage, CountsAddUp) {
  const TempDir dir;
  Model model = weights_model();
  const std::string packed = dir.path("packed.dcf");
  expect_success(dcf({"compress", "-q", save(dir, "in.safetensors", model), "-o", packed}));
  model.tensors[0].name = "other";
  model.data[1][2] ^= 0x40;
  const std::string other = save(dir, "other.safetensors", model);
  const Result result = dcf({"report", packed, "--original", other, "-o", dir.path("page.html")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.out.find("2 tensors, 0 within bounds, 1 not, 1 without a partner; 1 only in the "
                            "original\n"),
            std::string::npos)
      << result.out;
}

}  // namespace
}  // namespace dcf::tools::test
