// SPDX-License-Identifier: Apache-2.0
#include "cli/page/page.h"

#include <fmt/format.h>

#include "cli/page/style.h"

namespace dcf::tools::html {

Page::Page(std::string_view title, std::string_view lead)
    : title_(escape(title)), lead_(escape(lead)) {}

void Page::heading(std::string_view text) {
  headings_.push_back(escape(text));
  body_ += fmt::format("<h2 id=\"section-{}\">{}</h2>\n", headings_.size(), headings_.back());
}

void Page::subheading(std::string_view text) {
  body_ += "<h3>" + escape(text) + "</h3>\n";
}

void Page::paragraph(std::string_view text) {
  body_ += "<p>" + escape(text) + "</p>\n";
}

void Page::table(const Table& table) {
  body_ += render(table).text;
}

void Page::figure(const Markup& plot, std::string_view caption) {
  figures({plot}, caption);
}

void Page::figures(const std::vector<Markup>& plots, std::string_view caption) {
  body_ += "<figure><div class=\"plots\">\n";
  for (const Markup& plot : plots) body_ += plot.text;
  body_ += "</div><figcaption>" + escape(caption) + "</figcaption></figure>\n";
}

std::string Page::finish() const {
  std::string contents;
  for (size_t i = 0; i < headings_.size(); ++i) {
    contents += fmt::format("<li><a href=\"#section-{}\">{}</a></li>", i + 1, headings_[i]);
  }
  if (!contents.empty()) contents = "<nav><ul>" + contents + "</ul></nav>\n";
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>"
      "<title>{0}</title><style>{1}</style></head><body>\n<h1>{0}</h1>\n"
      "<p class=\"lead\">{2}</p>\n{3}<main>\n{4}</main></body></html>\n",
      title_, style_sheet(), lead_, contents, body_);
}

}  // namespace dcf::tools::html
