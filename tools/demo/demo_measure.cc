// SPDX-License-Identifier: Apache-2.0
// dcf_demo_measure FILE REFERENCE: what the demo's table says of one .dcf, through the public API
// alone. Prints one line of fields separated by tabs: greatest error against the float tensors of
// the REFERENCE .dcf, and the SQNR in dB of the one that lost most; decode speed in GB/s of dense
// bytes on one thread; and of the largest matrix the greatest relative difference between
// dcf_tensor_matvec and a product in double of the decoded weights, its name, rows and columns, or
// - for all four. Exits with 1 if that difference is not rounding.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "dcf/dcf.hpp"

namespace {

constexpr int kPasses = 7;
constexpr double kRounding = 1e-6;

void check(dcf_status status, const dcf_error& error) {
  if (status == DCF_OK) return;
  std::fprintf(stderr, "dcf_demo_measure: %s\n", error.message);
  std::exit(1);
}

dcf::File open_file(const char* path) {
  dcf_open_options options = dcf::open_options();
  options.threads = 1;
  dcf::Result<dcf::File> file = dcf::File::open(path, options);
  check(file.status(), file.error());
  return std::move(*file);
}

dcf_tensor_info describe(const dcf_file* file, size_t index) {
  dcf_tensor_info info = {};
  info.struct_size = sizeof info;
  dcf_error error = DCF_ERROR_INIT;
  check(dcf_tensor_describe(file, index, &info, &error), error);
  return info;
}

bool is_float(const dcf_tensor_info& info) {
  return (info.dtype >= DCF_DTYPE_F64 && info.dtype <= DCF_DTYPE_F8E5M2) ||
         info.dtype == DCF_DTYPE_F8E4M3FNUZ || info.dtype == DCF_DTYPE_F8E5M2FNUZ;
}

std::vector<float> decode_floats(const dcf_file* file, size_t index) {
  std::vector<float> values(describe(file, index).elements);
  dcf_error error = DCF_ERROR_INIT;
  check(dcf_tensor_decode(file, index, DCF_DTYPE_F32, values.data(), values.size() * sizeof(float),
                          &error),
        error);
  return values;
}

// Best of several passes, as of the other compressors, of decoding every tensor.
double decode_gigabytes_per_second(const dcf_file* file) {
  uint64_t total = 0;
  uint64_t largest = 0;
  for (size_t i = 0; i < dcf_tensor_count(file); ++i) {
    const uint64_t bytes = describe(file, i).dense_bytes;
    total += bytes;
    largest = std::max(largest, bytes);
  }
  std::vector<unsigned char> dense(largest);
  double best = std::numeric_limits<double>::infinity();
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    for (size_t i = 0; i < dcf_tensor_count(file); ++i) {
      dcf_error error = DCF_ERROR_INIT;
      check(dcf_tensor_decode(file, i, DCF_DTYPE_NONE, dense.data(), dense.size(), &error), error);
    }
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    best = std::min(best, elapsed.count());
  }
  return static_cast<double>(total) / best / 1e9;
}

struct Distance {
  double max_error = 0;
  double least_sqnr = std::numeric_limits<double>::infinity();
};

// By tensor: one huge constant (a mask of -1e9) would hide the noise of all others.
Distance distance(const dcf_file* file, const dcf_file* reference) {
  Distance result;
  for (size_t i = 0; i < dcf_tensor_count(reference); ++i) {
    const dcf_tensor_info info = describe(reference, i);
    if (!is_float(info)) continue;
    size_t other = 0;
    dcf_error error = DCF_ERROR_INIT;
    check(dcf_tensor_find(file, info.name, info.name_size, &other, &error), error);
    const std::vector<float> exact = decode_floats(reference, i);
    const std::vector<float> actual = decode_floats(file, other);
    double signal = 0;
    double noise = 0;
    for (size_t k = 0; k < exact.size(); ++k) {
      if (!std::isfinite(exact[k])) continue;
      const double difference = static_cast<double>(exact[k]) - actual[k];
      result.max_error = std::max(result.max_error, std::abs(difference));
      signal += static_cast<double>(exact[k]) * exact[k];
      noise += difference * difference;
    }
    if (noise > 0) result.least_sqnr = std::min(result.least_sqnr, 10 * std::log10(signal / noise));
  }
  return result;
}

// The largest tensor that can be multiplied as a matrix, or dcf_tensor_count.
size_t largest_matrix(const dcf_file* file) {
  size_t best = dcf_tensor_count(file);
  uint64_t elements = 0;
  for (size_t i = 0; i < dcf_tensor_count(file); ++i) {
    const dcf_tensor_info info = describe(file, i);
    if (!is_float(info) || info.rank < 2 || info.elements <= elements) continue;
    best = i;
    elements = info.elements;
  }
  return best;
}

// Greatest difference, in units of the row's sum of |w x|.
double matvec_difference(const dcf_file* file, size_t index) {
  const dcf_tensor_info info = describe(file, index);
  std::vector<float> x(info.cols);
  uint32_t state = 1;
  for (float& value : x) {
    state = state * 1664525 + 1013904223;
    value = static_cast<float>(state >> 8) / (1 << 23) - 1;
  }
  std::vector<float> y(info.rows);
  dcf_error error = DCF_ERROR_INIT;
  check(dcf_tensor_matvec(file, index, x.data(), x.size(), y.data(), y.size(), &error), error);
  const std::vector<float> dense = decode_floats(file, index);
  double worst = 0;
  for (uint64_t row = 0; row < info.rows; ++row) {
    double sum = 0;
    double magnitude = 0;
    for (uint64_t col = 0; col < info.cols; ++col) {
      const double product = static_cast<double>(dense[row * info.cols + col]) * x[col];
      sum += product;
      magnitude += std::abs(product);
    }
    if (magnitude > 0) worst = std::max(worst, std::abs(sum - y[row]) / magnitude);
  }
  return worst;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: dcf_demo_measure FILE REFERENCE\n");
    return 2;
  }
  const dcf::File file = open_file(argv[1]);
  const dcf::File reference = open_file(argv[2]);
  const Distance d = distance(file.get(), reference.get());
  if (d.max_error == 0) {
    std::printf("0\texact");
  } else {
    std::printf("%.3g\t%.1f", d.max_error, d.least_sqnr);
  }
  std::printf("\t%.2g", decode_gigabytes_per_second(file.get()));
  const size_t matrix = largest_matrix(file.get());
  if (matrix == dcf_tensor_count(file.get())) {
    std::printf("\t-\t-\t-\t-\n");
    return 0;
  }
  const dcf_tensor_info info = describe(file.get(), matrix);
  const double difference = matvec_difference(file.get(), matrix);
  std::printf("\t%.1e\t%s\t%llu\t%llu\n", difference, info.name,
              static_cast<unsigned long long>(info.rows),
              static_cast<unsigned long long>(info.cols));
  if (difference <= kRounding) return 0;
  std::fprintf(stderr, "dcf_demo_measure: %s differs by %g\n", info.name, difference);
  return 1;
}
