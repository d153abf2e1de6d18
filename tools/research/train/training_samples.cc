// SPDX-License-Identifier: Apache-2.0
#include "research/train/training_samples.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace dcf::tools {
namespace {

void shuffle(std::vector<uint32_t>* items, Random* random) {
  for (size_t i = items->size(); i > 1; --i) std::swap((*items)[i - 1], (*items)[random->below(i)]);
}

// The image moved down by dy and right by dx, zeros elsewhere.
void copy_moved(const uint8_t* image, int64_t height, int64_t width, int64_t dy, int64_t dx,
                uint8_t* out) {
  std::memset(out, 0, static_cast<size_t>(height * width));
  for (int64_t row = std::max<int64_t>(dy, 0); row < std::min(height, height + dy); ++row) {
    const int64_t from = (row - dy) * width + std::max<int64_t>(-dx, 0);
    const int64_t to = row * width + std::max<int64_t>(dx, 0);
    std::memcpy(out + to, image + from, static_cast<size_t>(width - std::abs(dx)));
  }
}

std::vector<uint32_t> all_indexes(uint64_t n) {
  std::vector<uint32_t> indexes(n);
  std::iota(indexes.begin(), indexes.end(), 0);
  return indexes;
}

}  // namespace

uint64_t Random::next() {
  uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint64_t mix_seed(uint64_t seed, uint64_t a, uint64_t b) {
  return Random(Random(Random(seed).next() ^ a).next() ^ b).next();
}

Samples::Samples(const Digits& digits, const Network& network, std::vector<uint32_t> indexes)
    : digits_(digits), network_(network), indexes_(std::move(indexes)) {}

Samples::Samples(const Digits& digits, const Network& network)
    : Samples(digits, network, all_indexes(digits.count)) {}

std::vector<uint32_t> Samples::shuffled(Random* random) const {
  std::vector<uint32_t> order = indexes_;
  shuffle(&order, random);
  return order;
}

Batch Samples::batch(std::span<const uint32_t> order, uint64_t shift, Random* random) const {
  const auto n = static_cast<int64_t>(order.size());
  const auto pixels = static_cast<int64_t>(digits_.pixels());
  torch::Tensor raw = torch::empty({n, pixels}, torch::kUInt8);
  torch::Tensor y = torch::empty({n}, torch::kInt64);
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t index = order[static_cast<size_t>(i)];
    const uint8_t* image = digits_.images.data() + index * digits_.pixels();
    uint8_t* const out = raw.data_ptr<uint8_t>() + i * pixels;
    if (shift == 0) {
      std::memcpy(out, image, digits_.pixels());
    } else {
      const uint64_t span = 2 * shift + 1;
      const auto dy = static_cast<int64_t>(random->below(span)) - static_cast<int64_t>(shift);
      const auto dx = static_cast<int64_t>(random->below(span)) - static_cast<int64_t>(shift);
      copy_moved(image, static_cast<int64_t>(digits_.height), static_cast<int64_t>(digits_.width),
                 dy, dx, out);
    }
    y.data_ptr<int64_t>()[i] = digits_.labels[index];
  }
  const Shape& in = network_.input;
  torch::Tensor x = (raw.to(torch::kFloat32) - network_.mean) * network_.scale;
  return {x.reshape({n, static_cast<int64_t>(in.channels), static_cast<int64_t>(in.height),
                     static_cast<int64_t>(in.width)}),
          y};
}

Batch Samples::batch(size_t first, size_t count) const {
  return batch(std::span(indexes_).subspan(first, count), 0, nullptr);
}

Split split_samples(uint64_t n) {
  constexpr uint64_t kSplitSeed = 12;
  constexpr uint64_t kShare = 12;
  std::vector<uint32_t> order = all_indexes(n);
  Random random(kSplitSeed);
  shuffle(&order, &random);
  const auto cut = order.begin() + static_cast<std::ptrdiff_t>(n / kShare);
  return {{cut, order.end()}, {order.begin(), cut}};
}

}  // namespace dcf::tools
