// SPDX-License-Identifier: Apache-2.0
// model.json up to the first NUL byte, then a byte with the size of the weight file "a", its bytes,
// and those of the weight file "b".
#include <fcntl.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>

#include "formats/tfjs_source.h"
#include "model_case.h"

namespace {

using dcf::fuzz::Bytes;

// A folder in memory, removed at the end of the process.
class Folder {
 public:
  Folder() {
    std::string pattern = "/dev/shm/dcf-fuzz-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) abort();
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const char* name) const { return path_ + "/" + name; }
  void write(const char* name, Bytes bytes) const {
    const dcf::impl::Syscalls& sys = dcf::impl::system_calls();
    const dcf::impl::UniqueFd fd(
        sys, open(file(name).c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
    if (!dcf::impl::write_fully(sys, fd.get(), bytes.data(), bytes.size()).ok()) abort();
  }

 private:
  std::string path_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Folder folder;
  auto [manifest, shards] = dcf::fuzz::split_at_nul({data, size});
  const size_t first = shards.empty() ? 0 : std::min<size_t>(shards[0], shards.size() - 1);
  if (!shards.empty()) shards = shards.subspan(1);
  folder.write("model.json", manifest);
  folder.write("a", shards.first(first));
  folder.write("b", shards.subspan(first));
  dcf::fuzz::read_model([&](const dcf::tools::MemoryLimit& limit) {
    return dcf::tools::open_tfjs_model(dcf::tools::InputFile(folder.file("model.json")), limit);
  });
  return 0;
}
