// SPDX-License-Identifier: Apache-2.0
// What an application carries: the sections of a stripped program that links dcf::decoder alone.
#include <elf.h>

#include <cstring>
#include <filesystem>
#include <map>

#include "data.h"
#include "harness.h"

namespace dcf::bench {
namespace {

template <typename T>
T load(const std::vector<uint8_t>& bytes, uint64_t offset) {
  T value;
  require(offset <= bytes.size() && sizeof value <= bytes.size() - offset, "no whole ELF file");
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

// Bytes by section; those that are not in the file do not count.
std::map<std::string, uint64_t> sections(const std::vector<uint8_t>& bytes) {
  const auto header = load<Elf64_Ehdr>(bytes, 0);
  require(
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64,
      "no ELF file of 64 bits");
  const auto section = [&](uint64_t i) {
    return load<Elf64_Shdr>(bytes, header.e_shoff + i * sizeof(Elf64_Shdr));
  };
  const Elf64_Shdr names = section(header.e_shstrndx);
  std::map<std::string, uint64_t> found;
  for (uint64_t i = 0; i < header.e_shnum; ++i) {
    const Elf64_Shdr s = section(i);
    if (s.sh_type == SHT_NOBITS || (s.sh_flags & SHF_ALLOC) == 0) continue;
    std::string name;
    for (uint64_t at = names.sh_offset + s.sh_name; bytes.at(at) != 0; ++at) {
      name += static_cast<char>(bytes[at]);
    }
    found[name] += s.sh_size;
  }
  return found;
}

void run(Suite* suite) {
  const std::string path =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "dcf_bench_decode_only";
  const std::vector<uint8_t> bytes = read_file(path);
  suite->fact({"code", "whole program, stripped", "bytes"}, static_cast<double>(bytes.size()));
  double rest = 0;
  for (const auto& [name, size] : sections(bytes)) {
    const auto count = static_cast<double>(size);
    if (name == ".text") {
      suite->fact({"code", "code (.text)", "bytes"}, count);
    } else if (name == ".rodata") {
      suite->fact({"code", "constants (.rodata)", "bytes"}, count);
    } else if (name.starts_with(".eh_frame") || name.starts_with(".gcc_except")) {
      rest += count;
    }
  }
  suite->fact({"code", "unwinding tables", "bytes"}, rest);
}

}  // namespace
}  // namespace dcf::bench

int main(int argc, char** argv) {
  return dcf::bench::guarded(argc, argv, "dcf_bench_code", dcf::bench::run);
}
