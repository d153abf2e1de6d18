// SPDX-License-Identifier: Apache-2.0
// Checks a whole file or one tensor, and counts where the bytes of a tensor are spent.
#pragma once

#include "model/decode_progress.h"
#include "model/model.h"

namespace dcf::impl::model {

// Checks everything that open() did not: every chunk against its hash and every rule, the nonzeros
// of each tensor (K-05), padding (K-02), ancillary sections. O(entries + rows) work; memory
// for one chunk per thread. Among failures of chunks the one with the lowest offset is reported,
// for any number of threads.
Status verify(const Model& model, ProgressStep progress);
// The same for one tensor, or for the one whose data it shares: chunks, nonzeros and padding.
Status verify_tensor(const Model& model, size_t tensor, ProgressStep progress);

// The bytes of one tensor by part; tables count for the first tensor that uses them.
struct TensorBytes {
  uint64_t positions = 0;
  uint64_t values = 0;
  uint64_t codebook = 0;
  uint64_t tables = 0;
  uint64_t padding = 0;
};
Result<TensorBytes> measure_tensor(const Model& model, size_t tensor, ProgressStep progress);

// Number of zero bytes before the tensor's first chunk, and where they start.
struct Padding {
  uint64_t offset = 0;
  uint64_t bytes = 0;
};
Padding padding_of(const Model& model, size_t tensor);

}  // namespace dcf::impl::model
