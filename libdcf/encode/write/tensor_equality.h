// SPDX-License-Identifier: Apache-2.0
// Whether two tensors of a file are equal, so that one becomes an alias of the other.
#pragma once

#include <vector>

#include "encode/content/tensor_input.h"
#include "encode/write/file_assembly.h"
#include "io/spool.h"

namespace dcf::impl::encode {

// A hash of everything that decides the words of a tensor: the shape of dense data does only where
// they are rounded. Equal tensors have equal keys; comparing shows whether tensors of equal keys
// are equal.
uint64_t content_key(const CheckedInput& input);

// Whether two tensors have the same coding, as far as it is not in the payload.
bool same_encoding(const EncodedTensor& a, const EncodedTensor& b);

// Compares bytes that come in pieces with a range of the spool.
class SpoolComparison {
 public:
  SpoolComparison(const io::Spool& spool, const StoredEncoding& stored)
      : spool_(spool), at_(stored.offset), end_(stored.offset + stored.encoded.payload) {}
  Status consume(Bytes bytes) {
    if (!same_ || bytes.size() > end_ - at_) {
      same_ = false;
      return ok_status();
    }
    buffer_.resize(bytes.size());
    DCF_TRY(spool_.read_at(at_, buffer_));
    same_ = std::equal(bytes.begin(), bytes.end(), buffer_.begin());
    at_ += bytes.size();
    return ok_status();
  }
  bool same() const { return same_ && at_ == end_; }

 private:
  const io::Spool& spool_;
  uint64_t at_;
  uint64_t end_;
  std::vector<uint8_t> buffer_;
  bool same_ = true;
};

}  // namespace dcf::impl::encode
