// SPDX-License-Identifier: Apache-2.0
// make_seeds DIR: writes the seeds of README.md into DIR/container and DIR/tensor. Run by hand, by
// the target regenerate_seeds, when the format or a harness changes.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "exercise.h"
#include "support/name_forms.h"
#include "support/sample.h"
#include "tensor_seeds.h"

namespace dcf::fuzz {
namespace {

using namespace dcf::impl;           // NOLINT(google-build-using-namespace)
using namespace dcf::impl::testing;  // NOLINT(google-build-using-namespace)

void write(const std::filesystem::path& path, const Blob& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  require(out.good(), "a seed cannot be written");
}

class ContainerSeeds {
 public:
  explicit ContainerSeeds(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // A valid file, used in another way each time.
  void add(const std::string& name, const FileParts& parts) {
    Blob seed = assemble(parts);
    const Choices choices{0, static_cast<uint8_t>(count_ % 4), static_cast<uint8_t>(count_ * 17),
                          static_cast<uint8_t>(count_ % 3)};
    require(exercise(seed.data(), seed.size(), choices) == DCF_OK, "a seed is not valid");
    seed.insert(seed.end(), {choices.memory, choices.source, choices.rows, choices.batch});
    write(folder_ / name, seed);
    ++count_;
  }

 private:
  std::filesystem::path folder_;
  unsigned count_ = 0;
};

// Two tensors for each of some dtypes in one file, so that the encodings spread over a few files.
void add_encodings(ContainerSeeds* out) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kI32, DType::kU8, DType::kI64}) {
    const std::vector<format::Encoding> encodings = encodings_of(dtype);
    for (size_t i = 0; i < encodings.size(); i += 4) {
      std::vector<Sample> samples;
      for (size_t k = i; k < std::min(i + 4, encodings.size()); k += 2) {
        Sample s = random_sample(dtype, {7, 24}, encodings[k], k, 4, 6);
        s.name = std::to_string(k);
        s.huffman = k % 4 == 0 ? codec::HuffmanLayout::kTree : codec::HuffmanLayout::kStreams;
        if (i % 3 == 0) s.rows_per_chunk = 3;
        if (i % 8 == 4 && !s.encoding.is_raw()) s.view = {7, true};
        samples.push_back(std::move(s));
      }
      out->add(std::string(dtype_name(dtype)) + "-" + std::to_string(i / 4), make_parts(samples));
    }
  }
}

void add_container(ContainerSeeds* out) {
  add_encodings(out);
  out->add("empty", make_parts({}));
  Sample a = random_sample(DType::kBF16, {4, 12}, {}, 3);
  Sample b;
  b.name = "u";
  b.dims = {12, 4};
  b.dtype = DType::kBF16;
  b.alias_of = "t";
  out->add("alias", make_parts({a, b}));
  out->add("metadata", make_parts({a}, {{"", "x"}, {"key", "value"}}));
  out->add("sections", make_parts({a}, {}, {{1, {}}, {4711, {1, 2, 3}}}));
  Sample opaque;
  opaque.dtype = DType::kOpaque;
  opaque.opaque_bits = 11;
  opaque.opaque_name = "posit11";
  opaque.dims = {3, 8};
  for (uint64_t i = 0; i < 24; ++i) opaque.words.push_back(i * 83);
  opaque.rows_per_chunk = 1;
  Sample scalar;
  scalar.name = "s";
  scalar.words = {float_word(-2.5f)};
  Sample none;
  none.name = "z";
  none.dims = {0, 7};
  out->add("raw", make_parts({opaque, scalar, none}));
  std::vector<Sample> layers;
  for (const char* name : {"b.bias", "b.weight", "l.0.bias", "l.0.weight", "l.1.bias"}) {
    layers.push_back(scalar);
    layers.back().name = name;
  }
  FileParts coded = make_parts(layers);
  use_coded_names(&coded);
  out->add("coded_names", coded);
}

}  // namespace
}  // namespace dcf::fuzz

int main(int argc, char** argv) {
  using namespace dcf::fuzz;  // NOLINT(google-build-using-namespace)
  require(argc == 2, "usage: make_seeds DIR");
  const std::filesystem::path root = argv[1];
  for (const char* folder : {"container", "tensor"}) {
    std::filesystem::remove_all(root / folder);
    std::filesystem::create_directories(root / folder);
  }
  ContainerSeeds container(root / "container");
  add_container(&container);
  unsigned number = 0;
  for (const auto& seed : tensor_seeds()) write(root / "tensor" / std::to_string(number++), seed);
  return 0;
}
