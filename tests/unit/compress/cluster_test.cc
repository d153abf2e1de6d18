// SPDX-License-Identifier: Apache-2.0
#include "compress/cluster.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "base/float_convert.h"
#include "compress/kmeans.h"
#include "compress/kmeans_optimal.h"
#include "support/words_of.h"

namespace dcf::impl::compress {
namespace {

constexpr ClusterInit kInits[] = {ClusterInit::kLinear, ClusterInit::kDensity, ClusterInit::kForgy,
                                  ClusterInit::kOptimal};

std::vector<double> decoded_codebook(DType dtype, const Clustering& clustering) {
  std::vector<double> values;
  for (const uint64_t word : clustering.codebook) values.push_back(word_to_double(dtype, word));
  return values;
}

template <typename Real>
SortedSample<Real> make_sample(std::vector<Real> values) {
  std::sort(values.begin(), values.end());
  return SortedSample<Real>(std::move(values));
}

// Sum of squared distances to the nearest centroid.
template <typename Real>
double distortion(const SortedSample<Real>& sample, const std::vector<double>& centroids) {
  double total = 0;
  for (size_t i = 0; i < sample.size(); ++i) {
    double best = std::numeric_limits<double>::infinity();
    for (const double c : centroids) best = std::min(best, (sample[i] - c) * (sample[i] - c));
    total += best;
  }
  return total;
}

// Least distortion of the values [first, n) in k ranges, by trying every cut.
double least_distortion(const SortedSample<float>& sample, size_t first, size_t k) {
  double best = std::numeric_limits<double>::infinity();
  for (size_t last = k == 1 ? sample.size() : first + 1; last <= sample.size(); ++last) {
    double mean = 0, here = 0;
    for (size_t i = first; i < last; ++i) mean += sample[i] / static_cast<double>(last - first);
    for (size_t i = first; i < last; ++i) here += (sample[i] - mean) * (sample[i] - mean);
    best = std::min(best, k == 1 ? here : here + least_distortion(sample, last, k - 1));
  }
  return best;
}

std::vector<float> bell(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> values(n);
  for (float& v : values) {
    v = 0;
    for (int i = 0; i < 6; ++i) v += static_cast<float>(random() >> 8) * 0x1p-24f - 0.5f;
  }
  return values;
}

TEST(SortedSample, SumsMeansAndRanksAreThoseOfTheValues) {
  const auto sample = make_sample(bell(2000, 1));
  for (const auto& [first, last] : std::vector<std::pair<size_t, size_t>>{
           {0, 0}, {0, 1}, {5, 250}, {0, 256}, {255, 257}, {256, 512}, {100, 1999}, {0, 2000}}) {
    double expected = 0;
    for (size_t i = first; i < last; ++i) expected += sample[i];
    EXPECT_NEAR(sample.sum(first, last), expected, 1e-12) << first << " " << last;
    if (first < last) {
      EXPECT_NEAR(sample.mean(first, last) * static_cast<double>(last - first), expected, 1e-12);
    }
  }
  EXPECT_EQ(sample.rank(sample[700]), 701u);
  EXPECT_EQ(sample.rank(-100), 0u);
  EXPECT_EQ(make_sample<float>({1, 1, 2, 3, 3}).distinct(9), 3u);
  EXPECT_EQ(make_sample<float>({1, 1, 2, 3, 3}).distinct(2), 2u);
}

TEST(Kmeans, MeanStaysInsideItsCluster) {
  // 0.1 is not a double: the rounded sum of many divided by their number is not it either.
  const auto sample = make_sample(std::vector<double>(100000, 0.1));
  EXPECT_EQ(sample.mean(0, sample.size()), 0.1);
}

TEST(Kmeans, InitialCentroidsFollowThePaper) {
  const auto sample = make_sample<float>({0, 1, 2, 3, 4, 5, 6, 100});
  EXPECT_EQ(linear_centroids(sample, 3), (std::vector<double>{0, 50, 100}));
  EXPECT_EQ(linear_centroids(sample, 1), (std::vector<double>{50}));
  EXPECT_EQ(density_centroids(sample, 4), (std::vector<double>{1, 3, 5, 100}));
  EXPECT_EQ(forgy_centroids(sample, 8, 1), (std::vector<double>{0, 1, 2, 3, 4, 5, 6, 100}));
  EXPECT_EQ(forgy_centroids(sample, 3, 7), forgy_centroids(sample, 3, 7));
  EXPECT_NE(forgy_centroids(sample, 3, 7), forgy_centroids(sample, 3, 8));
}

TEST(Kmeans, ForgyEndsWhenOneValueIsNearlyAll) {
  std::vector<float> values(100000, 1.0f);
  for (int i = 0; i < 20; ++i) values[i] = static_cast<float>(-i);
  EXPECT_EQ(forgy_centroids(make_sample(values), 21, 3).size(), 21u);
}

TEST(Kmeans, TiesGoToTheLowerCentroid) {
  const auto sample = make_sample<float>({0, 1, 2, 3, 4});
  const std::vector<double> centroids = {0, 4};
  EXPECT_EQ(cluster_bounds(sample, centroids), (std::vector<size_t>{0, 3, 5}));
}

TEST(Kmeans, LloydFindsKnownClusters) {
  const auto sample = make_sample<float>({1, 2, 10, 11, 12, 20});
  EXPECT_EQ(lloyd(sample, {1, 10, 20}), (std::vector<double>{1.5, 11, 20}));
  // The middle centroid has no values and stays.
  EXPECT_EQ(lloyd(make_sample<float>({0, 1, 9, 10}), {0.5, 5, 9.5}),
            (std::vector<double>{0.5, 5, 9.5}));
}

TEST(Kmeans, LloydNeverIncreasesTheDistortionAndEndsAtAFixedPoint) {
  for (uint32_t seed = 0; seed < 10; ++seed) {
    const auto sample = make_sample(bell(3000, seed));
    for (const auto& start : {linear_centroids(sample, 16), density_centroids(sample, 16),
                              forgy_centroids(sample, 16, seed)}) {
      const std::vector<double> end = lloyd(sample, start);
      ASSERT_LE(distortion(sample, end), distortion(sample, start));
      ASSERT_TRUE(std::is_sorted(end.begin(), end.end()));
      ASSERT_EQ(lloyd(sample, end), end);
    }
  }
}

TEST(Kmeans, FilledClustersStartAtTheFarthestValues) {
  // The middle centroid has no values; 0 and 10 are the farthest from theirs, and 0 is the lower.
  EXPECT_EQ(lloyd_filled(make_sample<float>({0, 1, 9, 10}), {0.5, 5, 9.5}, 3),
            (std::vector<double>{0, 1, 9.5}));
  // As many as there are values.
  EXPECT_EQ(lloyd_filled(make_sample<float>({0, 1, 1, 9, 10}), {5}, 4),
            (std::vector<double>{0, 1, 9, 10}));
  // No more than there are.
  EXPECT_EQ(lloyd_filled(make_sample<float>({2, 2, 3}), {2.25}, 4), (std::vector<double>{2, 3}));
}

TEST(Kmeans, FilledClustersAreNeverEmptyAndBetter) {
  std::vector<std::vector<float>> samples;
  for (const auto& far : std::vector<std::vector<float>>{
           {40}, {-40, 40}, {-1000, 30, 31, 32, 5e8F}, {1e30F}, {-3e38F, 3e38F}}) {
    std::vector<float> values = bell(3000, static_cast<uint32_t>(far.size()));
    values.insert(values.end(), far.begin(), far.end());
    samples.push_back(std::move(values));
  }
  samples.emplace_back(3000, 0.0F);  // nearly all of one value
  for (int i = 0; i < 100; ++i) samples.back()[i] = static_cast<float>(i + 1);
  for (const auto& values : samples) {
    const auto sample = make_sample(values);
    for (const size_t k : {2, 16, 100}) {
      for (const auto& start : {linear_centroids(sample, k), density_centroids(sample, k),
                                forgy_centroids(sample, k, 1), optimal_centroids(sample, k)}) {
        const std::vector<double> end = lloyd_filled(sample, start, k);
        ASSERT_EQ(end.size(), k);
        ASSERT_TRUE(std::is_sorted(end.begin(), end.end()));
        const std::vector<size_t> bounds = cluster_bounds(sample, end);
        for (size_t i = 0; i < k; ++i) ASSERT_LT(bounds[i], bounds[i + 1]);
        ASSERT_LE(distortion(sample, end), distortion(sample, lloyd(sample, start)) * (1 + 1e-9));
      }
    }
  }
}

TEST(Kmeans, OptimalIsTheBruteForceOptimum) {
  std::mt19937 random(5);
  for (int round = 0; round < 500; ++round) {
    std::vector<float> values(1 + random() % 10);
    for (float& v : values) v = static_cast<float>(static_cast<int>(random() % 41) - 20) / 4;
    const auto sample = make_sample(values);
    for (size_t k = 1; k <= sample.distinct(4); ++k) {
      const std::vector<double> centroids = optimal_centroids(sample, k);
      ASSERT_EQ(centroids.size(), k);
      ASSERT_NEAR(distortion(sample, centroids), least_distortion(sample, 0, k), 1e-9);
    }
  }
}

TEST(Kmeans, OptimalOverCellsFindsEveryClump) {
  // More distinct values than cells, and outliers that leave all clumps in one cell of equal width.
  std::vector<float> values = bell(100000, 9);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] += 16 * static_cast<float>(i % 20 * (i % 20));
  values[0] = 1e8f;
  values[1] = -1e8f;
  const auto sample = make_sample(values);
  ASSERT_GT(sample.distinct(values.size()), size_t{1} << 16);
  const std::vector<double> centroids = optimal_centroids(sample, 22);
  // The variance of a sum of six uniform numbers is 1/2.
  EXPECT_LT(distortion(sample, centroids), 0.51 * 100000);
  EXPECT_LE(distortion(sample, lloyd(sample, centroids)), distortion(sample, centroids));
}

TEST(Cluster, EachWordTakesTheNearestCentroidOfAnAscendingCodebook) {
  for (const DType dtype : {DType::kF64, DType::kF32, DType::kF16, DType::kBF16, DType::kF8E4M3,
                            DType::kF8E5M2, DType::kF8E4M3FNUZ, DType::kF8E5M2FNUZ}) {
    const std::vector<float> random = bell(5000, 3);
    const auto bytes = words_of(dtype, {random.begin(), random.end()});
    const size_t width = dtype_bits(dtype) / 8;
    for (const ClusterInit init : kInits) {
      const Clustering clustering = cluster_words(dtype, bytes, 16, init, 1);
      const std::vector<double> codebook = decoded_codebook(dtype, clustering);
      ASSERT_GE(codebook.size(), 2u);
      ASSERT_LE(codebook.size(), 16u);
      ASSERT_EQ(clustering.codes.size(), random.size());
      for (size_t i = 1; i < codebook.size(); ++i) ASSERT_LT(codebook[i - 1], codebook[i]);
      std::vector<bool> used(codebook.size());
      for (size_t i = 0; i < random.size(); ++i) {
        const double v = word_to_double(dtype, load_word(&bytes[i * width], width));
        size_t nearest = 0;
        for (size_t c = 1; c < codebook.size(); ++c) {
          if (std::abs(v - codebook[c]) < std::abs(v - codebook[nearest])) nearest = c;
        }
        ASSERT_EQ(clustering.codes[i], nearest) << dtype_name(dtype);
        used[nearest] = true;
      }
      ASSERT_EQ(std::count(used.begin(), used.end(), false), 0);
    }
  }
}

TEST(Cluster, DoesNotDependOnTheOrderOfTheWords) {
  std::vector<float> values = bell(4000, 4);
  std::vector<double> doubles(values.begin(), values.end());
  std::vector<size_t> order(values.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  std::vector<double> shuffled;
  for (const size_t i : order) shuffled.push_back(doubles[i]);
  for (const ClusterInit init : kInits) {
    const Clustering a = cluster_words(DType::kF32, words_of(DType::kF32, doubles), 32, init, 9);
    const Clustering b = cluster_words(DType::kF32, words_of(DType::kF32, shuffled), 32, init, 9);
    ASSERT_EQ(a.codebook, b.codebook);
    for (size_t i = 0; i < order.size(); ++i) ASSERT_EQ(b.codes[i], a.codes[order[i]]);
  }
}

TEST(Cluster, FewDistinctValuesAreKept) {
  const std::vector<double> values = {3, -0.0, 1e-300, 0.0, -1e300, 3, 2e-300};
  for (const ClusterInit init : kInits) {
    const Clustering c = cluster_words(DType::kF64, words_of(DType::kF64, values), 5, init, 0);
    EXPECT_EQ(decoded_codebook(DType::kF64, c),
              (std::vector<double>{-1e300, 0, 1e-300, 2e-300, 3}));
    EXPECT_EQ(c.codebook[1], 0u) << "the zero is +0";
    EXPECT_EQ(c.codes, (std::vector<uint8_t>{4, 1, 2, 1, 0, 4, 3}));
  }
}

TEST(Cluster, EmptyClustersAreDropped) {
  const auto words = words_of(DType::kF32, {1000, 0, 1, 2, 3});
  const Clustering c = cluster_words(DType::kF32, words, 4, ClusterInit::kLinear, 0);
  EXPECT_EQ(decoded_codebook(DType::kF32, c), (std::vector<double>{1.5, 1000}));
  EXPECT_EQ(c.codes, (std::vector<uint8_t>{1, 0, 0, 0, 0}));
}

TEST(Cluster, CentroidsThatRoundToTheSameWordMerge) {
  // Every finite f8: linear centroids are closer together than the greatest words.
  std::vector<uint8_t> words;
  for (int word = 0; word < 256; ++word) {
    if ((word & 0x7F) != 0x7F) words.push_back(static_cast<uint8_t>(word));
  }
  for (size_t k = 2; k <= 250; ++k) {
    const Clustering c = cluster_words(DType::kF8E4M3, words, k, ClusterInit::kLinear, 0);
    const std::vector<double> codebook = decoded_codebook(DType::kF8E4M3, c);
    for (size_t i = 1; i < codebook.size(); ++i) ASSERT_LT(codebook[i - 1], codebook[i]) << k;
  }
}

TEST(Cluster, CentroidsRoundToNearestEven) {
  const std::vector<double> values = {-0x1p-24, -0x1p-24, 0x1p-24, 0x1p-24, 1, 1 + 0x1p-10};
  const Clustering c =
      cluster_words(DType::kF16, words_of(DType::kF16, values), 2, ClusterInit::kOptimal, 0);
  // The mean of the first four is 0, of the last two 1 + 2^-11: a tie, to the even 1.
  EXPECT_EQ(c.codebook, (std::vector<uint64_t>{0, 0x3C00}));
  EXPECT_EQ(c.codes, (std::vector<uint8_t>{0, 0, 0, 0, 1, 1}));
}

TEST(Cluster, NoCentroidIsNegativeZero) {
  // The mean is negative and rounds to zero.
  const std::vector<double> values = {-0x1p-24, -0x1p-24, 0x1p-24, -0.0, -0.0, -0.0, -0.0};
  const Clustering c =
      cluster_words(DType::kF16, words_of(DType::kF16, values), 1, ClusterInit::kLinear, 0);
  EXPECT_EQ(c.codebook, (std::vector<uint64_t>{0}));
}

TEST(Cluster, ExtremeDoublesNeitherOverflowNorHang) {
  std::vector<double> values;
  const double greatest = std::numeric_limits<double>::max();
  for (int i = 0; i < 600; ++i) {
    values.push_back(greatest * (i % 2 == 0 ? 1 : -1) * (1 - i * 1e-4));
    values.push_back(std::ldexp(1.0 + i, -1074));
  }
  for (const ClusterInit init : kInits) {
    const auto bytes = words_of(DType::kF64, values);
    const Clustering c = cluster_words(DType::kF64, bytes, 3, init, 2);
    const std::vector<double> codebook = decoded_codebook(DType::kF64, c);
    ASSERT_EQ(codebook.size(), 3u) << static_cast<int>(init);
    if (init == ClusterInit::kOptimal) {
      EXPECT_NEAR(codebook[1] / greatest, 0, 1e-9);
    }
    EXPECT_TRUE(std::isfinite(codebook[0]) && std::isfinite(codebook[2]));
  }
}

// An outlier leaves most linear centroids without values.
TEST(Cluster, FilledCodebooksAreFull) {
  std::vector<double> values;
  for (const float v : bell(5000, 3)) values.push_back(v);
  values.push_back(60);
  values.push_back(-25);
  for (const DType dtype : {DType::kF64, DType::kF32, DType::kF16, DType::kBF16}) {
    const std::vector<uint8_t> words = words_of(dtype, values);
    for (const ClusterInit init : {ClusterInit::kLinear, ClusterInit::kDensity, ClusterInit::kForgy,
                                   ClusterInit::kOptimal}) {
      for (const size_t k : {3, 16, 256}) {
        const Clustering filled = cluster_words(dtype, words, k, init, 1, /*fill=*/true);
        EXPECT_EQ(filled.codebook.size(), k);
        EXPECT_EQ(filled.codes.size(), values.size());
      }
    }
    EXPECT_LT(cluster_words(dtype, words, 16, ClusterInit::kLinear, 0).codebook.size(), 16u);
  }
}

TEST(Cluster, NothingHasNoCentroids) {
  const Clustering c = cluster_words(DType::kF32, {}, 4, ClusterInit::kLinear, 0);
  EXPECT_TRUE(c.codebook.empty() && c.codes.empty());
}

}  // namespace
}  // namespace dcf::impl::compress
