// SPDX-License-Identifier: Apache-2.0
#include "io/temp_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

namespace dcf::impl::io {

std::string random_temp_name() {
  uint8_t random[8] = {};
  // Eight bytes are never delivered in part. Without entropy the exclusive creation still protects.
  (void)retry_interrupted([&] { return ::getrandom(random, sizeof random, 0); });
  std::string name = ".dcf-";
  for (const uint8_t byte : random) {
    name += "0123456789abcdef"[byte >> 4];
    name += "0123456789abcdef"[byte & 15];
  }
  return name + ".tmp";
}

Result<TempFile> make_temp_file(const Syscalls& sys, int dir, mode_t mode) {
  if (::access("/proc/self/fd", X_OK) == 0) {
    constexpr int kNameless = O_TMPFILE | O_RDWR | O_CLOEXEC;
    UniqueFd file(sys, retry_interrupted([&] { return sys.openat(dir, ".", kNameless, mode); }));
    if (file.valid()) return TempFile{std::move(file), {}};
  }
  // Whatever was wrong, an ordinary file either works or fails with a clearer error.
  for (int attempt = 0; attempt < 16; ++attempt) {
    std::string name = random_temp_name();
    constexpr int kNamed = O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC;
    UniqueFd file(sys,
                  retry_interrupted([&] { return sys.openat(dir, name.c_str(), kNamed, mode); }));
    if (file.valid()) return TempFile{std::move(file), std::move(name)};
    if (errno != EEXIST) return errno_status(Code::IoOpen, errno);
  }
  return fail(Code::IoOpen, "", "no unused name for a temporary file was found");
}

}  // namespace dcf::impl::io
