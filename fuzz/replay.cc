// SPDX-License-Identifier: Apache-2.0
// Runs a harness over files and folders of files: the seeds and past crashes in the test suite,
// with any compiler. Prints how many inputs it ran. An argument that is missing, cannot be read or
// holds no input is a failure.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
// The library of libFuzzer is not here; the mutators that call it are not run.
extern "C" size_t LLVMFuzzerMutate(uint8_t*, size_t size, size_t) {
  return size;
}

namespace {

bool run(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::vector<uint8_t> bytes((std::istreambuf_iterator<char>(in)),
                                   std::istreambuf_iterator<char>());
  if (!in.is_open() || in.bad()) return false;
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  return true;
}

// The files of a folder, or the file itself; nothing if it does not exist.
std::vector<std::filesystem::path> inputs_of(const std::filesystem::path& path) {
  if (std::filesystem::is_regular_file(path)) return {path};
  std::vector<std::filesystem::path> inputs;
  if (!std::filesystem::is_directory(path)) return inputs;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) inputs.push_back(entry.path());
  }
  return inputs;
}

}  // namespace

int main(int argc, char** argv) {
  size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    const auto inputs = inputs_of(argv[i]);
    if (inputs.empty()) {
      std::fprintf(stderr, "replay: no inputs in %s\n", argv[i]);
      return EXIT_FAILURE;
    }
    for (const auto& input : inputs) {
      if (!run(input)) {
        std::fprintf(stderr, "replay: cannot read %s\n", input.c_str());
        return EXIT_FAILURE;
      }
      ++count;
    }
  }
  std::printf("%zu inputs\n", count);
  return count == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
