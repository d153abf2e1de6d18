// SPDX-License-Identifier: Apache-2.0
// Where the bytes of a .dcf file come from: memory, a file or the host's callback. A Source has a
// fixed size and is read by position; read_at and view may be called from several threads at once.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "io/syscalls.h"

namespace dcf::impl::io {

class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  virtual uint64_t size() const = 0;
  // Fills dst with the bytes at `offset`. A range that leaves the source is Truncated, any other
  // failure IoRead; dst is then unspecified.
  virtual Status read_at(uint64_t offset, MutableBytes dst) const = 0;
  // The bytes themselves, if they stay addressable for the life of the source and the range lies
  // within it. Otherwise nothing; use read_at().
  virtual Bytes view(uint64_t offset, uint64_t size) const;

 protected:
  Status check_range(uint64_t offset, uint64_t size) const;
};

// Borrows the bytes: they must outlive the source.
class MemorySource final : public Source {
 public:
  explicit MemorySource(Bytes bytes) : bytes_(bytes) {}
  uint64_t size() const override { return bytes_.size(); }
  Status read_at(uint64_t offset, MutableBytes dst) const override;
  Bytes view(uint64_t offset, uint64_t size) const override;

 private:
  Bytes bytes_;
};

// A regular file, read by position. Its size is the one it had when it was opened.
class FileSource final : public Source {
 public:
  // A path that is missing, not readable, a directory or otherwise not a regular file is IoOpen.
  static Result<std::unique_ptr<FileSource>> open(const char* path,
                                                  const Syscalls& sys = system_calls());
  uint64_t size() const override { return size_; }
  Status read_at(uint64_t offset, MutableBytes dst) const override;

 private:
  FileSource(const Syscalls& sys, UniqueFd fd, uint64_t size)
      : sys_(sys), fd_(std::move(fd)), size_(size) {}

  const Syscalls& sys_;
  UniqueFd fd_;
  uint64_t size_;
};

// The host's own storage, shaped like dcf_reader of dcf/dcf.h: returns 0, or nonzero on failure.
class CallbackSource final : public Source {
 public:
  using ReadAt = int (*)(void* ctx, uint64_t offset, void* dst, size_t size);
  CallbackSource(ReadAt callback, void* ctx, uint64_t size)
      : read_at_(callback), ctx_(ctx), size_(size) {}
  uint64_t size() const override { return size_; }
  Status read_at(uint64_t offset, MutableBytes dst) const override;

 private:
  ReadAt read_at_;
  void* ctx_;
  uint64_t size_;
};

}  // namespace dcf::impl::io
