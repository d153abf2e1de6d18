// SPDX-License-Identifier: Apache-2.0
// Tables keep to the width of the terminal: names are cut, numbers never.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <sstream>

#include "cli/display.h"
#include "cli/progress.h"
#include "cli/text_table.h"
#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

Setting with_columns(const std::string& columns) {
  Setting setting;
  setting.prepare = [columns] { return setenv("COLUMNS", columns.c_str(), 1) == 0; };
  return setting;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The first word of each line.
std::vector<std::string> first_words(const std::string& text) {
  std::vector<std::string> words;
  for (const std::string& line : lines_of(text)) words.push_back(line.substr(0, line.find(' ')));
  return words;
}

size_t widest(const std::string& text) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  size_t width = 0;
  for (const std::string& line : lines_of(text)) width = std::max(width, display_width(line));
  return width;
}

class Tables : public ::testing::Test {
 protected:
  Tables() {
    Model model = sparse_model();
    model.tensors[0].name = "start." + std::string(300, 'x') + ".end1";
    for (int i = 0; i < 100; ++i) wide_ += "\xe5\xb1\xa4";  // two columns each
    model.tensors[1].name = wide_;
    in_ = save(dir_, "in.safetensors", model);
    compress(dir_, in_, {"--sparsity", "0.5", "--bits", "5"});
  }

  TempDir dir_;
  std::string in_;
  std::string file_ = dir_.path("out.dcf");
  std::string wide_;
};

TEST_F(Tables, KeepToTheWidth) {
  const std::string whole = dcf({"info", "-v", file_}).out;
  EXPECT_NE(whole.find(std::string(300, 'x')), std::string::npos);
  EXPECT_NE(whole.find(wide_), std::string::npos);
  const auto json = dcf({"info", "--json", file_}).json();
  for (const size_t width : {60, 80, 200}) {
    SCOPED_TRACE(width);
    const Setting narrow = with_columns(std::to_string(width));
    for (const std::vector<std::string>& args :
         std::vector<std::vector<std::string>>{{"info", file_},
                                               {"info", "-v", file_},
                                               {"compare", in_, file_},
                                               {"compare", "-v", file_, file_},
                                               {"bench", file_}}) {
      SCOPED_TRACE(args[0]);
      const Result result = dcf(args, narrow);
      EXPECT_EQ(result.err, "");
      EXPECT_LE(widest(result.out), width) << result.out;
      EXPECT_NE(result.out.find("..."), std::string::npos) << result.out;
      EXPECT_NE(result.out.find("end1"), std::string::npos) << result.out;
    }
    const std::string info = dcf({"info", file_}, narrow).out;
    for (const auto& tensor : json["tensors"]) {
      EXPECT_NE(info.find(" " + std::to_string(tensor["bytes"]["total"].get<uint64_t>()) + " "),
                std::string::npos)
          << info;
    }
  }
}

TEST_F(Tables, AnOddWidthOfTheEnvironmentIsIgnored) {
  const std::string whole = dcf({"info", file_}).out;
  for (const char* const odd : {"", "0", "-5", "80x", "99999999999999999999999"}) {
    EXPECT_EQ(dcf({"info", file_}, with_columns(odd)).out, whole) << odd;
  }
  EXPECT_EQ(dcf({"info", file_}, with_columns("1")).exit_code, 0);
}

TEST_F(Tables, AskTheTerminal) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) {
    GTEST_SKIP() << "needs a pseudo-terminal";
  }
  const winsize size{24, 70, 0, 0};
  ASSERT_EQ(ioctl(terminal, TIOCSWINSZ, &size), 0);
  Setting setting;
  setting.stdout_path = ptsname(terminal);
  setting.prepare = [] { return unsetenv("COLUMNS") == 0; };
  const int other_end = open(setting.stdout_path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  expect_success(dcf({"info", file_}, setting));
  std::string text(1 << 16, '\0');
  const ssize_t got = read(terminal, text.data(), text.size());
  ASSERT_GT(got, 0);
  text.resize(static_cast<size_t>(got));
  std::erase(text, '\r');
  close(other_end);
  close(terminal);
  EXPECT_LE(widest(text), 70u) << text;
  EXPECT_GT(widest(text), 40u) << text;
}

