// SPDX-License-Identifier: Apache-2.0
#include "formats/dcf_error.h"

#include <utility>

#include "formats/text.h"

namespace dcf::tools {
namespace {

// "file: sentence (rule K-03, offset 4096, tensor 'fc1.weight')"
std::string full_text(const DcfFailure& failure) {
  std::string details;
  const auto add = [&](const std::string& detail) {
    details += details.empty() ? " (" : ", ";
    details += detail;
  };
  if (!failure.rule.empty()) add("rule " + failure.rule);
  if (failure.offset) add("offset " + std::to_string(*failure.offset));
  if (failure.tensor) add("tensor " + quote(*failure.tensor));
  return failure.sentence + (details.empty() ? "" : details + ")");
}

}  // namespace

DcfError::DcfError(DcfFailure what_failed)
    : Error(exit_code_of(what_failed.status), full_text(what_failed), what_failed.system_error),
      failure(std::move(what_failed)) {}

int exit_code_of(dcf_status status) {
  switch (dcf_status_class(status)) {
    case DCF_STATUS_CLASS_FILE_STRUCTURE:
    case DCF_STATUS_CLASS_CODED_DATA:
    case DCF_STATUS_CLASS_INTEGRITY:
    case DCF_STATUS_CLASS_LIMIT:
      return kExitInvalid;
    default:
      return kExitFailure;
  }
}

DcfFailure blame(DcfFailure failure, const std::string& file) {
  failure.sentence = file + ": " + failure.message;
  return failure;
}

DcfFailure make_failure(const std::string& file, dcf_status status, const dcf_error& error,
                        const MemoryLimit& limit) {
  DcfFailure failure;
  failure.status = status;
  failure.message = error.message[0] != '\0' ? error.message : dcf_status_sentence(status);
  if (status == DCF_STATUS_LIMIT_MEMORY) failure.message += ": " + limit.hint();
  failure.sentence = file + ": " + failure.message;
  failure.rule = error.rule;
  if (error.offset != DCF_NO_OFFSET) failure.offset = error.offset;
  failure.system_error = error.system_error;
  return failure;
}

void throw_dcf_error(const std::string& file, dcf_status status, const dcf_error& error,
                     const dcf_file* names, const MemoryLimit& limit) {
  DcfFailure failure = make_failure(file, status, error, limit);
  if (names != nullptr && error.tensor < dcf_tensor_count(names)) {
    dcf_tensor_info info{};
    info.struct_size = sizeof info;
    if (dcf_tensor_describe(names, error.tensor, &info, nullptr) == DCF_OK) {
      failure.tensor.emplace(info.name, info.name_size);
    }
  }
  throw DcfError(std::move(failure));
}

}  // namespace dcf::tools
