// SPDX-License-Identifier: Apache-2.0
// What the harnesses of the tools' readers share: files that are in memory only, and what holds for
// every reader and every input.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "formats/model_source.h"
#include "io/syscalls.h"

namespace dcf::fuzz {

using Bytes = std::span<const uint8_t>;

// A file without a name on any disk, under a path of this process that open() takes.
class MemoryFile {
 public:
  explicit MemoryFile(Bytes bytes);
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

 private:
  impl::io::UniqueFd fd_;
};

// The input up to its first NUL byte, and what follows that.
std::pair<Bytes, Bytes> split_at_nul(Bytes input);

// Runs `action`, which may throw tools::Error: then the exit code is 1 or 2, and the message is one
// line of visible UTF-8. Anything else ends the program.
void expect_tool_error_at_worst(const std::function<void()>& action);

// Opens a model with a limit of 16 MiB and reads its tensors, large ones in part: whole and in
// pieces of a few elements the bytes, or the verdict, are the same. Files of a small model are what
// its layout makes of its tensors.
using Open = std::function<std::unique_ptr<tools::ModelSource>(const tools::MemoryLimit&)>;
void read_model(const Open& open);

}  // namespace dcf::fuzz
