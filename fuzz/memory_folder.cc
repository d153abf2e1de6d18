// SPDX-License-Identifier: Apache-2.0
#include "memory_folder.h"

#include <fcntl.h>
#include <stdlib.h>

#include <filesystem>
#include <system_error>

namespace dcf::fuzz {

MemoryFolder::MemoryFolder() {
  std::string pattern = "/dev/shm/dcf-fuzz-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) abort();
  path_ = pattern;
}

MemoryFolder::~MemoryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void MemoryFolder::write(const char* name, Bytes bytes) const {
  const impl::io::Syscalls& sys = impl::io::system_calls();
  const impl::io::UniqueFd fd(
      sys, open(file(name).c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
  if (!impl::io::write_fully(sys, fd.get(), bytes.data(), bytes.size()).ok()) abort();
}

}  // namespace dcf::fuzz
