// SPDX-License-Identifier: Apache-2.0
#include "cli/failures.h"

#include <dcf/dcf.h>
#include <fmt/format.h>

#include <cstdio>
#include <new>
#include <optional>
#include <string>

#include "cli/display.h"
#include "cli/json_writer.h"
#include "cli/output.h"
#include "formats/dcf_error.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

// All that is ever said of a failure.
struct Report {
  int exit_code = kExitFailure;
  std::optional<uint64_t> code;  // a dcf_status, where the library has one for it
  std::string name;
  std::string text;     // for people
  std::string message;  // `text` without the details that have members of their own
  std::optional<std::string> rule;
  std::optional<uint64_t> offset;
  std::optional<std::string> tensor;
  std::optional<uint64_t> system_error;  // an errno
};

Report report_of(const std::exception& error) {
  Report report;
  report.text = report.message = error.what();
  if (const auto* ours = dynamic_cast<const Error*>(&error); ours && ours->system_error != 0) {
    report.system_error = static_cast<uint64_t>(ours->system_error);
  }
  if (const auto* dcf_failed = dynamic_cast<const DcfError*>(&error)) {
    const DcfFailure& failure = dcf_failed->failure;
    report.exit_code = dcf_failed->exit_code;
    report.code = static_cast<uint64_t>(failure.status);
    report.name = dcf_status_name(failure.status);
    report.message = failure.sentence;
    if (!failure.rule.empty()) report.rule = failure.rule;
    report.offset = failure.offset;
    report.tensor = failure.tensor;
  } else if (const auto* known = dynamic_cast<const Error*>(&error)) {
    report.exit_code = known->exit_code;
    if (dynamic_cast<const UsageError*>(known) != nullptr) {
      report.name = "Usage";
    } else if (dynamic_cast<const ScoreError*>(known) != nullptr) {
      report.name = "ScoreDropped";
    } else if (dynamic_cast<const SizeError*>(known) != nullptr) {
      report.name = "TooLarge";
    } else {
      report.name = known->exit_code == kExitInvalid ? "InvalidInput" : "Failed";
    }
  } else {
    const bool no_memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
    const dcf_status status = no_memory ? DCF_STATUS_OUT_OF_MEMORY : DCF_STATUS_INTERNAL;
    report.code = static_cast<uint64_t>(status);
    report.name = dcf_status_name(status);
    report.text = report.message = no_memory ? dcf_status_sentence(status) : error.what();
  }
  return report;
}

template <typename Value>
void write_member(const char* key, const std::optional<Value>& value, JsonWriter* json) {
  json->key(key);
  value ? json->value(*value) : json->value(nullptr);
}

void write_json(const Report& report) {
  JsonWriter json;
  json.begin_object();
  json.key("error");
  json.begin_object();
  write_member("code", report.code, &json);
  json.member("name", report.name);
  write_member("rule", report.rule, &json);
  write_member("offset", report.offset, &json);
  write_member("tensor", report.tensor, &json);
  json.member("message", report.message);
  write_member("system_error", report.system_error, &json);
  json.end();
  json.end();
  json.finish();
  flush_out();
}

}  // namespace

int report_error(const std::exception& error, bool as_json) {
  int exit_code = kExitFailure;
  try {
    const Report report = report_of(error);
    exit_code = report.exit_code;
    if (as_json) {
      write_json(report);
    } else {
      const std::string line = fmt::format("dcf: {}\n", printable_message(report.text));
      std::fwrite(line.data(), 1, line.size(), stderr);
    }
  } catch (const std::bad_alloc&) {
    std::fputs("dcf: the machine is out of memory\n", stderr);
  } catch (const Error&) {
    // Standard output itself takes no more; the exit code has to do.
  }
  return exit_code;
}

}  // namespace dcf::tools
