// SPDX-License-Identifier: Apache-2.0
// Names and sentences of the C ABI's enums, and the reporting of failures.
#include <cstdio>

#include "api/boundary.h"
#include "base/dtype.h"

namespace dcf::impl {

dcf_status report(const Status& status, dcf_error* error) {
  const auto code = static_cast<dcf_status>(status.code);
  if (error != nullptr) {
    *error = dcf_error{};
    error->status = code;
    error->offset = status.offset;
    error->tensor = status.tensor;
    std::snprintf(error->rule, sizeof error->rule, "%s", status.rule);
    const bool own = status.message[0] != '\0' || status.ok();
    std::snprintf(error->message, sizeof error->message, "%s",
                  own ? status.message : dcf_status_sentence(code));
  }
  return code;
}

}  // namespace dcf::impl

#define DCF_STRINGIFY_(x) #x
#define DCF_STRINGIFY(x) DCF_STRINGIFY_(x)

const char* dcf_status_name(dcf_status status) {
  switch (status) {
#define DCF_NAME_CASE(name, number, sentence) \
  case DCF_STATUS_##name:                     \
    return #name;
    DCF_STATUS_LIST(DCF_NAME_CASE)
#undef DCF_NAME_CASE
  }
  return "Unknown";
}

const char* dcf_status_sentence(dcf_status status) {
  switch (status) {
#define DCF_SENTENCE_CASE(name, number, sentence) \
  case DCF_STATUS_##name:                         \
    return sentence;
    DCF_STATUS_LIST(DCF_SENTENCE_CASE)
#undef DCF_SENTENCE_CASE
  }
  return "unknown status";
}

uint32_t dcf_version_number(void) {
  return DCF_VERSION_MAJOR * 10000 + DCF_VERSION_MINOR * 100 + DCF_VERSION_PATCH;
}

const char* dcf_version_string(void) {
  return DCF_STRINGIFY(DCF_VERSION_MAJOR) "." DCF_STRINGIFY(DCF_VERSION_MINOR) "." DCF_STRINGIFY(
      DCF_VERSION_PATCH);
}

const char* dcf_dtype_name(dcf_dtype dtype) {
  return dcf::impl::dtype_name(static_cast<dcf::impl::DType>(dtype));
}

uint32_t dcf_dtype_bits(dcf_dtype dtype) {
  return dcf::impl::dtype_bits(static_cast<dcf::impl::DType>(dtype));
}

const char* dcf_positions_name(dcf_positions positions) {
  switch (positions) {
    case DCF_POS_DENSE:
      return "dense";
    case DCF_POS_BITMAP:
      return "bitmap";
    case DCF_POS_GAP:
      return "gap";
    case DCF_POS_GAP_BUCKET:
      return "gap-bucket";
  }
  return "";
}

const char* dcf_values_name(dcf_values values) {
  switch (values) {
    case DCF_VAL_RAW:
      return "raw";
    case DCF_VAL_PALETTE:
      return "palette";
    case DCF_VAL_GRID:
      return "grid";
    case DCF_VAL_SPLIT:
      return "split";
    case DCF_VAL_INT:
      return "int";
  }
  return "";
}
