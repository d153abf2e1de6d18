// SPDX-License-Identifier: Apache-2.0
#include "formats/mapped_file.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "formats/error.h"

namespace dcf::tools {

MappedFile::MappedFile(const InputFile& file, uint64_t most) {
  const auto size = static_cast<size_t>(std::min(file.size(), most));
  void* const start = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
  if (start == MAP_FAILED) {
    const int error = errno;
    throw_failure(file.path(),
                  "cannot be mapped into memory: " + std::generic_category().message(error), error);
  }
  // Only tables are looked at, which lie scattered: reading ahead would load the data between them.
  madvise(start, size, MADV_RANDOM);
  bytes_ = {static_cast<const uint8_t*>(start), size};
}

MappedFile::~MappedFile() {
  munmap(const_cast<uint8_t*>(bytes_.data()), bytes_.size());
}

}  // namespace dcf::tools
