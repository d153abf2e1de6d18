// SPDX-License-Identifier: Apache-2.0
// What the reproduction of the paper measures: sizes, codes and gaps of files, low rank,
// clustering.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <set>

#include "model_test_util.h"
#include "research/paper/coded_layers.h"
#include "research/paper/experiments.h"
#include "research/paper/large_layers.h"
#include "research/paper/report.h"
#include "research/paper/svd.h"
#include "research/paper/user_weights.h"

namespace dcf::tools::test {
namespace {

std::vector<float> random_matrix(size_t n, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> values;
  for (size_t i = 0; i < n; ++i) {
    values.push_back(static_cast<float>(random() % 2001) / 1000.0f - 1.0f);
  }
  return values;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::pow(double{a[i]} - double{b[i]}, 2);
  return std::sqrt(sum);
}

TEST(Svd, TruncationErrorIsTheNormOfTheSingularValuesLeftOut) {
  for (const auto& [rows, cols] : {std::pair<uint64_t, uint64_t>{9, 21}, {21, 9}, {1, 5}}) {
    const std::vector<float> w = random_matrix(rows * cols, 7);
    const Svd svd(w, rows, cols);
    ASSERT_EQ(svd.full_rank(), std::min(rows, cols));
    for (uint64_t rank = 0; rank <= svd.full_rank(); ++rank) {
      double left = 0;
      for (uint64_t i = rank; i < svd.full_rank(); ++i)
        left += std::pow(svd.singular_values()[i], 2);
      EXPECT_NEAR(distance(w, svd.truncated(rank)), std::sqrt(left), 1e-5) << rows << " " << rank;
    }
  }
}

TEST(Svd, OneRankIsFoundInAMatrixThatHasOne) {
  std::vector<float> w;
  for (int r = 1; r <= 4; ++r) {
    for (int c = 1; c <= 6; ++c) w.push_back(static_cast<float>(r * c));
  }
  const Svd svd(w, 4, 6);
  EXPECT_NEAR(svd.singular_values()[0], std::sqrt(30.0 * 91.0), 1e-6);
  EXPECT_NEAR(svd.singular_values()[1], 0, 1e-5);
  EXPECT_LT(distance(w, svd.truncated(1)), 1e-5);
}

PaperNet small_net(double kept) {
  return {"small", 1, 1, 1, 1, 1, {{"fc", {200, 500}, kept, 5, 4, {}, {}, {}}}};
}

TEST(LargeLayers, HaveTheDensityAndNoMoreClustersThanAskedFor) {
  const std::string path = ::testing::TempDir() + "/synthetic.dcf";
  for (const double kept : {4.0, 25.0, 84.0}) {
    write_synthetic(small_net(kept), 1, path);
    const DcfFile file(path, {});
    EXPECT_EQ(dcf_file_verify(file.handle(), nullptr, nullptr, nullptr), DCF_OK);
    const NetMeasure net = measure_file(file, {"fc"}, true);
    ASSERT_EQ(net.layers.size(), 1u);
    const LayerMeasure& layer = net.layers[0];
    EXPECT_NEAR(layer.kept_percent(), kept, 5 * 100 * std::sqrt(0.25 / 1e5));
    EXPECT_LE(layer.codebook, 31u);
    // Of centroids that start evenly, those where nothing is left die.
    EXPECT_GE(layer.codebook, 16u);
    EXPECT_EQ(layer.weight_bits(), 5);

    // Pruned by magnitude: what is left is far from zero.
    const std::vector<uint8_t> bytes = file.decode(0);
    std::set<float> values;
    for (size_t i = 0; i < bytes.size(); i += 4) {
      float v = 0;
      std::memcpy(&v, &bytes[i], 4);
      values.insert(v);
    }
    values.erase(0.0f);
    const double threshold = kept == 4 ? 2.0537 : kept == 25 ? 1.1503 : 0.2019;
    for (const float v : values) EXPECT_GE(std::abs(double{v}) * std::sqrt(500.0), threshold);
  }
}

TEST(Measure, PartsAndHistogramsAddUp) {
  const std::string path = ::testing::TempDir() + "/measured.dcf";
  write_synthetic(small_net(4), 2, path);
  const DcfFile file(path, {});
  const NetMeasure net = measure_file(file, {}, true);
  const LayerMeasure& layer = net.layers.at(0);
  uint64_t codes = 0;
  for (const uint64_t n : layer.counts.codes) codes += n;
  uint64_t gaps = 0;
  for (const uint64_t n : layer.counts.gaps) gaps += n;
  EXPECT_EQ(codes, layer.entries);
  EXPECT_EQ(gaps, layer.entries);
  EXPECT_EQ(layer.counts.codes.at(0), layer.entries - layer.kept);
  EXPECT_EQ(layer.counts.gaps.size(), size_t{1} << layer.gap_bits);
  EXPECT_EQ(net.other_bytes() + layer.bytes.positions + layer.bytes.values + layer.bytes.codebook +
                layer.bytes.tables,
            net.file_bytes);
  EXPECT_NEAR(layer.rate(), 100.0 * static_cast<double>(layer.bytes.total) / 4e5, 1e-9);
}

Trainable untrained() {
  Trainable t;
  t.dense = {{"a", {20, 40}, random_matrix(800, 3), random_matrix(20, 4)}};
  t.densities = {0.1};
  t.clusters = {15};
  t.error = [dense = t.dense](const NetWeights& net) {
    return distance(net[0].weights, dense[0].weights);
  };
  t.prune = [dense = t.dense](const std::string&, const std::vector<double>& densities) {
    NetWeights net = dense;
    for (float& w : net[0].weights) {
      if (std::abs(w) < 1 - densities[0]) w = 0;
    }
    return net;
  };
  t.finetune = [](const std::string&, const NetWeights& net) { return net; };
  return t;
}

TEST(Experiments, SmallerFilesAreWorse) {
  const auto curves = compare_methods(untrained(), {0.5, 1, 4});
  ASSERT_EQ(curves.size(), 4u);
  for (const Curve& curve : curves) {
    ASSERT_GE(curve.points.size(), 3u) << curve.name;
    for (size_t i = 1; i < curve.points.size(); ++i) {
      EXPECT_GE(curve.points[i].percent, curve.points[i - 1].percent) << curve.name;
      EXPECT_LE(curve.points[i].error, curve.points[i - 1].error) << curve.name;
    }
  }
  EXPECT_LT(curves[0].points[2].percent, curves[1].points[2].percent);
}

TEST(Experiments, ClusteringKeepsZerosAndHasSoManyValues) {
  const Trainable t = untrained();
  const NetWeights pruned = t.prune("", {0.3});
  const NetWeights shared = cluster(pruned, {7}, DCF_INIT_DENSITY, 1);
  std::set<float> values(shared[0].weights.begin(), shared[0].weights.end());
  EXPECT_LE(values.size(), 8u);
  for (size_t i = 0; i < 800; ++i) {
    EXPECT_EQ(shared[0].weights[i] == 0, pruned[0].weights[i] == 0);
  }
  const auto curves = compare_inits(t, pruned, 1, true);
  ASSERT_EQ(curves.size(), 3u);
  for (const InitCurve& curve : curves) {
    ASSERT_EQ(curve.points.size(), 7u);
    EXPECT_LE(curve.points.back().clustered, curve.points.front().clustered);
    EXPECT_EQ(curve.points[0].finetuned, curve.points[0].clustered);
  }
}

class Named : public ModelSource {
 public:
  Named() : ModelSource("m", MemoryLimit(0)) {}
  void add(const std::string& name, std::vector<uint64_t> dims) {
    tensors_.push_back(make_meta("m", name, DCF_DTYPE_F32, std::move(dims)));
  }
  std::unique_ptr<TensorReader> open_tensor(size_t) const override { return nullptr; }
};

TEST(UserWeights, LayersAreMatchedInTheNaturalOrderOfNames) {
  Named model;
  for (const char* const name :
       {"features.0", "features.10", "features.3", "features.6", "features.8"}) {
    model.add(std::string(name) + ".weight", {2, 2, 3, 3});
    model.add(std::string(name) + ".bias", {2});
  }
  for (const char* const name : {"classifier.1", "classifier.4"}) {
    model.add(std::string(name) + ".weight", {2, 2});
  }
  EXPECT_THROW(match_layers(model, "m"), Error);
  model.add("classifier.6.weight", {2, 2});
  const UserNet net = match_layers(model, "m");
  EXPECT_EQ(net.paper, &paper_alexnet());
  EXPECT_EQ(
      layer_names(model, net),
      (std::vector<std::string>{"features.0", "features.3", "features.6", "features.8",
                                "features.10", "classifier.1", "classifier.4", "classifier.6"}));
}

TEST(Report, SaysWhatIsSynthetic) {
  const std::string path = ::testing::TempDir() + "/reported.dcf";
  write_synthetic(paper_lenet_300_100(), 1, path);
  const DcfFile file(path, {});
  const NetMeasure measure = measure_file(file, {"ip1", "ip2", "ip3"}, true);
  Report report{"<data>", "paper", {}, {}};
  report.trained.push_back(
      {&paper_lenet_300_100(), {{1, 1.5, 1.6, 100}, {2, 1.7, 1.8, 120}}, measure, 1.5, {}, {}});
  report.large.push_back({&paper_alexnet(), measure, "", {}, {}});
  report.large.push_back({&paper_vgg16(), measure, "mine.safetensors", 0.5, 0.25});
  const std::string page = render_report(report);
  EXPECT_NE(page.find("1.70 (1.60 to 1.80)"), std::string::npos);
  EXPECT_NE(page.find("&lt;data&gt;"), std::string::npos);
  EXPECT_NE(page.find("<caption>Synthetic weights, not AlexNet&#39;s"), std::string::npos);
  EXPECT_EQ(page.find("Synthetic weights, not VGG-16"), std::string::npos);
  EXPECT_NE(page.find("0.5 before, 0.25 after"), std::string::npos);
  EXPECT_EQ(page.find("not in the paper"), std::string::npos);
}

TEST(Report, TheLargeMlpStandsBesideLayersOfAlexNet) {
  const std::string path = ::testing::TempDir() + "/mlp.dcf";
  PaperNet small = paper_large_mlp();
  ASSERT_EQ(small.layers.size(), 3u);
  for (PaperLayer& layer : small.layers) layer.dims = {40, 50};
  write_synthetic(small, 1, path);
  const NetMeasure measure = measure_file(DcfFile(path, {}), {"fc6", "fc7", "fc8"}, false);
  Report report{"mnist", "paper", {}, {}};
  report.trained.push_back({&paper_large_mlp(), {{1, 2.25, 2.34, 1000}}, measure, 2.5, {}, {}});
  const std::string page = render_report(report);
  // Nothing of table 1, but its columns of the layers.
  const std::string dash = "<td class=\"num theirs\">\u2013</td>";
  EXPECT_NE(page.find("<td class=\"num\">2.25</td>" + dash + "<td class=\"num\">2.34</td>" + dash),
            std::string::npos);
  EXPECT_NE(page.find("MLP 784-4096-4096-10 is not in the paper"), std::string::npos);
  EXPECT_NE(page.find("stand the layers of AlexNet"), std::string::npos);
  EXPECT_NE(page.find("fc8 (fc8)"), std::string::npos);
  EXPECT_NE(page.find("<td class=\"num theirs\">25</td>"), std::string::npos);
}

}  // namespace
}  // namespace dcf::tools::test
