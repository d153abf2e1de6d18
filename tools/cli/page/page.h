// SPDX-License-Identifier: Apache-2.0
// A page in one file: no script, nothing fetched from anywhere, light or dark as the reader's
// system.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/page/escape.h"
#include "cli/page/page_table.h"

namespace dcf::tools::html {

// Everything given as a string is plain text.
class Page {
 public:
  // `lead` is the paragraph under the title.
  Page(std::string_view title, std::string_view lead);

  void heading(std::string_view text);  // of a section, listed at the top
  void subheading(std::string_view text);
  void paragraph(std::string_view text);
  void table(const Table& table);
  void figure(const Markup& plot, std::string_view caption);
  // Plots side by side where there is room.
  void figures(const std::vector<Markup>& plots, std::string_view caption);

  // The whole document.
  std::string finish() const;

 private:
  std::string title_;
  std::string lead_;
  std::vector<std::string> headings_;
  std::string body_;
};

}  // namespace dcf::tools::html
