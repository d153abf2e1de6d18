// SPDX-License-Identifier: Apache-2.0
#include "cli/file_front.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace dcf::tools {

void FileFront::see(std::span<const uint8_t> bytes) {
  while (!done_ && !bytes.empty()) {
    const auto n = static_cast<size_t>(std::min<uint64_t>(bytes.size(), needed_ - bytes_.size()));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n));
    bytes = bytes.subspan(n);
    if (bytes_.size() == needed_) try_to_open();
  }
}

// What opening reads beyond the bytes that are there is what it needs.
void FileFront::try_to_open() {
  constexpr size_t kFileSize = 16;  // where the header has it
  const uint64_t before = needed_;
  dcf_open_options options = open_options();
  options.max_memory = UINT64_MAX;  // the file is our own
  options.threads = 1;
  Result<File> opened = File::open(
      dcf_reader{sizeof(dcf_reader), this, impl::load_le<uint64_t>(&bytes_[kFileSize]), read_at},
      options);
  done_ = needed_ == before;
  if (opened) file_.emplace(std::move(*opened));
}

int FileFront::read_at(void* self, uint64_t offset, void* dst, size_t size) {
  auto* const front = static_cast<FileFront*>(self);
  if (offset + size > front->bytes_.size()) {
    front->needed_ = std::max(front->needed_, offset + size);
    return 1;
  }
  std::memcpy(dst, front->bytes_.data() + offset, size);
  return 0;
}

}  // namespace dcf::tools
