// SPDX-License-Identifier: Apache-2.0
// Temporary files, without a name where the system can do that.
#pragma once

#include <string>

#include "io/syscalls.h"

namespace dcf::impl {

struct TempFile {
  UniqueFd file;     // open for reading and writing
  std::string name;  // in the directory it was made in; empty: it has none
};

// A name that nobody can guess.
std::string random_temp_name();

// A file of mode `mode` less the umask in the directory `dir`: nameless if it can be given a name
// later through /proc, otherwise with one, which is then the caller's to remove. IoOpen or
// IoNoSpace.
Result<TempFile> make_temp_file(const Syscalls& sys, int dir, mode_t mode);

}  // namespace dcf::impl
