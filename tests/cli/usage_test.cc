// SPDX-License-Identifier: Apache-2.0
// The command line itself: help, wrong arguments, contradictions.
#include <dcf/dcf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

constexpr const char* kVerbs[] = {"compress", "decompress", "info", "verify",     "bench", "cat",
                                  "compare",  "report",     "run",  "completion", "help"};

TEST(Usage, HelpNamesEveryVerb) {
  const Result help = dcf({"--help"});
  expect_success(help);
  for (const char* const verb : kVerbs) {
    EXPECT_NE(help.out.find(std::string("\n  ") + verb), std::string::npos) << verb;
    const Result by_option = dcf({verb, "--help"});
    expect_success(by_option);
    EXPECT_NE(by_option.out.find("Examples:\n  dcf " + std::string(verb)), std::string::npos);
    EXPECT_EQ(dcf({"help", verb}).out, by_option.out);
  }
  EXPECT_EQ(dcf({"help"}).out, help.out);
  const Result version = dcf({"--version"});
  expect_success(version);
  EXPECT_EQ(version.out, std::string("dcf ") + dcf_version_string() + "\n");
}

TEST(Usage, WrongCommandLinesExitWithTwo) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", sparse_model());
  const std::string out = dir.path("out.dcf");
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
      {{}, "dcf --help"},
      {{"explode"}, "no verb 'explode'"},
      {{"--explode"}, "no option '--explode'"},
      {{"help", "explode"}, "explode"},
      {{"help", "explode", "--man"}, "explode"},
      {{"completion"}, "SHELL"},
      {{"completion", "tcsh"}, "tcsh"},
      {{"compress"}, "IN"},
      {{"compress", in}, "--output"},
      {{"compress", in, "-o"}, "--output"},
      {{"compress", in, in, "-o", out}, in},
      {{"compress", in, "-o", out, "--bits", "9"}, "--bits"},
      {{"compress", in, "-o", out, "--bits", "0"}, "--bits: 0 is not in the range 1 to 8 (see"},
      {{"compress", in, "-o", out, "--bits", "many"}, "--bits: 'many' is not in the range 1 to 8"},
      {{"compress", in, "-o", out, "--sparsity", "1"}, "--sparsity"},
      {{"compress", in, "-o", out, "--sparsity", "-0.1"}, "--sparsity"},
      {{"compress", in, "-o", out, "--sparsity", "nan"}, "--sparsity"},
      {{"compress", in, "-o", out, "--positions", "left"}, "--positions"},
      {{"compress", in, "-o", out, "--gap-bits", "1"}, "--gap-bits"},
      {{"compress", in, "-o", out, "--profile", "mine"}, "--profile"},
      {{"compress", in, "-o", out, "--zeros", "none"}, "--zeros"},
      {{"compress", in, "-o", out, "--lossless", "--bits", "5"}, "--lossless"},
      {{"compress", in, "-o", out, "--lossless", "--sparsity", "0.5"}, "--lossless"},
      {{"compress", in, "-o", out, "--lossless", "--zeros", "canonical"}, "--lossless"},
      {{"compress", in, "-o", out, "--max-drop", "1"}, "--eval"},
      {{"compress", in, "-o", out, "--eval", "true {}", "--max-drop", "nan"}, "finite"},
      {{"compress", in, "-o", out, "--eval", ""}, "--eval: the value is empty"},
      {{"compress", in, "-o", out, "--init", "forgy", "--seed", "-1"}, "unsigned integer"},
      {{"compress", in, "-o", out, "--seed", ""}, "unsigned integer"},
      {{"compress", in, "-o", out, "--init", "optimal"}, "--init and --seed need --bits"},
      {{"compress", in, "-o", out, "--seed", "1", "--sparsity", "0.5"}, "need --bits"},
      {{"compress", in, "-o", out, "--seed", "1", "--bits", "4"}, "--seed needs --init forgy"},
      {{"plan", in, "-o", out, "--init", "forgy"}, "--init and --seed need --bits"},
      {{"compress", in, "-o", ""}, "--output: the value is empty"},
      {{"compress", in, "--output=", "--force"}, "--output: the value is empty"},
      {{"decompress", in, "-o", ""}, "--output: the value is empty"},
      {{"cat", in, "w", "-o", ""}, "--output: the value is empty"},
      {{"decompress", in, "-o", out, "--max-output", "much"}, "--max-output"},
      {{"compress", in, "-o", out, "--threads", "x"}, "--threads"},
      {{"compress", in, "-o", out, "--threads", "-1"},
       "--threads: -1 is not in the range 0 to 1024"},
      {{"compress", in, "-o", out, "-M", "lots"}, "lots"},
      {{"compress", in, "-o", out, "-M", "0"}, "'0'"},
      {{"compress", in, "-o", out, "-M", "1.M"}, "'1.M'"},
      {{"compress", in, "-o", out, "-M", "1e9"}, "'1e9'"},
      {{"compress", in, "-o", out, "-M", "4MB"}, "'4MB'"},
      {{"compress", in, "-o", out, "--max-size", "4Xi"}, "'4Xi'"},
      {{"compress", in, "-o", out, "--max-size", "KiB"}, "'KiB'"},
      {{"compress", in, "-o", out, "--max-size", "18014398509481984Ki"}, "not a size"},
      {{"compress", in, "-o", out, "--recipe", dir.path("none.json")}, "none.json"},
      {{"compress", in, "-o", in, "-f"}, "input"},
      {{"compress", in, "-o", "-", "--json"}, ""},
      {{"decompress", out}, "--output"},
      {{"decompress", out, "-o", "x", "--to", "xml"}, "--to"},
      {{"verify"}, "IN"},
      {{"verify", "--fast", out}, "--fast"},
      {{"cat", out}, "NAME"},
      {{"cat", in, "w", "--json"}, ""},
      {{"compare", in}, "B"},
  };
  for (const auto& [args, text] : wrong) {
    std::string line = "dcf";
    for (const std::string& arg : args) line += " " + arg;
    SCOPED_TRACE(line);
    const Result result = dcf(args);
    if (std::find(args.begin(), args.end(), "--json") == args.end()) {
      expect_failure(result, 2, text);
    } else {
      EXPECT_EQ(result.exit_code, 2);
    }
    EXPECT_EQ(dir.list().size(), 1u);
  }
}

