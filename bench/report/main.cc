// SPDX-License-Identifier: Apache-2.0
// dcf_bench_report --html PAGE.html RESULTS.json...: tables as Markdown on standard output, and the
// same with plots as one page.
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "cli/page/page.h"
#include "harness.h"
#include "report/section.h"

namespace dcf::bench {
namespace {

std::string text_of(const nlohmann::ordered_json& machine, const char* key) {
  const auto& value = machine.at(key);
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string describe(const Results& results) {
  const auto& m = results.machine();
  return "Measured on " + text_of(m, "date") + ", " + text_of(m, "cpu") + " (" +
         text_of(m, "flags") + "; " + text_of(m, "caches") + "; " + text_of(m, "cpus") +
         " CPUs), " + text_of(m, "compiler") + ", dcf " + text_of(m, "dcf") +
         (text_of(m, "kernels").empty() ? "" : " (DCF_KERNEL=" + text_of(m, "kernels") + ")") +
         ". Rounds of all competitors in one process: times are medians, and ratios medians of "
         "those within rounds, of thread CPU time; where that of the wall clock differs by more "
         "than 5 %, it stands beside." +
         (results.quick() ? " A quick run: few rounds." : "");
}

void write_page(const std::string& path, const std::string& lead,
                const std::vector<Section>& sections) {
  html::Page page("dcf benchmarks", lead);
  for (const Section& section : sections) {
    page.heading(section.title);
    page.paragraph(section.text);
    for (const Part& part : section.parts) {
      page.table(part.table);
      if (!part.plots.empty()) page.figures(part.plots, "");
    }
  }
  std::ofstream file(path);
  file << page.finish();
  file.close();
  require(file.good(), "cannot write " + path);
}

int report(int argc, char** argv) {
  Results results;
  std::string page;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--html" && i + 1 < argc) {
      page = argv[++i];
    } else {
      results.load(argv[i]);
    }
  }
  require(!results.empty() && !page.empty(),
          "usage: dcf_bench_report --html PAGE.html RESULTS.json...");
  std::vector<Section> sections;
  for (const auto& make : {goals_section, entropy_section, load_section, layer_section,
                           scaling_section, energy_section, code_section}) {
    Section section = make(results);
    if (!section.parts.empty()) sections.push_back(std::move(section));
  }
  const std::string lead = describe(results);
  std::printf("%s\n\n", lead.c_str());
  for (const Section& section : sections) std::fputs(to_markdown(section).c_str(), stdout);
  for (const std::string& what : results.left_out()) std::printf("Left out: %s\n", what.c_str());
  write_page(page, lead, sections);
  return 0;
}

}  // namespace
}  // namespace dcf::bench

int main(int argc, char** argv) {
  try {
    return dcf::bench::report(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dcf_bench_report: %s\n", error.what());
    return 1;
  }
}
