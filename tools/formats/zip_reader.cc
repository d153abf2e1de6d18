// SPDX-License-Identifier: Apache-2.0
#include "formats/zip_reader.h"

#include <algorithm>
#include <limits>

#include "formats/error.h"
#include "formats/text.h"
#include "formats/zip_crc.h"

namespace dcf::tools {
namespace {

constexpr size_t kInputBytes = size_t{64} << 10;
constexpr int kRawDeflate = -MAX_WBITS;  // zip entries carry no zlib header

}  // namespace

ZipEntryReader::ZipEntryReader(const InputFile& file, const ZipEntry& entry)
    : file_(file), entry_(entry) {
  if (!entry_.obstacle.empty()) {
    throw_failure(file_.path(), "entry " + quote(entry_.name) + " " + entry_.obstacle);
  }
  if (!entry_.deflated) return;
  input_.resize(kInputBytes);
  if (inflateInit2(&inflater_, kRawDeflate) != Z_OK) {
    throw_failure(file_.path(), "cannot be unpacked: out of memory");
  }
}

ZipEntryReader::~ZipEntryReader() {
  if (entry_.deflated) inflateEnd(&inflater_);
}

void ZipEntryReader::fail(const std::string& what) const {
  throw_invalid(file_.path(), "entry " + quote(entry_.name) + " " + what);
}

void ZipEntryReader::refill() {
  const uint64_t left = entry_.compressed_bytes - consumed_;
  const size_t size = static_cast<size_t>(std::min<uint64_t>(left, kInputBytes));
  file_.read_at(entry_.data_offset + consumed_, std::span(input_).first(size));
  consumed_ += size;
  inflater_.next_in = input_.data();
  inflater_.avail_in = static_cast<uInt>(size);
}

size_t ZipEntryReader::inflate_into(std::span<uint8_t> out) {
  size_t done = 0;
  while (done < out.size() && !ended_) {
    if (inflater_.avail_in == 0) refill();
    const size_t room = std::min<size_t>(out.size() - done, std::numeric_limits<uInt>::max());
    inflater_.next_out = out.data() + done;
    inflater_.avail_out = static_cast<uInt>(room);
    const int result = inflate(&inflater_, Z_NO_FLUSH);
    done += room - inflater_.avail_out;
    ended_ = result == Z_STREAM_END;
    const bool starved = inflater_.avail_in == 0 && consumed_ == entry_.compressed_bytes;
    if (result == Z_BUF_ERROR && starved) fail("is cut off");
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) fail("is damaged");
  }
  return done;
}

void ZipEntryReader::read(std::span<uint8_t> out) {
  if (out.size() > entry_.bytes - produced_) fail("is shorter than its array");
  if (!entry_.deflated) {
    file_.read_at(entry_.data_offset + produced_, out);
  } else if (inflate_into(out) != out.size()) {
    fail("unpacks to fewer bytes than declared");
  }
  crc_ = update_crc(crc_, out);
  produced_ += out.size();
}

void ZipEntryReader::finish() {
  if (produced_ != entry_.bytes) fail("is longer than its array");
  if (entry_.deflated) {
    uint8_t more = 0;
    if (inflate_into({&more, 1}) != 0) fail("unpacks to more bytes than declared");
    if (inflater_.avail_in != 0 || consumed_ != entry_.compressed_bytes) {
      fail("has bytes after its compressed data");
    }
  }
  if (crc_ != entry_.crc) fail("is damaged: its checksum differs");
}

}  // namespace dcf::tools