TEST(Usage, AMistypedVerbIsGuessed) {
  const std::pair<const char*, const char*> mistyped[] = {{"compres", "compress"},
                                                          {"comprses", "compress"},
                                                          {"decompresss", "decompress"},
                                                          {"inof", "info"},
                                                          {"bat", "cat"},
                                                          {"--compress", "compress"},
                                                          {"version", "--version"},
                                                          {"--verson", "--version"},
                                                          {"--hlep", "help"}};
  for (const auto& [word, meant] : mistyped) {
    const char* const kind = word[0] == '-' ? "option" : "verb";
    expect_failure(dcf({word}), 2,
                   std::string("dcf: there is no ") + kind + " '" + word + "'; did you mean '" +
                       meant + "'? (see 'dcf --help')\n");
  }
  expect_failure(dcf({"help", "compres"}), 2, "no verb 'compres'; did you mean 'compress'?\n");
  for (const std::string& far :
       {std::string("explode"), std::string("ls"), std::string("zip"), std::string(5000, 'c')}) {
    expect_failure(dcf({far}), 2, "there is no verb '" + far + "' (see 'dcf --help')\n");
  }
}

// tests/packaging asks shells and typesetters; this is what they are given.
TEST(Usage, ManPagesSayWhatTheHelpSays) {
  const Result page = dcf({"help", "--man", "compress"});
  expect_success(page);
  EXPECT_TRUE(page.out.starts_with(".TH \"DCF\\-COMPRESS\" 1 ")) << page.out.substr(0, 80);
  for (const char* const text :
       {"\n.SH NAME\ndcf\\-compress \\- Write a model as .dcf",
        "\n\\fBdcf\\fR \\fBcompress\\fR [\\fIOPTION\\fR]... \\fB\\-o\\fR \\fIOUT\\fR \\fIIN\\fR\n",
        "\n\\fB\\-\\-zeros\\fR \\fBkeep\\fR|\\fBcanonical\\fR\n", "From 1 to 8.",
        "Goes with \\-\\-eval.", "\n.SH \"EXIT STATUS\"\n0 success; 1 ",
        "\n.SH \"EXAMPLES\"\n.nf\n\\&  dcf compress "}) {
    EXPECT_NE(page.out.find(text), std::string::npos) << text;
  }
  EXPECT_NE(dcf({"help", "--man", "run"}).out.find("Not with \\-\\-test."), std::string::npos);
  EXPECT_NE(dcf({"help", "--man"}).out.find("\n\\fBdecompress\\fR\n"), std::string::npos);
  EXPECT_TRUE(dcf({"help", "recipes", "--man"}).out.starts_with(".TH \"DCF\\-RECIPES\" 7 "));
}

