// SPDX-License-Identifier: Apache-2.0
// Where the bytes of a finished file go, in order. A Sink belongs to one thread at a time.
#pragma once

#include "base/bytes.h"
#include "io/syscalls.h"

namespace dcf::impl::io {

class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  virtual Status append(Bytes bytes) = 0;
};

// An open descriptor, such as standard output.
class FdSink final : public Sink {
 public:
  explicit FdSink(UniqueFd fd, const Syscalls& sys = system_calls())
      : sys_(sys), fd_(std::move(fd)) {}
  Status append(Bytes bytes) override {
    return write_fully(sys_, fd_.get(), bytes.data(), bytes.size());
  }

 private:
  const Syscalls& sys_;
  UniqueFd fd_;
};

// The host's callback, shaped like dcf_sink of dcf/dcf_write.h: returns 0, or nonzero on failure.
class CallbackSink final : public Sink {
 public:
  using Write = int (*)(void* ctx, const void* data, size_t size);
  CallbackSink(Write write, void* ctx) : write_(write), ctx_(ctx) {}
  Status append(Bytes bytes) override {
    if (bytes.empty() || write_(ctx_, bytes.data(), bytes.size()) == 0) return ok_status();
    return fail(Code::IoWrite, "", "the caller's write callback failed");
  }

 private:
  Write write_;
  void* ctx_;
};

}  // namespace dcf::impl::io
