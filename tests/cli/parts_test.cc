// SPDX-License-Identifier: Apache-2.0
// A model that is compressed in parts: the bytes of one process, whoever did what, and how often.
#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>

#include "models.h"
#include "process.h"
#include "support/sanitizer.h"

namespace dcf::tools::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// bfloat16 of a normal distribution; a share of them is zero.
Bytes bf16(uint64_t elements, uint64_t seed, double zeros = 0) {
  std::mt19937_64 random(seed);
  Bytes bytes(2 * elements);
  for (uint64_t i = 0; i < elements; ++i) {
    if (static_cast<double>(random() >> 11) * 0x1p-53 < zeros) continue;
    float sum = -6;
    for (int k = 0; k < 12; ++k) sum += static_cast<float>(random() >> 40) * 0x1p-24f;
    uint32_t word = 0;
    std::memcpy(&word, &sum, sizeof word);
    bytes[2 * i] = static_cast<uint8_t>(word >> 16 | 1);
    bytes[2 * i + 1] = static_cast<uint8_t>(word >> 24);
  }
  return bytes;
}

struct Shard {
  std::vector<TensorMeta> tensors;
  std::vector<Bytes> data;

  void add(const std::string& name, std::vector<uint64_t> dims, Bytes bytes) {
    tensors.push_back(meta(name, DCF_DTYPE_BF16, std::move(dims)));
    data.push_back(std::move(bytes));
  }
  std::string file() const {
    Json header;
    std::string all;
    for (size_t i = 0; i < tensors.size(); ++i) {
      const size_t begin = all.size();
      all.append(data[i].begin(), data[i].end());
      header[tensors[i].name] = {
          {"dtype", "BF16"}, {"shape", tensors[i].dims}, {"data_offsets", {begin, all.size()}}};
    }
    return safetensors(header.dump(), all);
  }
};

// Four shards, an index and a config: fused and tied tensors, one that is cut, one that cannot be
// because it has zeros, and a tied pair that would be cut.
std::string checkpoint(const TempDir& dir) {
  std::vector<Shard> shards(4);
  const Bytes embedding = bf16(1300 * 1024, 1);
  shards[0].add("model.embed_tokens.weight", {1300, 1024}, embedding);
  shards[0].add("model.norm.weight", {1024}, bf16(1024, 2));
  for (unsigned layer = 0; layer < 6; ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".";
    Shard& shard = shards[1 + layer / 3];
    shard.add(prefix + "qkv.weight", {384, 128}, bf16(384 * 128, 10 + layer));
    shard.add(prefix + "mlp.weight", {128, 384}, bf16(128 * 384, 20 + layer, 0.3 + 0.1 * layer));
    shard.add(prefix + "norm.weight", {128}, Bytes(256, 0x3f));
  }
  shards[3].add("cut.weight", {1601, 1000}, bf16(1601 * 1000, 3));
  shards[2].add("even.weight", {2048, 1024}, bf16(2048 * 1024, 5));  // ranges of 1 MiB
  shards[3].add("zeros.weight", {1200, 1000}, bf16(1200 * 1000, 4, 0.001));
  shards[3].add("lm_head.weight", {1300, 1024}, embedding);
  const std::string folder = dir.path("model");
  fs::create_directory(folder);
  Json index;
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string name = "model-0000" + std::to_string(i + 1) + "-of-00004.safetensors";
    dir.write("model/" + name, shards[i].file());
    for (const TensorMeta& tensor : shards[i].tensors) index["weight_map"][tensor.name] = name;
  }
  dir.write("model/model.safetensors.index.json", index.dump());
  dir.write("model/config.json", "{\"model_type\": \"test\"}\n");
  return folder;
}

Json read_json(const std::string& path) {
  return Json::parse(read_text(path));
}