TEST(Usage, PagesHaveTheDateOfTheBuild) {
  Setting dated;
  dated.prepare = [] { return setenv("SOURCE_DATE_EPOCH", "86400", 1) == 0; };
  EXPECT_NE(dcf({"help", "--man"}, dated).out.find(" 1 \"1970-01-02\" "), std::string::npos);
  dated.prepare = [] { return setenv("SOURCE_DATE_EPOCH", "1 day", 1) == 0; };
  EXPECT_NE(dcf({"help", "--man"}, dated).out.find(" 1 \"\" "), std::string::npos);
}

// No text may end up in a file that got the number of a closed stream, and what is in place already
// is no failure.
TEST(Usage, ClosedStandardStreams) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", sparse_model());
  const std::string usual = compress(dir, in, {});
  Setting closed;
  closed.prepare = [] { return close(0) == 0 && close(1) == 0 && close(2) == 0; };
  const std::string out = dir.path("closed.dcf");
  EXPECT_EQ(dcf({"compress", in, "-o", out}, closed).exit_code, 0);
  EXPECT_TRUE(read_text(out) == usual);
  EXPECT_EQ(dcf({"compress", in, "-o", out}, closed).exit_code, 2);  // exists
  EXPECT_TRUE(read_text(out) == usual);
  const std::string restored = dir.path("closed.safetensors");
  EXPECT_EQ(dcf({"decompress", out, "-o", restored}, closed).exit_code, 0);
  EXPECT_EQ(dcf({"info", out}, closed).exit_code, 2);
  EXPECT_EQ(dcf({"cat", out, "fc1.weight"}, closed).exit_code, 2);
  EXPECT_EQ(dcf({"verify", "-"}, closed).exit_code, 2);
  EXPECT_TRUE(read_text(out) == usual);
}

TEST(Usage, ErrorsAsJson) {
  const Result result = dcf({"verify", "--json", "--fast", "x"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err, "");
  const auto error = result.json()["error"];
  EXPECT_EQ(error["name"], "Usage");
  EXPECT_TRUE(error["code"].is_null());
  EXPECT_NE(error["message"].get<std::string>().find("--fast"), std::string::npos);
}

TEST(Usage, UnknownTensorIsNamed) {
  const TempDir dir;
  compress(dir, save(dir, "in.safetensors", sparse_model()), {});
  expect_failure(dcf({"cat", dir.path("out.dcf"), "fc9"}), 2, "fc9");
  expect_failure(dcf({"cat", dir.path("out.dcf"), "-x"}), 2,
                 "there is no option '-x'; a name that begins with - goes after --");
  expect_failure(dcf({"cat", dir.path("out.dcf"), "--", "-x"}), 2,
                 "holds no tensor of the name '-x'");
  expect_failure(dcf({"cat", dir.path("out.dcf")}), 2, "NAME is required");
}

TEST(Usage, AnExistingOutputSaysHowToReplaceIt) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", sparse_model());
  const std::string out = dir.write("out.dcf", "");
  expect_failure(dcf({"compress", in, "-o", out}), 2, "the output exists already (-f replaces it)");
}

TEST(Usage, AMissingFolderOfTheOutputIsNamed) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", sparse_model());
  const std::string file = dir.path("file.dcf");
  compress(dir, in, {});
  std::filesystem::rename(dir.path("out.dcf"), file);
  const std::string missing = ": the folder '" + dir.path("new") + "' must exist\n";
  expect_failure(dcf({"compress", in, "-o", dir.path("new/a.dcf")}), 2, missing);
  expect_failure(dcf({"decompress", file, "-o", dir.path("new/a.npz")}), 2, missing);
  expect_failure(dcf({"decompress", file, "-o", dir.path("new/sub/")}), 2, missing);
  expect_failure(dcf({"compress", in, "-o", dir.path("file.dcf/a.dcf")}), 2, "directory\n");
  EXPECT_FALSE(std::filesystem::exists(dir.path("new")));
}

TEST(Usage, QuietSaysNothing) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", sparse_model());
  const Result compressed =
      dcf({"compress", in, "-o", dir.path("a.dcf"), "-q", "--sparsity", "0.5"});
  expect_success(compressed);
  EXPECT_EQ(compressed.out, "");
  const Result verified = dcf({"verify", dir.path("a.dcf"), "-q"});
  expect_success(verified);
  EXPECT_EQ(verified.out, "");
}

}  // namespace
}  // namespace dcf::tools::test
