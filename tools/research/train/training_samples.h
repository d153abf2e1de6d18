// SPDX-License-Identifier: Apache-2.0
// Training images in batches. Everything random follows from a seed, whatever the platform.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>
#include <vector>

#include "cli/network/network.h"
#include "formats/digits.h"

namespace dcf::tools {

// SplitMix64 (Steele, Lea, Flood, 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next();
  uint64_t below(uint64_t n) {
    return static_cast<uint64_t>((unsigned __int128){next()} * n >> 64);
  }

 private:
  uint64_t state_;
};

// A seed of its own for every use within a run.
uint64_t mix_seed(uint64_t seed, uint64_t a, uint64_t b = 0);

struct Batch {
  torch::Tensor x;  // [n, channels, height, width] as the network takes it
  torch::Tensor y;  // [n], int64
};

// Borrows digits and network.
class Samples {
 public:
  Samples(const Digits& digits, const Network& network, std::vector<uint32_t> indexes);
  // All of them.
  Samples(const Digits& digits, const Network& network);

  size_t size() const { return indexes_.size(); }
  // A random order of all samples.
  std::vector<uint32_t> shuffled(Random* random) const;
  // Each image moved by a random offset of up to `shift` pixels each way, zeros moving in.
  Batch batch(std::span<const uint32_t> order, uint64_t shift, Random* random) const;
  Batch batch(size_t first, size_t count) const;

 private:
  const Digits& digits_;
  const Network& network_;
  std::vector<uint32_t> indexes_;
};

// Splits 0..n-1 at random, the same way for all seeds of training: every twelfth for validation.
struct Split {
  std::vector<uint32_t> training;
  std::vector<uint32_t> validation;
};
Split split_samples(uint64_t n);

}  // namespace dcf::tools
