// SPDX-License-Identifier: Apache-2.0
// Encodes tensors and adds them to what a writer has; one that is equal to an earlier one becomes
// its alias.
#pragma once

#include <unordered_map>
#include <vector>

#include "encode/content/tensor_input.h"
#include "encode/write/tensor_encoder.h"
#include "encode/write/writer_state.h"

namespace dcf::impl::encode {

// Bytes that clustering or rounding a tensor allocates; 0 where `options` ask for neither.
uint64_t lossy_bytes(const TensorSpec& spec, const EncodeOptions& options, const TensorSize& size);

// The failure of a tensor for which there is no room to cluster or round it.
Status too_large_to_cluster();

// The encodings of a tensor, whose offsets count from 0. `consume` receives the payload. Any number
// of threads may prepare tensors at once. Fails as TensorAdder::add().
Result<StoredTensor> prepare_tensor(const CheckedInput& input, const Work& work,
                                    const ConsumeBytes& consume);

// Belongs to one thread at a time. Borrows the state.
class TensorAdder {
 public:
  explicit TensorAdder(WriterState& state) : state_(state) {}

  // Adds a tensor. Fails as FileWriter::add().
  Status add(const CheckedInput& input, const Work& work);

  // The same in two steps, after prepare_tensor(). `key`: its content_key(), which the adder does
  // not know.
  Status add_prepared(const TensorSpec& spec, uint64_t key, StoredTensor tensor,
                      BigVector<uint8_t>&& payload);

  // Bytes of memory that the state leaves.
  uint64_t available() const { return state_.available(); }
  // Whether a tensor with this content_key() was added, which another one may be equal to.
  bool knows(uint64_t key) const { return by_key_.contains(key); }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  Result<size_t> find_equal(uint64_t key, std::vector<Lowered>& sources, const CheckedInput& input,
                            const Work& work);

  WriterState& state_;
  std::unordered_multimap<uint64_t, size_t> by_key_;  // content key -> stored tensor
};

}  // namespace dcf::impl::encode