// What users do, with every step in a process of its own. Fast: tensors of more than 2^20 elements
// are cut.
class Work {
 public:
  Work(const TempDir& dir, const std::string& model, std::vector<std::string> options = {})
      : dir_(dir), model_(model), options_(std::move(options)) {
    std::vector<std::string> args = {"plan", model_, "--fast", "-q", "-o", plan()};
    args.insert(args.end(), options_.begin(), options_.end());
    expect_success(dcf(args));
    fs::create_directory(dir.path("stats"));
    fs::create_directory(dir.path("parts"));
  }

  std::string plan() const { return dir_.path("plan.json"); }
  std::string settled() const { return dir_.path("settled.json"); }
  std::string part(size_t i) const { return dir_.path("parts/" + std::to_string(i) + ".dcf"); }

  Result measure(size_t i) const {
    return dcf({"stats", "--plan", plan(), "--item", std::to_string(i), "-q", "-f", "-o",
                dir_.path("stats/" + std::to_string(i) + ".json")});
  }
  Result settle() const {
    return dcf(
        {"stats", "--plan", plan(), "--settle", dir_.path("stats"), "-q", "-f", "-o", settled()});
  }
  Result compress_item(size_t i) const {
    return dcf(
        {"compress", "--plan", settled(), "--item", std::to_string(i), "-q", "-f", "-o", part(i)});
  }
  Result merge() const {
    return dcf({"merge", dir_.path("parts"), "--plan", settled(), "-q", "-f", "-o",
                dir_.path("merged.dcf")});
  }

  void run_all() const {
    for (size_t i = read_json(plan())["stats"].size(); i-- > 0;) expect_success(measure(i));
    expect_success(settle());
    const size_t items = read_json(settled())["items"].size();
    for (size_t i = items; i-- > 0;) expect_success(compress_item(i));
    expect_success(merge());
  }
  std::string merged() const { return read_text(dir_.path("merged.dcf")); }
  // By one process.
  std::string whole(std::vector<std::string> options) const {
    options.push_back("--fast");
    return compress(dir_, model_, options);
  }

 private:
  const TempDir& dir_;
  std::string model_;
  std::vector<std::string> options_;
};

TEST(PartsLarge, MakeTheFileOfOneProcess) {
  const TempDir dir;
  const Work work(dir, checkpoint(dir), {"--item-bytes", "1M"});
  const Json plan = read_json(work.plan());
  EXPECT_EQ(plan["settled"], false);
  EXPECT_EQ(plan["stats"].size(), 6u);  // the index, four shards, config.json
  work.run_all();
  EXPECT_EQ(work.merged(), work.whole({}));
  const Json settled = read_json(work.settled());
  size_t ranges = 0;
  for (const Json& item : settled["items"]) ranges += item.contains("elements");
  EXPECT_EQ(ranges, 4u + 4u + 3u);  // and one of the two tied tensors
  size_t aliases = 0;
  for (const Json& tensor : settled["tensors"]) aliases += tensor.contains("alias_of");
  EXPECT_EQ(aliases, 1u + 5u);
  expect_success(dcf({"decompress", dir.path("merged.dcf"), "-o", dir.path("again")}));
  for (const char* const name : {"model-00004-of-00004.safetensors", "config.json"}) {
    EXPECT_EQ(read_text(dir.path("again/") + name), read_text(dir.path("model/") + name));
  }
}

