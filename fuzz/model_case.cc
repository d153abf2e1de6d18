// SPDX-License-Identifier: Apache-2.0
#include "model_case.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <vector>

#include "formats/error.h"
#include "formats/text.h"
#include "reassemble.h"

namespace dcf::fuzz {
namespace {

constexpr uint64_t kMaxMemory = uint64_t{16} << 20;
constexpr uint64_t kWholeBytes = uint64_t{1} << 16;  // tensors up to here are read twice
constexpr uint64_t kMostBytes = uint64_t{1} << 20;   // of one model
constexpr size_t kMaxTensors = 256;

[[noreturn]] void die(const char* what, const std::string& detail) {
  std::fprintf(stderr, "%s: %s\n", what, detail.c_str());
  std::abort();
}

void check_error(const tools::Error& error) {
  const std::string message = error.what();
  if (error.exit_code != 1 && error.exit_code != 2) die("exit code", message);
  if (tools::printable_message(message) != message) die("message with hidden text", message);
}

// `size` bytes, `step` at a time; nothing where the reader fails.
std::optional<std::vector<uint8_t>> read_tensor(const tools::ModelSource& source, size_t i,
                                                uint64_t size, uint64_t step) {
  std::vector<uint8_t> bytes(static_cast<size_t>(size));
  try {
    const auto reader = source.open_tensor(i);
    uint64_t done = 0;
    do {
      const uint64_t piece = std::min(step, size - done);
      reader->read(std::span(bytes).subspan(static_cast<size_t>(done), static_cast<size_t>(piece)));
      done += piece;
    } while (done < size);
  } catch (const tools::Error& error) {
    check_error(error);
    return std::nullopt;
  }
  return bytes;
}

}  // namespace

MemoryFile::MemoryFile(Bytes bytes)
    : fd_(impl::io::system_calls(), memfd_create("input", MFD_CLOEXEC)) {
  const impl::Status status =
      impl::io::write_fully(impl::io::system_calls(), fd_.get(), bytes.data(), bytes.size());
  if (!status.ok()) die("memory file", status.message);
}

std::pair<Bytes, Bytes> split_at_nul(Bytes input) {
  const auto nul = std::find(input.begin(), input.end(), uint8_t{0});
  const auto size = static_cast<size_t>(nul - input.begin());
  return {input.first(size), input.subspan(std::min(size + 1, input.size()))};
}

void expect_tool_error_at_worst(const std::function<void()>& action) {
  try {
    action();
  } catch (const tools::Error& error) {
    check_error(error);
  }
}

void read_model(const Open& open) {
  expect_tool_error_at_worst([&] {
    const auto source = open(tools::MemoryLimit(kMaxMemory));
    uint64_t left = kMostBytes;
    for (size_t i = 0; i < std::min(kMaxTensors, source->tensors().size()); ++i) {
      const tools::TensorMeta& meta = source->tensors()[i];
      const uint64_t width = std::max<uint64_t>(1, meta.bits / 8);
      const uint64_t size = std::min(meta.bytes(), left) / width * width;
      left -= size;
      const auto whole = read_tensor(*source, i, size, std::max<uint64_t>(size, width));
      if (size > kWholeBytes) continue;
      if (read_tensor(*source, i, size, 3 * width) != whole) {
        die("pieces differ", tools::printable(meta.name));
      }
    }
    if (source->layout() == nullptr || source->file_bytes() > kWholeBytes) return;
    const std::string fault = tools::test::layout_fault(*source);
    if (!fault.empty()) die("layout", fault);
  });
}

}  // namespace dcf::fuzz