TEST(TextTable, RowsThatDoNotFitTakeSeveralLines) {
  Table table({{"name", Align::kLeft}, {"first"}, {"second"}, {"third"}});
  table.add_row({"a.very.long.name.of.a.tensor", "1", "22", "333"});
  EXPECT_EQ(table.render(0),
            "name                          first  second  third\n"
            "a.very.long.name.of.a.tensor      1      22    333\n");
  EXPECT_EQ(table.render(40),
            "name                first  second  third\n"
            "a.very....a.tensor      1      22    333\n");
  EXPECT_EQ(table.render(20),
            "name           first\n"
            "  second  third\n"
            "a.ver...ensor      1\n"
            "      22    333\n");
}

TEST(ProgressLine, KeepsToTheTerminal) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  const auto line = [](size_t room) {
    return progress_line("keeping the files", 0.5, "123.4 MB/s", "2.0 s left", room);
  };
  EXPECT_EQ(line(200), "keeping the files [" + std::string(20, '=') + std::string(20, ' ') +
                           "]  50 %  123.4 MB/s  2.0 s left");
  EXPECT_EQ(line(60), "keeping the files [=====     ]  50 %  123.4 MB/s  2.0 s left");
  EXPECT_EQ(line(48), "keeping the files  50 %  123.4 MB/s  2.0 s left");
  EXPECT_EQ(line(40), "keeping the files  50 %  2.0 s left");
  EXPECT_EQ(line(5), " 50 %");
  EXPECT_EQ(line(4), "");
  for (size_t room = 0; room < 100; ++room) EXPECT_LE(display_width(line(room)), room);
}

TEST(TextTable, AnEmptyNameIsSeen) {
  const TempDir dir;
  Model model = gaussian_model(64, 64);
  model.tensors[0].name = "";
  const std::string in = save(dir, "in.safetensors", model);
  const std::string out = dir.path("out.dcf");
  const Result rounded = dcf({"compress", in, "-o", out, "--quality", "40", "-v"});
  expect_success(rounded);
  EXPECT_NE(rounded.out.find(" dB (\"\"), median "), std::string::npos) << rounded.out;
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{"info", in},
                                             {"info", out},
                                             {"info", "-v", out},
                                             {"compare", in, out},
                                             {"bench", out}}) {
    const Result table = dcf(args);
    EXPECT_EQ(table.err, "");
    const std::vector<std::string> words = first_words(table.out);
    EXPECT_EQ(std::count(words.begin(), words.end(), "\"\""), 1) << args[0] << "\n" << table.out;
  }
  const std::string page = dir.path("page.html");
  expect_success(dcf({"report", out, "--original", in, "-o", page, "-q"}));
  const std::string html = read_text(page);
  EXPECT_NE(html.find("<td>&quot;&quot;</td>"), std::string::npos);
  EXPECT_NE(html.find(" dB (&quot;&quot;), the median"), std::string::npos);
  // In JSON it is what it is.
  EXPECT_EQ(dcf({"info", "--json", out}).json()["tensors"][0]["name"], "");
  const Result pruned = dcf({"compress", in, "-f", "-o", out, "--sparsity", "0.99999"});
  EXPECT_NE(pruned.err.find("lost all weights: \"\"\n"), std::string::npos) << pruned.err;
}

TEST(ExactBytes, AreGroupedByThrees) {
  EXPECT_EQ(exact_bytes(0), "0 bytes");
  EXPECT_EQ(exact_bytes(1), "1 byte");
  EXPECT_EQ(exact_bytes(999), "999 bytes");
  EXPECT_EQ(exact_bytes(1'000), "1,000 bytes");
  EXPECT_EQ(exact_bytes(27'912'345), "27,912,345 bytes");
}

}  // namespace
}  // namespace dcf::tools::test
