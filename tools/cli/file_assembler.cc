// SPDX-License-Identifier: Apache-2.0
#include "cli/file_assembler.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#include "cli/signals.h"
#include "formats/dcf_source.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr uint64_t kPieceBytes = uint64_t{1} << 20;
// What is smaller is not worth waking a thread for.
constexpr size_t kHashBeside = size_t{512} << 10;

bool is_bit_exact(const DcfFile& file) {
  for (size_t i = 0; i < file.tensor_count(); ++i) {
    if (file.tensor(i).fidelity != DCF_FIDELITY_BIT_EXACT) return false;
  }
  return true;
}

}  // namespace

FileAssembler::FileAssembler(const DcfFile& file, const OriginalFiles& originals)
    : file_(file),
      originals_(originals),
      exact_(is_bit_exact(file)),
      layout_(originals.walk()),
      rest_(originals.open_rest()) {}

void FileAssembler::run(bool only_first, const OpenOutput& open_output, const See& see) {
  only_first_ = only_first;
  open_output_ = &open_output;
  see_ = &see;
  PieceCopier copier(file_, [this](const Piece& piece) { feed(piece.bytes); });
  // Walks ahead of the writing, which the copier may do on another thread.
  LayoutReader ahead = originals_.walk();
  LayoutFile description;
  std::optional<uint64_t> begun;
  while (ahead.next_file(&description)) {
    for (Segment segment; ahead.next_segment(&segment);) {
      if (segment.kind == Segment::Kind::kTensor && segment.parts[0].tensor != begun) {
        begun = segment.parts[0].tensor;
        copier.copy(*begun);
      } else if (segment.kind == Segment::Kind::kBlocks) {
        copier.finish();
        advance();
        write_blocks();
      }
    }
    if (only_first) break;
  }
  copier.finish();
  advance();
}

// Of the tensor whose segment is next.
void FileAssembler::feed(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    if (left_ == 0) advance();
    if (output_ == nullptr) return;  // the tensor goes on in a file that is left out
    const auto piece = bytes.first(static_cast<size_t>(std::min<uint64_t>(left_, bytes.size())));
    write(piece);
    left_ -= piece.size();
    bytes = bytes.subspan(piece.size());
  }
}

// Writes what comes before the next segment of a tensor, or all to the end.
void FileAssembler::advance() {
  while (true) {
    while (output_ != nullptr && layout_.next_segment(&segment_)) {
      if (segment_.kind == Segment::Kind::kRest) {
        write_rest(segment_.bytes);
      } else if (segment_.kind == Segment::Kind::kDescriptions) {
        const std::string text = originals_.descriptions(file_, layout_, segment_);
        write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
      } else {
        left_ = segment_.bytes;
        return;
      }
    }
    if (output_ != nullptr) {
      end_file();
      if (only_first_) done_ = true;
    }
    if (done_ || !layout_.next_file(&description_)) return;
    output_ = (*open_output_)(description_);
  }
}

void FileAssembler::end_file() {
  write_small();
  if (exact_ && hash_.digest() != description_.sha256) {
    throw_invalid(file_.path(), "gives " + quote(description_.name) +
                                    " another SHA-256 than the file had that it was made from");
  }
  output_->commit();
  output_.reset();
}

void FileAssembler::write(std::span<const uint8_t> bytes) {
  if (!exact_ || file_.threads() == 1) {
    if (exact_) hash_.update(bytes);
    output_->write(bytes);
  } else if (bytes.size() >= kHashBeside) {
    write_small();
    write_and_hash(bytes);
  } else {
    if (bytes.size() > kHashBeside - small_.size()) write_small();
    small_.insert(small_.end(), bytes.begin(), bytes.end());
  }
  (*see_)(written_ += bytes.size());
}

void FileAssembler::write_small() {
  if (!small_.empty()) write_and_hash(small_);
  small_.clear();
}

// Hashes on another thread what it writes.
void FileAssembler::write_and_hash(std::span<const uint8_t> bytes) {
  hasher_.start([this, bytes] { hash_.update(bytes); });
  try {
    output_->write(bytes);
  } catch (...) {
    hasher_.wait();  // the bytes go with the caller
    throw;
  }
  hasher_.wait();
}

void FileAssembler::write_rest(uint64_t bytes) {
  std::vector<uint8_t> piece(static_cast<size_t>(std::min(bytes, kPieceBytes)));
  for (; bytes > 0; bytes -= piece.size()) {
    piece.resize(static_cast<size_t>(std::min<uint64_t>(bytes, piece.size())));
    rest_->read(piece);
    write(piece);
  }
}

void FileAssembler::write_blocks() {
  uint64_t block_bytes = 0;
  std::vector<std::unique_ptr<TensorReader>> readers;
  for (const BlockPart& part : segment_.parts) {
    block_bytes += part.bytes;
    readers.push_back(read_dcf_tensor(file_, part.tensor));
  }
  const uint64_t most = std::clamp<uint64_t>(kPieceBytes / block_bytes, 1, segment_.blocks);
  const MemoryLimit limit(file_.max_memory());
  std::vector<uint8_t> mixed = limit.buffer(file_.path(), "a block of tensors", most * block_bytes);
  std::vector<uint8_t> own = limit.buffer(file_.path(), "a block of tensors", mixed.size());
  for (uint64_t left = segment_.blocks; left > 0;) {
    throw_if_interrupted();
    const uint64_t blocks = std::min(left, most);
    uint64_t offset = 0;
    for (size_t p = 0; p < readers.size(); ++p) {
      const size_t bytes = static_cast<size_t>(segment_.parts[p].bytes);
      readers[p]->read(std::span(own).first(static_cast<size_t>(blocks * bytes)));
      for (uint64_t b = 0; b < blocks; ++b) {
        std::memcpy(&mixed[b * block_bytes + offset], &own[b * bytes], bytes);
      }
      offset += bytes;
    }
    write(std::span(mixed).first(static_cast<size_t>(blocks * block_bytes)));
    left -= blocks;
  }
  left_ = 0;
}

}  // namespace dcf::tools
