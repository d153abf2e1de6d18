// SPDX-License-Identifier: Apache-2.0
// Pages that tools write: escaping, well-formed markup whatever the text, ticks, and that plots
// show the data.
#include "cli/page/page.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "cli/page/plot.h"
#include "cli/page/ticks.h"

namespace dcf::tools::html {
namespace {

constexpr const char* kNasty = "<script>&\"'</p>\x01\xff\xc2\x80 \xe2\x86\x92";

// Reads markup as XML: every element closed in order, attributes quoted, nothing loose. Returns
// what is wrong, or nothing.
std::string fault_of(const std::string& markup) {
  std::vector<std::string> open;
  for (size_t i = 0; i < markup.size();) {
    if (markup[i] == '&') {
      const size_t end = markup.find(';', i);
      if (end == std::string::npos || end - i > 6) return "loose & at " + std::to_string(i);
      i = end + 1;
    } else if (markup[i] == '>') {
      return "loose > at " + std::to_string(i);
    } else if (markup[i] != '<') {
      ++i;
    } else {
      const size_t end = markup.find('>', i);
      if (end == std::string::npos) return "an open tag at " + std::to_string(i);
      const std::string tag = markup.substr(i + 1, end - i - 1);
      i = end + 1;
      if (tag.find('<') != std::string::npos) return "< in <" + tag + ">";
      if (tag[0] == '!') continue;
      if (tag[0] == '/') {
        if (open.empty() || open.back() != tag.substr(1)) return "stray <" + tag + ">";
        open.pop_back();
        continue;
      }
      size_t quotes = 0;
      for (const char c : tag) quotes += c == '"' ? 1 : 0;
      if (quotes % 2 != 0) return "odd quotes in <" + tag + ">";
      if (tag.back() != '/') open.push_back(tag.substr(0, tag.find(' ')));
    }
  }
  return open.empty() ? "" : "<" + open.back() + "> is never closed";
}

std::vector<std::string> labels(const std::vector<Tick>& ticks) {
  std::vector<std::string> texts;
  for (const Tick& tick : ticks) texts.push_back(tick.label);
  return texts;
}

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(Html, FaultsAreFound) {
  EXPECT_EQ(fault_of("<p>a &amp; b<br/></p>"), "");
  for (const char* const bad :
       {"<p>", "</p>", "<p><b></p></b>", "a & b", "a > b", "<a b=\"c></a>"}) {
    EXPECT_NE(fault_of(bad), "") << bad;
  }
}

TEST(Html, Escapes) {
  EXPECT_EQ(escape("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(escape("tab\tline\n\xe2\x86\x92 \xf0\x9f\x98\x80"),
            "tab\tline\n\xe2\x86\x92 \xf0\x9f\x98\x80");
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(escape(std::string_view("\0\x1b\x7f", 3)), bad + bad + bad);
  EXPECT_EQ(escape("\xc2\x9b"), bad);                  // C1
  EXPECT_EQ(escape("\xed\xa0\x80"), bad + bad + bad);  // a surrogate
  EXPECT_EQ(escape("\xe2\x86"), bad + bad);            // cut off
  EXPECT_EQ(escape("\xef\xbf\xbf"), bad);
  EXPECT_EQ(escape("\xc2\xa0"), "\xc2\xa0");
}

TEST(Html, LinearTicks) {
  EXPECT_EQ(labels(linear_ticks(0, 1, 5)),
            (std::vector<std::string>{"0", "0.2", "0.4", "0.6", "0.8", "1.0"}));
  EXPECT_EQ(labels(linear_ticks(-3, 12, 4)), (std::vector<std::string>{"0", "5", "10"}));
  EXPECT_EQ(labels(linear_ticks(1.62, 1.68, 3)),
            (std::vector<std::string>{"1.62", "1.64", "1.66", "1.68"}));
  EXPECT_EQ(labels(linear_ticks(0, 45000, 4)), (std::vector<std::string>{"0", "20k", "40k"}));
  for (const double high : {1e-9, 0.037, 1.0, 7.3, 2e7}) {
    for (const size_t wanted : {3u, 6u, 10u}) {
      const auto ticks = linear_ticks(0, high, wanted);
      EXPECT_GE(ticks.size(), wanted / 3 + 1) << high;
      EXPECT_LE(ticks.size(), wanted + 1) << high;
      for (const Tick& t : ticks) EXPECT_LE(t.value, high * 1.000001);
    }
  }
}

TEST(Html, LogTicks) {
  EXPECT_EQ(labels(log_ticks(1, 100, 6)),
            (std::vector<std::string>{"1", "2", "5", "10", "20", "50", "100"}));
  EXPECT_EQ(
      labels(log_ticks(0.01, 1e6, 8)),
      (std::vector<std::string>{"0.01", "0.1", "1", "10", "100", "1000", "10k", "100k", "1M"}));
  EXPECT_LE(log_ticks(1e-30, 1e30, 6).size(), 8u);
  EXPECT_EQ(labels(log_ticks(40, 48, 4)), (std::vector<std::string>{"40", "42", "44", "46", "48"}));
}

TEST(Html, TextOfEveryKindLeavesThePageWhole) {
  Page page(kNasty, kNasty);
  page.heading(kNasty);
  page.subheading(kNasty);
  page.paragraph(kNasty);
  page.table({kNasty,
              {{kNasty, kNasty}, {"b", kNasty, false, true}, {"c"}},
              {{{kNasty, "2", "3"}, true}}});
  page.figure(draw(LinePlot{kNasty, {kNasty}, {kNasty}, {{kNasty, {{1, 2}, {3, 4}}}}}), kNasty);
  page.figures({draw(BarPlot{kNasty, kNasty, {kNasty}, {kNasty}, {{kNasty, {1}}}}),
                draw(Histogram{kNasty, {kNasty}, kNasty, {1, 2, 2}})},
               kNasty);
  const std::string text = page.finish();
  EXPECT_EQ(fault_of(text), "");
  EXPECT_EQ(text.find("<script"), std::string::npos);
  EXPECT_EQ(text.find("://"), std::string::npos);
  EXPECT_EQ(text.find("url("), std::string::npos);
  EXPECT_EQ(text.find("@import"), std::string::npos);
  EXPECT_NE(text.find("prefers-color-scheme:dark"), std::string::npos);
}

TEST(Html, ColumnsOfOneGroupStandTogether) {
  const Markup table =
      render({"",
              {{"layer", "", false}, {"ours", "kept"}, {"paper", "kept", true, true}},
              {{{"ip1", "8", "9"}}}});
  EXPECT_NE(table.text.find("colspan=\"2\" class=\"group\">kept<"), std::string::npos);
  EXPECT_EQ(count(table.text, ">kept<"), 1u);
  EXPECT_NE(table.text.find("<td class=\"num theirs\">9</td>"), std::string::npos);
  EXPECT_THROW(render({"", {{"a"}}, {{{"1", "2"}}}}), std::logic_error);
}

TEST(Html, LinePlotsLeaveOutWhatHasNoPlace) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const Markup plot =
      draw(LinePlot{"t",
                    {"x", Scale::kLog},
                    {"y"},
                    {{"a", {{1, 1}, {0, 1}, {-1, 2}, {10, nan}, {10, inf}, {100, 3}}}}});
  EXPECT_EQ(count(plot.text, "<circle"), 3u);  // two points and the legend
  EXPECT_EQ(plot.text.find("nan"), std::string::npos);
  EXPECT_EQ(plot.text.find("inf"), std::string::npos);
  EXPECT_EQ(fault_of(draw(LinePlot{}).text), "");
  EXPECT_EQ(fault_of(draw(LinePlot{"", {}, {}, {{"one", {{5, 5}}}}}).text), "");
}

TEST(Html, BarsHaveTheHeightOfTheirValues) {
  BarPlot plot{
      "t", "x", {"y", Scale::kLinear, {}, 10}, {"a", "b"}, {{"p", {10, 5}}, {"q", {0, -1}}}};
  EXPECT_NE(draw(plot).text.find("height=\"270.00\""), std::string::npos);
  EXPECT_NE(draw(plot).text.find("height=\"135.00\""), std::string::npos);
  plot.stacked = true;
  plot.series[1].values = {0, 2.5};
  EXPECT_NE(draw(plot).text.find("height=\"67.50\""), std::string::npos);
  plot.series[1].values = {0};
  EXPECT_THROW(draw(plot), std::logic_error);
  EXPECT_EQ(fault_of(draw(BarPlot{}).text), "");
}

TEST(Html, NamesOfGroupsAreAllShownUnlessTheyAreNumbers) {
  BarPlot plot{"t", "x", {"y"}, {}, {{"p", {}}}};
  const auto add = [&](const std::string& name) {
    plot.labels.push_back(name);
    plot.series[0].values.push_back(1);
  };
  // In lines, broken at spaces and hyphens.
  for (const char* const name : {"LeNet-300-100", "LeNet-5", "MLP 784-4096-4096-10",
                                 "AlexNet (synthetic)", "VGG-16 (synthetic)"}) {
    add(name);
  }
  const std::string lines = draw(plot).text;
  for (const char* const part :
       {">LeNet-300-100<", ">LeNet-5<", ">MLP 784-4096-<", ">4096-10<", ">AlexNet<", ">VGG-16<"}) {
    EXPECT_EQ(count(lines, part), 1u) << part;
  }
  EXPECT_EQ(count(lines, ">(synthetic)<"), 2u);

  // Upright, where a word is wider than its place.
  for (int i = 0; i < 10; ++i) add("convolutional" + std::to_string(i));
  const std::string upright = draw(plot).text;
  for (const std::string& name : plot.labels) {
    EXPECT_NE(upright.find("rotate(-90)\" class=\"soft end\">" + name + "<"), std::string::npos)
        << name;
  }

  plot.labels.clear();
  plot.series[0].values.clear();
  for (int i = 0; i < 256; ++i) add(std::to_string(i));
  const std::string numbers = draw(plot).text;
  EXPECT_EQ(count(numbers, ">0</text>"), 2u);  // of the y axis too
  EXPECT_EQ(count(numbers, ">7</text>"), 0u);
  EXPECT_LT(count(numbers, "<text"), 40u);
}

TEST(Html, HistogramsCountEveryValueOnce) {
  const Markup plot =
      draw(Histogram{"t", {"x", Scale::kLinear, 0, 4}, "n", {0, 0.5, 1, 4, 4.5, -1}, 4});
  EXPECT_NE(plot.text.find("0 to 1: 2<"), std::string::npos);
  EXPECT_NE(plot.text.find("1 to 2: 1<"), std::string::npos);
  EXPECT_NE(plot.text.find("2 to 3: 0<"), std::string::npos);
  EXPECT_NE(plot.text.find("3 to 4: 1<"), std::string::npos);
}

}  // namespace
}  // namespace dcf::tools::html
