// SPDX-License-Identifier: Apache-2.0
#include "encode/write/writer_state.h"

#include <algorithm>

namespace dcf::impl::encode {

WriterState::WriterState(uint64_t max_memory)
    : max_memory_(max_memory),
      spool_memory_(std::min(kMaxSpoolMemory, max_memory / 4)),
      spool_(spool_memory_) {}

Status WriterState::check_new(std::string_view name) const {
  if (contents_.tensors.find(name) != contents_.tensors.end()) {
    return fail(Code::DuplicateName, "", "a tensor of this name was already added");
  }
  if (contents_.tensors.size() >= Limits{}.max_tensors) {
    return fail(Code::LimitCount, "L-03", "there are more tensors than a reader accepts");
  }
  return ok_status();
}

Status WriterState::too_large() {
  return fail(Code::LimitMemory, "", "the writer needs more memory than the limit");
}

uint64_t WriterState::available() const {
  const uint64_t held = spool_memory_ + resident_ + kSmallThings;
  return max_memory_ - std::min(max_memory_, held);
}

Status WriterState::hold(uint64_t bytes) {
  if (bytes > available()) return too_large();
  resident_ += bytes;
  return ok_status();
}

Status WriterState::hold(const StoredTensor& tensor) {
  uint64_t bytes = sizeof(StoredTensor) + tensor.owner.size() + 8 * tensor.dims.size();
  for (const StoredEncoding& encoding : tensor.encodings) {
    const EncodedTensor& e = encoding.encoded;
    bytes += sizeof(StoredEncoding) + e.chunks.size() * sizeof(format::Chunk) + e.codebook.size();
    for (const auto& table : e.tables) bytes += table.size();
  }
  return hold(bytes);
}

size_t WriterState::keep(StoredTensor tensor) {
  contents_.stored.push_back(std::move(tensor));
  return contents_.stored.size() - 1;
}

AddedTensor WriterState::describe(const TensorSpec& spec) {
  AddedTensor added;
  added.dims.assign(spec.dims.begin(), spec.dims.end());
  added.opaque_name = spec.opaque_name;
  return added;
}

Status WriterState::insert(std::string_view name, AddedTensor added) {
  DCF_TRY(hold(kNodeBytes + sizeof(AddedTensor) + name.size() + 8 * added.dims.size()));
  contents_.tensors.emplace(name, std::move(added));
  return ok_status();
}

}  // namespace dcf::impl::encode