TEST(PartsLarge, MakeShardsWithAnIndex) {
  const TempDir dir;
  const Work work(dir, checkpoint(dir), {"--item-bytes", "1M"});
  work.run_all();
  const std::string shards = dir.path("shards");
  const std::vector<std::string> merge = {
      "merge", dir.path("parts"), "--plan", work.settled(), "-o", shards, "--shard-bytes", "3M"};
  const Result result = dcf(merge);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(dcf(merge).exit_code, 0);  // nothing is replaced
  const Json index = read_json(shards + "/model.dcf.index.json");
  expect_failure(dcf({"info", shards + "/model.dcf.index.json"}), 1,
                 "each of which opens by itself");
  std::map<std::string, std::map<std::string, Bytes>> stored;  // by file and tensor
  for (const auto& entry : fs::directory_iterator(shards)) {
    if (entry.path().extension() != ".dcf") continue;
    expect_success(dcf({"verify", entry.path().string(), "-q"}));
    const auto source = open_model(entry.path().string());
    for (size_t i = 0; i < source->tensors().size(); ++i) {
      stored[entry.path().filename().string()][source->tensors()[i].name] = source->read(i);
    }
  }
  EXPECT_GE(stored.size(), 3u);
  const auto original = open_model(dir.path("model"));
  EXPECT_EQ(index["weight_map"].size(), original->tensors().size());
  for (size_t i = 0; i < original->tensors().size(); ++i) {
    const std::string& name = original->tensors()[i].name;
    EXPECT_EQ(stored[index["weight_map"][name]][name], original->read(i)) << name;
  }
}

TEST(PartsLarge, WithoutTheFilesMeasureTensorsAlone) {
  const TempDir dir;
  const Work work(dir, checkpoint(dir), {"--item-bytes", "1M", "--no-exact-file"});
  work.run_all();
  EXPECT_EQ(work.merged(), work.whole({"--no-exact-file"}));
}

TEST(PartsLarge, OfLossyWork) {
  const TempDir dir;
  const std::string recipe = dir.write(
      "recipe.json",
      R"({"rules": [{"match": "mlp", "sparsity": 0.5, "bits": 4}, {"match": "qkv", "bits": 5}]})");
  const Work work(dir, checkpoint(dir), {"--item-bytes", "2M", "--recipe", recipe});
  fs::remove(recipe);  // the plan has all of it
  work.run_all();
  dir.write(
      "recipe.json",
      R"({"rules": [{"match": "mlp", "sparsity": 0.5, "bits": 4}, {"match": "qkv", "bits": 5}]})");
  EXPECT_EQ(work.merged(), work.whole({"--recipe", recipe}));
}

TEST(Parts, OfSmallModelsOfAnyFormat) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", every_kind_model());
  const Work work(dir, in, {"--item-bytes", "1M"});
  work.run_all();
  EXPECT_EQ(work.merged(), work.whole({}));
}

TEST(Parts, OfADcfFileKeepItsSections) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", sparse_model());
  const std::string packed = dir.write("in.dcf", compress(dir, in, {"--bits", "4"}));
  const Work work(dir, packed, {"--item-bytes", "1M"});
  work.run_all();
  EXPECT_EQ(work.merged(), work.whole({}));
}

TEST(Parts, MayBeKilledAndDoneAgain) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", sparse_model());
  const Work work(dir, in, {"--item-bytes", "1M"});
  const size_t tasks = read_json(work.plan())["stats"].size();
  for (size_t i = 0; i < tasks; ++i) expect_success(work.measure(i));
  expect_success(work.settle());
  Child child({"compress", "--plan", work.settled(), "--item", "0", "-q", "-o", work.part(0)});
  child.signal(SIGKILL);
  (void)child.wait();
  // Nothing is left where a process was killed, but for a whole part.
  const bool done = fs::exists(work.part(0));
  if (!done) expect_failure(work.merge(), 2, "no part of item 0");
  expect_success(work.compress_item(0));
  const std::string first = read_text(work.part(0));
  expect_success(work.compress_item(0));
  EXPECT_EQ(read_text(work.part(0)), first);
  expect_success(work.merge());
  EXPECT_EQ(work.merged(), work.whole({}));
}

