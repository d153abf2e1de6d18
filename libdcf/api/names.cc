// SPDX-License-Identifier: Apache-2.0
// Names and sentences of the C ABI's enums, and the reporting of failures.
#include <cstdio>

#include "api/boundary.h"
#include "base/dtype.h"
#include "format/encoding.h"

namespace dcf::impl::api {

dcf_status report(const Status& status, dcf_error* error) {
  const auto code = static_cast<dcf_status>(status.code);
  if (error != nullptr && has_valid_size(*error)) {
    dcf_error details = DCF_ERROR_INIT;
    details.status = code;
    details.offset = status.offset;
    details.tensor = status.tensor;
    details.system_error = status.system_error;
    std::snprintf(details.rule, sizeof details.rule, "%s", status.rule);
    const bool own = status.message[0] != '\0' || status.ok();
    std::snprintf(details.message, sizeof details.message, "%s",
                  own ? status.message : dcf_status_sentence(code));
    (void)copy_out(details, error);
  }
  return code;
}

}  // namespace dcf::impl::api

#define DCF_STRINGIFY_(x) #x
#define DCF_STRINGIFY(x) DCF_STRINGIFY_(x)

const char* dcf_status_name(dcf_status status) {
  switch (status) {
#define DCF_NAME_CASE(name, constant, number, cls, sentence) \
  case DCF_STATUS_##constant:                                \
    return #name;
    DCF_STATUS_LIST(DCF_NAME_CASE)
#undef DCF_NAME_CASE
  }
  return "Unknown";
}

const char* dcf_status_sentence(dcf_status status) {
  switch (status) {
#define DCF_SENTENCE_CASE(name, constant, number, cls, sentence) \
  case DCF_STATUS_##constant:                                    \
    return sentence;
    DCF_STATUS_LIST(DCF_SENTENCE_CASE)
#undef DCF_SENTENCE_CASE
  }
  return "unknown status";
}

enum dcf_status_class dcf_status_class(dcf_status status) {
  switch (status) {
#define DCF_CLASS_CASE(name, constant, number, cls, sentence) \
  case DCF_STATUS_##constant:                                 \
    return DCF_STATUS_CLASS_##cls;
    DCF_STATUS_LIST(DCF_CLASS_CASE)
#undef DCF_CLASS_CASE
  }
  return DCF_STATUS_CLASS_INTERNAL;
}

uint32_t dcf_version_number(void) {
  return DCF_VERSION_MAJOR * 10000 + DCF_VERSION_MINOR * 100 + DCF_VERSION_PATCH;
}

const char* dcf_version_string(void) {
  return DCF_STRINGIFY(DCF_VERSION_MAJOR) "." DCF_STRINGIFY(DCF_VERSION_MINOR) "." DCF_STRINGIFY(
      DCF_VERSION_PATCH);
}

const char* dcf_dtype_name(dcf_dtype dtype) {
  return dcf::impl::dtype_name(dcf::impl::api::dtype_in(dtype));
}

uint32_t dcf_dtype_bits(dcf_dtype dtype) {
  return dcf::impl::dtype_bits(dcf::impl::api::dtype_in(dtype));
}

const char* dcf_positions_name(dcf_positions positions) {
  switch (positions) {
    case DCF_POSITIONS_DENSE:
    case DCF_POSITIONS_BITMAP:
    case DCF_POSITIONS_GAP:
    case DCF_POSITIONS_GAP_BUCKET:
      return dcf::impl::format::positions_name(
          static_cast<dcf::impl::format::Positions>(positions));
    case DCF_POSITIONS_CLASSES:
      return "classes";
    case DCF_POSITIONS_AUTO:
      return "auto";
  }
  return "";
}

const char* dcf_values_name(dcf_values values) {
  const auto id = static_cast<uint32_t>(values);
  return id > UINT8_MAX
             ? ""
             : dcf::impl::format::values_name(static_cast<dcf::impl::format::Values>(id));
}

const char* dcf_fidelity_name(dcf_fidelity fidelity) {
  switch (fidelity) {
    case DCF_FIDELITY_BIT_EXACT:
      return "bit-exact";
    case DCF_FIDELITY_VALUE_EXACT:
      return "value-exact";
    case DCF_FIDELITY_LOSSY:
      return "lossy";
  }
  return "";
}
