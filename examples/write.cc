// SPDX-License-Identifier: Apache-2.0
// write OUT.dcf: writes a small network, then opens and verifies what was written. An existing file
// is replaced.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <dcf/dcf.hpp>
#include <vector>

namespace {

constexpr uint64_t kRows = 64;
constexpr uint64_t kCols = 256;

// Weights of many magnitudes, none of them zero.
std::vector<float> make_weights() {
  std::vector<float> weights(kRows * kCols);
  for (size_t i = 0; i < weights.size(); ++i) {
    const double t = static_cast<double>(i);
    weights[i] = static_cast<float>(0.05 * std::sin(0.7 * t) + 0.05 * std::cos(0.013 * t * t));
  }
  return weights;
}

int fail(const dcf_error& error) {
  std::fprintf(stderr, "write: %s\n", error.message);
  return 1;
}

dcf::Status write(const char* path) {
  const std::vector<float> weights = make_weights();
  const std::vector<float> bias(kRows, 0.125f);
  const uint64_t matrix[] = {kRows, kCols};
  const uint64_t vector[] = {kRows};

  // As the paper does it: a tenth of the weights stays, and what stays shares 31 values.
  dcf_encode_options pruned = dcf::encode_options();
  pruned.sparsity = 0.9;
  pruned.bits = 5;

  dcf_writer_options options = dcf::writer_options();
  options.overwrite = 1;
  dcf::Result<dcf::Writer> writer = dcf::Writer::open(path, options);
  if (!writer) return writer.error();
  if (auto s = writer->add<float>("fc1.weight", weights, matrix, pruned); !s) return s;
  // Without options every bit comes back.
  if (auto s = writer->add<float>("fc1.bias", bias, vector); !s) return s;
  if (auto s = writer->add_metadata("framework", "none"); !s) return s;
  return writer->finish();  // the file appears here, whole, or not at all
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write OUT.dcf\n");
    return 2;
  }
  if (const dcf::Status status = write(argv[1]); !status) return fail(status.error());
  const dcf::Result<dcf::File> file = dcf::File::open(argv[1]);
  if (!file) return fail(file.error());
  if (const dcf::Status status = file->verify(); !status) return fail(status.error());
  const dcf_file_info info = file->info();
  std::printf("%s: %llu bytes for %llu of weights, verified\n", argv[1],
              static_cast<unsigned long long>(info.file_bytes),
              static_cast<unsigned long long>(info.dense_bytes));
  return 0;
}