TEST(Parts, OfAnotherPlanOrModelAreRefused) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", sparse_model());
  const Work work(dir, in);
  expect_failure(work.settle(), 2, "statistics of item 0 are missing");
  expect_failure(dcf({"compress", "--plan", work.plan(), "--item", "0", "-o", work.part(0)}), 2,
                 "the plan is not settled");
  work.run_all();
  expect_failure(dcf({"stats", "--plan", work.settled(), "--item", "0", "-o", dir.path("x")}), 2,
                 "the plan is settled");
  expect_failure(dcf({"stats", "--plan", work.plan(), "--item", "99", "-o", dir.path("x")}), 2,
                 "there is no statistics 99");
  expect_failure(dcf({"compress", "--plan", work.settled(), "--item", "9", "-o", work.part(9)}), 2,
                 "there is no item 9");
  expect_failure(dcf({"compress", in, "--plan", work.settled(), "--item", "0", "-o", work.part(9)}),
                 2, "without IN");
  expect_failure(
      dcf({"compress", "--plan", work.settled(), "--item", "0", "--bits", "4", "-o", work.part(9)}),
      2, "--plan excludes --bits");
  expect_failure(dcf({"compress", "--plan", work.settled(), "-o", work.part(9)}), 2, "--item");

  // Another model in the place of the first.
  const std::string other = save(dir, "other.safetensors", gaussian_model(64, 64));
  expect_failure(dcf({"compress", "--plan", work.settled(), "--item", "0", "--source", other, "-o",
                      work.part(9)}),
                 2, "is not the model that the plan was made for");

  // A part of another plan, a file that is no part, and a damaged one.
  const std::string part = read_text(work.part(0));
  dir.write("parts/x.dcf", compress(dir, in, {}));
  expect_failure(work.merge(), 1, "is no part");
  fs::remove(dir.path("parts/x.dcf"));
  std::string damaged = part;
  damaged[damaged.size() / 2] ^= 1;
  dir.write("parts/0.dcf", damaged);
  EXPECT_EQ(work.merge().exit_code, 1);
  dir.write("parts/0.dcf", part);
  const TempDir dir2;
  const Work second(dir2, in, {"--positions", "gap"});
  second.run_all();
  fs::copy_file(second.part(0), dir.path("parts/y.dcf"));
  expect_failure(work.merge(), 2, "is a part of another plan");
}

TEST(Parts, WithADamagedPlanOrStatisticsAreRefused) {
  const TempDir dir;
  const std::string in = save(dir, "in.safetensors", sparse_model());
  const Work work(dir, in);
  work.run_all();
  const auto merge_with = [&](const std::string& plan) {
    return dcf({"merge", dir.path("parts"), "--plan", dir.write("bad.json", plan), "-q", "-f", "-o",
                dir.path("merged.dcf")});
  };
  expect_failure(merge_with("{}"), 1, "is not a plan");
  expect_failure(merge_with("[]"), 1, "is not a JSON object");
  const Json good = read_json(work.settled());
  const auto with = [&](const char* pointer, const Json& value) {
    Json plan = good;
    plan[Json::json_pointer(pointer)] = value;
    return merge_with(plan.dump());
  };
  expect_failure(with("/version", 1), 2, "a version that is not supported");
  expect_failure(with("/items/0/tensors/0", 1000), 1, "does not exist");
  expect_failure(with("/tensors/0/encoding", 7), 1, "does not exist");
  expect_failure(with("/items/0/reads/0/2", uint64_t{1} << 60), 1, "outside its file");
  expect_failure(with("/files/0/sha256", "ab"), 1, "another length");
  expect_failure(with("/max_memory", "1G"), 1, "max_memory");
  for (const auto& [key, unused] : good.items()) {
    Json plan = good;
    plan.erase(key);
    EXPECT_EQ(merge_with(plan.dump()).exit_code, 1) << key;
  }

  const std::string result = read_text(dir.path("stats/0.json"));
  for (const auto& [text, message] : std::map<std::string, std::string>{
           {"{}", "is no result of dcf stats"},
           {Json(Json::parse(result))
                .patch(Json::parse(R"([{"op": "replace", "path": "/fingerprint", "value": "00"}])"))
                .dump(),
            "is a result for another plan"},
           {Json(Json::parse(result))
                .patch(Json::parse(R"([{"op": "replace", "path": "/task", "value": 77}])"))
                .dump(),
            "is a result for another plan"}}) {
    dir.write("stats/0.json", text);
    const Result settled = work.settle();
    EXPECT_NE(settled.exit_code, 0);
    EXPECT_NE(settled.err.find(message), std::string::npos) << settled.err;
  }
}

