// SPDX-License-Identifier: Apache-2.0
// A failure reported by the library, as an Error of the tools.
#pragma once

#include <dcf/dcf.h>

#include <cstdint>
#include <optional>
#include <string>

#include "formats/error.h"
#include "formats/memory_limit.h"

namespace dcf::tools {

struct DcfFailure {
  dcf_status status = DCF_OK;
  std::string sentence;  // names the file, but neither rule, offset nor tensor
  std::string message;   // the same without the file
  std::string rule;      // of spec/dcf-format.md; may be empty
  std::optional<uint64_t> offset;
  std::optional<std::string> tensor;  // name
  int system_error = 0;               // errno of a failed system call, or 0
};

class DcfError : public Error {
 public:
  explicit DcfError(DcfFailure what_failed);

  DcfFailure failure;
};

// Statuses that blame the input, its structure, coding, checksums or size, are kExitInvalid.
int exit_code_of(dcf_status status);

// One of LimitMemory tells of `limit`, which the library was given.
DcfFailure make_failure(const std::string& file, dcf_status status, const dcf_error& error,
                        const MemoryLimit& limit = MemoryLimit());
// What an output's writer says, of the file whose tensors it could not write.
DcfFailure blame(DcfFailure failure, const std::string& file);
// `names` resolves the number of the tensor concerned; NULL where there is no open file.
[[noreturn]] void throw_dcf_error(const std::string& file, dcf_status status,
                                  const dcf_error& error, const dcf_file* names,
                                  const MemoryLimit& limit = MemoryLimit());

}  // namespace dcf::tools
