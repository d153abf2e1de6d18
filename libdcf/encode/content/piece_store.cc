// SPDX-License-Identifier: Apache-2.0
#include "encode/content/piece_store.h"

#include <cstring>

namespace dcf::impl::encode {

Status PieceStore::append(Bytes bytes) {
  while (!bytes.empty()) {
    const size_t n = std::min<size_t>(bytes.size(), kBlockBytes - buffer_.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n));
    size_ += n;
    bytes = bytes.subspan(n);
    if (buffer_.size() == kBlockBytes) DCF_TRY(flush());
  }
  return ok_status();
}

Status PieceStore::append_zeros(uint64_t count) {
  while (count > 0) {
    const uint64_t n = std::min(count, kBlockBytes - buffer_.size());
    size_ += n;
    count -= n;
    if (n == kBlockBytes) {
      blocks_.emplace_back();
      continue;
    }
    buffer_.resize(buffer_.size() + static_cast<size_t>(n));
    if (buffer_.size() == kBlockBytes) DCF_TRY(flush());
  }
  return ok_status();
}

Status PieceStore::put(uint64_t index, uint64_t word) {
  DCF_TRY(append_zeros(index * width_ - size_));
  uint8_t bytes[8];
  store_word(bytes, width_, word);
  return append({bytes, width_});
}

Status PieceStore::finish(uint64_t size) {
  DCF_TRY(append_zeros(size - size_));
  if (!buffer_.empty()) DCF_TRY(flush());
  buffer_ = {};
  record_ = {};
  return ok_status();
}

template <typename Word>
uint64_t PieceStore::pack() {
  const size_t words = buffer_.size() / sizeof(Word);
  record_.assign(bitmap_bytes(), 0);
  record_.resize(bitmap_bytes() + buffer_.size());
  uint8_t* out = record_.data() + bitmap_bytes();
  for (size_t first = 0; first < words; first += 64) {
    const uint8_t* const in = buffer_.data() + first * sizeof(Word);
    const size_t count = std::min<size_t>(64, words - first);
    uint64_t bits = 0;
    for (size_t i = 0; i < count; ++i) {
      bits |= uint64_t{load_le<Word>(in + i * sizeof(Word)) != 0} << i;
    }
    store_le(record_.data() + first / 8, bits);
    for (; bits != 0; bits &= bits - 1) {
      std::memcpy(out, in + sizeof(Word) * static_cast<size_t>(std::countr_zero(bits)),
                  sizeof(Word));
      out += sizeof(Word);
    }
  }
  const auto used = static_cast<size_t>(out - record_.data());
  record_.resize(used);
  return (used - bitmap_bytes()) / sizeof(Word);
}

Status PieceStore::flush() {
  uint64_t words = 0;
  switch (width_) {
    case 1:
      words = pack<uint8_t>();
      break;
    case 2:
      words = pack<uint16_t>();
      break;
    case 4:
      words = pack<uint32_t>();
      break;
    default:
      words = pack<uint64_t>();
  }
  Block block;
  if (words > 0) {
    const bool sparse = record_.size() < buffer_.size();
    const std::vector<uint8_t>& stored = sparse ? record_ : buffer_;
    block = {spool_.size(), static_cast<uint32_t>(stored.size()),
             sparse ? Form::kSparse : Form::kDense};
    DCF_TRY(spool_.append(stored));
  }
  blocks_.push_back(block);
  buffer_.clear();
  return ok_status();
}

Status PieceStore::read(uint64_t offset, MutableBytes dst) const {
  std::vector<uint8_t> record;
  while (!dst.empty()) {
    const Block& block = blocks_[static_cast<size_t>(offset / kBlockBytes)];
    const uint64_t first = offset % kBlockBytes;
    const MutableBytes part =
        dst.first(static_cast<size_t>(std::min<uint64_t>(dst.size(), kBlockBytes - first)));
    if (block.form == Form::kDense) {
      DCF_TRY(spool_.read_at(block.offset + first, part));
    } else {
      std::fill(part.begin(), part.end(), uint8_t{0});
    }
    if (block.form == Form::kSparse) {
      DCF_TRY(load(block, &record));
      const auto put = [&](uint64_t i, auto word) {
        store_le(part.data() + (i * width_ - first), word);
      };
      const uint64_t begin = first / width_;
      const uint64_t end = (first + part.size()) / width_;
      switch (width_) {
        case 1:
          visit_record<uint8_t>(record, begin, end, put);
          break;
        case 2:
          visit_record<uint16_t>(record, begin, end, put);
          break;
        case 4:
          visit_record<uint32_t>(record, begin, end, put);
          break;
        default:
          visit_record<uint64_t>(record, begin, end, put);
      }
    }
    offset += part.size();
    dst = dst.subspan(part.size());
  }
  return ok_status();
}

}  // namespace dcf::impl::encode
