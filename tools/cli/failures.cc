// SPDX-License-Identifier: Apache-2.0
#include "cli/failures.h"

#include <dcf/dcf.h>
#include <fmt/format.h>

#include <cstdio>
#include <new>
#include <string>

#include "cli/display.h"
#include "cli/output.h"
#include "formats/dcf_error.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

// All that is ever said of a failure. `code` is null where the library has no status for it.
struct Report {
  int exit_code = kExitFailure;
  OrderedJson code;
  std::string name;
  std::string text;     // for people
  std::string message;  // `text` without the details that have members of their own
  OrderedJson rule, offset, tensor;
};

Report report_of(const std::exception& error) {
  Report report;
  report.text = report.message = error.what();
  if (const auto* dcf_failed = dynamic_cast<const DcfError*>(&error)) {
    const DcfFailure& failure = dcf_failed->failure;
    report.exit_code = dcf_failed->exit_code;
    report.code = static_cast<int>(failure.status);
    report.name = dcf_status_name(failure.status);
    report.message = failure.sentence;
    if (!failure.rule.empty()) report.rule = failure.rule;
    if (failure.offset) report.offset = *failure.offset;
    if (failure.tensor) report.tensor = *failure.tensor;
  } else if (const auto* known = dynamic_cast<const Error*>(&error)) {
    report.exit_code = known->exit_code;
    if (dynamic_cast<const UsageError*>(known) != nullptr) {
      report.name = "Usage";
    } else if (dynamic_cast<const ScoreError*>(known) != nullptr) {
      report.name = "ScoreDropped";
    } else {
      report.name = known->exit_code == kExitInvalid ? "InvalidInput" : "Failed";
    }
  } else {
    const bool no_memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
    const dcf_status status = no_memory ? DCF_STATUS_OUT_OF_MEMORY : DCF_STATUS_INTERNAL;
    report.code = static_cast<int>(status);
    report.name = dcf_status_name(status);
    report.text = report.message = no_memory ? dcf_status_sentence(status) : error.what();
  }
  return report;
}

}  // namespace

int report_error(const std::exception& error, bool as_json) {
  const Report report = report_of(error);
  if (as_json) {
    OrderedJson object;
    object["code"] = report.code;
    object["name"] = report.name;
    object["rule"] = report.rule;
    object["offset"] = report.offset;
    object["tensor"] = report.tensor;
    object["message"] = report.message;
    // Where standard output itself is the trouble, the exit code has to do.
    const std::string line = dump_json({{"error", object}}) + "\n";
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
  } else {
    const std::string line = fmt::format("dcf: {}\n", printable(report.text));
    std::fwrite(line.data(), 1, line.size(), stderr);
  }
  return report.exit_code;
}

}  // namespace dcf::tools
