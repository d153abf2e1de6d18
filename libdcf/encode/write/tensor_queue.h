// SPDX-License-Identifier: Apache-2.0
// Adds many dense tensors: several are read and encoded at a time, and all are added in order.
#pragma once

#include <functional>

#include "encode/write/tensor_adder.h"

namespace dcf::impl::encode {

// A dense tensor whose bytes are there, or are read when its turn comes.
struct DenseSource {
  TensorSpec spec;
  EncodeOptions options;
  Bytes data;
  // Fills dst with all bytes of the tensor, on any thread. Empty: `data` has them.
  std::function<Status(MutableBytes dst)> read;
};

// Tensor i of several. Called more than once for each, by one thread at a time.
using FindSource = std::function<Result<DenseSource>(size_t i)>;

// Adds `count` tensors as TensorAdder::add() would, one after the other, and fails as it does for
// the first that fails, whose index the status has. Dense bytes are reported to `progress`: by any
// thread, but by one at a time.
Status add_tensors(size_t count, const FindSource& find, const Parallel& parallel,
                   Progress& progress, TensorAdder* adder);

}  // namespace dcf::impl::encode