TEST(Parts, WithRangesOutsideTheirTensorsAreRefused) {
  const TempDir dir;
  const Work work(dir, checkpoint(dir), {"--item-bytes", "1M", "--no-exact-file"});
  const Json good = read_json(work.plan());
  size_t item = 0;
  while (!good["items"][item].contains("elements")) ++item;
  const size_t tensor = good["items"][item]["tensors"][0];
  const std::string at = "/items/" + std::to_string(item);
  const std::string of = "/tensors/" + std::to_string(tensor);
  const std::vector<std::pair<std::string, Json>> changes = {{at + "/first", uint64_t{1} << 63},
                                                             {at + "/first", uint64_t{1} << 40},
                                                             {at + "/elements", uint64_t{1} << 63},
                                                             {at + "/bytes", 2},
                                                             {of + "/range_bytes", 1},
                                                             {of + "/range_bytes", 64 * 3 + 2},
                                                             {of + "/range_bytes", 64},
                                                             {of + "/range_bytes", 0}};
  for (const auto& [pointer, value] : changes) {
    Json plan = good;
    plan[Json::json_pointer(pointer)] = value;
    const Result result = dcf({"stats", "--plan", dir.write("bad.json", plan.dump()), "--item", "0",
                               "-q", "-f", "-o", dir.path("x.json")});
    // Ranges of 64 bytes make another plan, and a possible one.
    if (value == 64) continue;
    EXPECT_EQ(result.exit_code, 1) << pointer << " " << value << ": " << result.err;
  }
}

TEST(Parts, PeakMemoryIsAsPlanned) {
#ifdef DCF_OWN_ALLOCATOR
  GTEST_SKIP() << "the allocator is a sanitizer's";
#endif
  const TempDir dir;
  const Work work(dir, checkpoint(dir), {"--item-bytes", "1M", "-T", "2"});
  const Json plan = read_json(work.plan());
  for (size_t i = 0; i < plan["stats"].size(); ++i) {
    EXPECT_LE(work.measure(i).peak_bytes, plan["stats"][i]["peak_memory"].get<uint64_t>()) << i;
  }
  expect_success(work.settle());
  const Json settled = read_json(work.settled());
  for (size_t i = 0; i < settled["items"].size(); ++i) {
    EXPECT_LE(work.compress_item(i).peak_bytes, settled["items"][i]["peak_memory"].get<uint64_t>())
        << i;
  }
}

TEST(Parts, APlanReadsHeadersOnly) {
  const TempDir dir;
  const std::string model = checkpoint(dir);
  // The data are not there: the files are as long as they were, with holes.
  for (const auto& entry : fs::directory_iterator(model)) {
    if (entry.path().extension() != ".safetensors") continue;
    const uint64_t size = entry.file_size();
    const std::string text = read_text(entry.path().string());
    uint64_t header = 0;
    std::memcpy(&header, text.data(), sizeof header);
    dir.write("model/" + entry.path().filename().string(), text.substr(0, 8 + header));
    fs::resize_file(entry.path(), size);
  }
  const Result result = dcf({"plan", model, "-o", dir.path("plan.json"), "--json", "--workers", "3",
                             "--encode-speed", "1M"});
  expect_success(result);
  EXPECT_EQ(result.json()["tensors"], 24);
  EXPECT_EQ(result.json()["encode_speed"], 1 << 20);
  EXPECT_GT(result.json()["encode_seconds"], 1);
}

}  // namespace
}  // namespace dcf::tools::test
