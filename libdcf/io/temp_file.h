// SPDX-License-Identifier: Apache-2.0
// Temporary files, without a name where the system can do that.
#pragma once

#include <string>

#include "io/syscalls.h"

namespace dcf::impl::io {

struct TempFile {
  UniqueFd file;     // open for reading and writing
  std::string name;  // in the directory it was made in; empty: it has none
};

// A name that cannot be guessed.
std::string random_temp_name();

// Makes a file in the directory `dir`, of mode `mode` less the umask. It has no name if it can get
// one later through /proc; otherwise it has a name, which the caller must remove. IoOpen or
// IoNoSpace.
Result<TempFile> make_temp_file(const Syscalls& sys, int dir, mode_t mode);

}  // namespace dcf::impl::io
