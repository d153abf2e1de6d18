// SPDX-License-Identifier: Apache-2.0
#include "cli/parts/work_speed.h"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <queue>

#include "formats/dcf_writer.h"
#include "formats/sha256.h"

namespace dcf::tools {
namespace {

constexpr uint64_t kSampleBytes = uint64_t{4} << 20;

// Sums of uniform numbers are near enough to normal ones.
class Normal {
 public:
  float next() {
    constexpr int kTerms = 12;
    constexpr float kScale = 0.02f;
    float sum = -kTerms / 2.0f;
    for (int i = 0; i < kTerms; i += 4) {
      // SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
      uint64_t z = state_ += 0x9E3779B97F4A7C15u;
      z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
      z = (z ^ z >> 27) * 0x94D049BB133111EBu;
      z ^= z >> 31;
      for (int k = 0; k < 4; ++k) sum += static_cast<float>(z >> (16 * k) & 0xFFFF) / 65536.0f;
    }
    return kScale * sum;
  }

 private:
  uint64_t state_ = 1;
};

// Weights as bfloat16 or, for types of another width, as the upper bytes of floats.
std::vector<uint8_t> sample_of(uint64_t width) {
  std::vector<uint8_t> bytes(kSampleBytes);
  Normal normal;
  for (uint64_t at = 0; at < bytes.size(); at += width) {
    const auto word = std::bit_cast<uint32_t>(normal.next());
    for (uint64_t k = 0; k < width; ++k) {
      const uint64_t shift = 8 * (width - 1 - k);
      bytes[at + k] = shift < 32
                          ? static_cast<uint8_t>(word >> (24 - std::min<uint64_t>(shift, 24)))
                          : static_cast<uint8_t>(word * (shift + 1));
    }
  }
  return bytes;
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

uint64_t speed_of(double seconds) {
  return static_cast<uint64_t>(static_cast<double>(kSampleBytes) / std::max(seconds, 1e-6));
}

int discard(void*, const void*, size_t) {
  return 0;
}

}  // namespace

void measure_speed(const ModelSource& source, WorkPlan* plan) {
  TensorMeta meta{"sample", DCF_DTYPE_BF16, 16, "", {}};
  dcf_encode_options options = dcf::encode_options();
  const auto largest = std::max_element(
      plan->tensors.begin(), plan->tensors.end(),
      [](const PlannedTensor& a, const PlannedTensor& b) { return a.bytes < b.bytes; });
  if (largest != plan->tensors.end()) {
    const TensorMeta& real = source.tensors()[static_cast<size_t>(largest - plan->tensors.begin())];
    if (std::has_single_bit(real.bits) && real.bits >= 8 && real.bits <= 64) {
      meta.dtype = real.dtype;
      meta.bits = real.bits;
      meta.opaque_name = real.opaque_name;
      options = plan->encodings[largest->encoding];
    }
  }
  const uint64_t width = meta.bits / 8;
  constexpr uint64_t kCols = 4096;
  meta.dims = {kSampleBytes / width / kCols, kCols};
  const std::vector<uint8_t> sample = sample_of(width);
  dcf_writer_options writer_options = dcf::writer_options();
  if (plan->max_memory != 0) writer_options.max_memory = plan->max_memory;
  writer_options.threads = plan->threads;
  plan->encode_speed = speed_of(seconds_of([&] {
    DcfWriter writer("a sample", dcf_sink{sizeof(dcf_sink), nullptr, discard}, writer_options);
    writer.add(meta, sample, options);
    writer.finish();
  }));
  plan->stats_speed = speed_of(seconds_of([&] {
    Sha256Hash file;
    Sha256Hash tensor;
    file.update(sample);
    tensor.update(sample);
    file.digest();
    tensor.digest();
    RangeStats stats("a sample", meta, dcf::encode_options());
    stats.add(sample);
  }));
}

namespace {

// The time until the last of some jobs ends, when `workers` take them in order.
template <typename Work>
double time_of(const std::vector<Work>& jobs, uint64_t speed, uint64_t workers) {
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at;
  for (uint64_t w = 0; w < std::min<uint64_t>(workers, jobs.size()); ++w) free_at.push(0);
  double last = 0;
  for (const Work& job : jobs) {
    const double end = free_at.top() + static_cast<double>(job.bytes) /
                                           static_cast<double>(std::max<uint64_t>(speed, 1));
    free_at.pop();
    free_at.push(end);
    last = std::max(last, end);
  }
  return last;
}

}  // namespace

Prediction predict(const WorkPlan& plan, uint64_t workers) {
  Prediction result;
  result.stats_seconds = time_of(plan.tasks, plan.stats_speed, workers);
  result.encode_seconds = time_of(plan.items, plan.encode_speed, workers);
  for (const WorkItem& item : plan.items) {
    result.peak_memory = std::max(result.peak_memory, item.peak_memory);
  }
  for (const StatsTask& task : plan.tasks) {
    result.peak_memory = std::max(result.peak_memory, task.peak_memory);
  }
  return result;
}

}  // namespace dcf::tools
