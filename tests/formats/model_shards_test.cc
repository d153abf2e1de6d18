// SPDX-License-Identifier: Apache-2.0
// Sharded safetensors, and folders.
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>

#include "model_test_util.h"
#include "reassemble.h"

namespace dcf::tools::test {
namespace {

// A safetensors file with one tensor of bytes.
std::string shard(const std::string& tensor, const std::string& bytes,
                  const std::string& metadata = "null") {
  const std::string size = std::to_string(bytes.size());
  return safetensors(R"({"__metadata__":)" + metadata + ",\"" + tensor +
                         R"(":{"dtype":"U8","shape":[)" + size + R"(],"data_offsets":[0,)" + size +
                         "]}}",
                     bytes);
}

class ShardsTest : public ::testing::Test {
 protected:
  std::string index(const std::string& map) {
    return dir_.write("model.safetensors.index.json",
                      R"({"metadata":{"total_size":9},"weight_map":{)" + map + "}}");
  }
  void expect_error(const std::string& map, int code, const char* text) {
    EXPECT_TOOL_ERROR(open_model(index(map)), code, text);
  }
  void write_shards() {
    dir_.write("a.safetensors", shard("x", "abc", R"({"format":"pt","by":"a"})"));
    dir_.write("b.safetensors", shard("y", "de", R"({"format":"pt","by":"b"})"));
  }
  static constexpr const char* kMap = R"("y":"b.safetensors","x":"a.safetensors")";

  TempDir dir_;
};

TEST_F(ShardsTest, AnIndexAndItsShardsAreOneModel) {
  write_shards();
  dir_.write("config.json", "{}");
  const auto source = open_model(index(kMap));
  ASSERT_EQ(source->tensors().size(), 2u);
  EXPECT_EQ(source->tensors()[0], meta("x", DCF_DTYPE_U8, {3}));
  EXPECT_EQ(source->read(0), to_bytes("abc"));
  EXPECT_EQ(source->read(1), to_bytes("de"));
  EXPECT_EQ(source->metadata(), (Metadata{{"by", "a"}, {"format", "pt"}}));
  EXPECT_EQ(source->notes(), std::vector<std::string>{"the shards differ on the metadata 'by', of "
                                                      "which the first one's value is kept"});
  ASSERT_NE(source->layout(), nullptr);
  EXPECT_EQ(source->layout()->files(), 3u);
  EXPECT_EQ(source->layout()->file_name(0), "model.safetensors.index.json");
  EXPECT_EQ(source->layout()->file_name(1), "a.safetensors");
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(ShardsTest, AFolderCarriesItsSmallFiles) {
  write_shards();
  index(kMap);
  std::filesystem::create_directories(dir_.path("onnx/a/b/c"));
  dir_.write("config.json", "{}");
  dir_.write("empty", "");
  dir_.write(".hidden", "x");
  dir_.write("old.dcf", "x");
  dir_.write("onnx/a/b/file", "deep");
  dir_.write("onnx/a/b/c/file", "too deep");
  dir_.write("bad\x01name", "x");
  std::filesystem::create_symlink("config.json", dir_.path("link"));
  dir_.write("large", "");
  std::filesystem::resize_file(dir_.path("large"), (uint64_t{64} << 20) + 1);
  const auto source = open_model(dir_.path(""));
  EXPECT_EQ(source->tensors().size(), 2u);
  EXPECT_EQ(layout_fault(*source), "");
  std::vector<std::string> names;
  for (size_t i = 0; i < source->layout()->files(); ++i) {
    names.push_back(source->layout()->file_name(i));
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"model.safetensors.index.json", "a.safetensors",
                                      "b.safetensors", "config.json", "empty", "onnx/a/b/file"}));
  std::vector<std::string> notes = source->notes();
  std::sort(notes.begin(), notes.end());
  EXPECT_EQ(notes,
            (std::vector<std::string>{
                "left out: 'bad\\x01name' has a name that no output is given",
                "left out: 'large' is larger than 64 MiB", "left out: 'link' is a symbolic link",
                "left out: 'old.dcf' is a .dcf file", "left out: 'onnx/a/b/c' lies too deep",
                "left out: 1 hidden file or folder",
                "the shards differ on the metadata 'by', of which the first one's value is kept"}));
}

TEST_F(ShardsTest, AFolderWithOneSafetensorsFile) {
  dir_.write("m.safetensors", shard("x", "abc"));
  dir_.write("tokenizer.json", "{}");
  std::filesystem::create_directory(dir_.path("sub"));
  dir_.write("sub/n.safetensors", shard("x", "other"));
  const auto source = open_model(dir_.path(""));
  EXPECT_EQ(source->read(0), to_bytes("abc"));
  EXPECT_EQ(source->layout()->files(), 3u);
  EXPECT_EQ(source->layout()->file_name(0), "m.safetensors");
  EXPECT_EQ(layout_fault(*source), "");
}

// The cache of the Hugging Face hub: REPOSITORY/snapshots/REVISION/NAME -> ../../blobs/HASH.
class HubCacheTest : public ShardsTest {
 protected:
  HubCacheTest() {
    for (const char* folder : {"r/blobs", "r/snapshots/1/sub", "r/other/1"}) {
      std::filesystem::create_directories(dir_.path(folder));
    }
    dir_.write("r/blobs/" + kHash, shard("x", "abc"));
    dir_.write("secret", shard("x", "abc"));
  }
  void link(const std::string& target, const std::string& name) {
    std::filesystem::create_symlink(target, dir_.path(name));
  }
  void expect_refused(const std::string& target, const std::string& folder) {
    link(target, folder + "/model.safetensors");
    EXPECT_TOOL_ERROR(open_model(dir_.path(folder)), 2, "'model.safetensors' is a symbolic link");
    std::filesystem::remove(dir_.path(folder + "/model.safetensors"));
  }

  const std::string kHash = std::string(39, 'a') + "0";
};

TEST_F(HubCacheTest, LinksOfASnapshotAreFollowed) {
  const std::string other(64, '7');
  dir_.write("r/blobs/" + other, "{}");
  link("../../blobs/" + kHash, "r/snapshots/1/model.safetensors");
  link("../../../blobs/" + other, "r/snapshots/1/sub/config.json");
  // As a hub's library names the snapshot, and behind a link of the user's own.
  link("r/snapshots/1", "mine");
  for (const char* folder : {"r/snapshots/1", "mine"}) {
    const auto source = open_model(dir_.path(folder));
    EXPECT_EQ(source->read(0), to_bytes("abc"));
    ASSERT_EQ(source->layout()->files(), 2u);
    EXPECT_EQ(source->layout()->file_name(1), "sub/config.json");
    EXPECT_EQ(layout_fault(*source), "");
  }
}

TEST_F(HubCacheTest, ShardsMayBeLinksOfASnapshot) {
  link("../../blobs/" + kHash, "r/snapshots/1/a.safetensors");
  dir_.write("r/snapshots/1/i.json", R"({"weight_map":{"x":"a.safetensors"}})");
  EXPECT_EQ(open_model(dir_.path("r/snapshots/1/i.json"))->read(0), to_bytes("abc"));
}

TEST_F(HubCacheTest, OtherLinksAreRefused) {
  const std::string snapshot = "r/snapshots/1";
  expect_refused("../../../secret", snapshot);
  expect_refused("../../blobs/../../secret", snapshot);
  expect_refused("../../blobs/" + kHash.substr(1), snapshot);
  expect_refused("../../blobs/" + std::string(40, 'A'), snapshot);
  expect_refused("../../../blobs/" + kHash, snapshot);
  expect_refused(dir_.path("r/blobs/" + kHash), snapshot);
  expect_refused("../../blobs/" + kHash, "r/other/1");  // no snapshot
  // A blob that is itself a link, or is none.
  const std::string linked(40, 'b');
  link("../../secret", "r/blobs/" + linked);
  expect_refused("../../blobs/" + linked, snapshot);
  expect_refused("../../blobs/" + std::string(40, 'c'), snapshot);
  const std::string fifo(40, 'd');
  ASSERT_EQ(mkfifo(dir_.path("r/blobs/" + fifo).c_str(), 0600), 0);
  expect_refused("../../blobs/" + fifo, snapshot);
  // Blobs that lie elsewhere.
  std::filesystem::rename(dir_.path("r/blobs"), dir_.path("blobs"));
  link("../blobs", "r/blobs");
  expect_refused("../../blobs/" + kHash, snapshot);
}

TEST_F(ShardsTest, OtherFoldersAreRefused) {
  EXPECT_TOOL_ERROR(open_model(dir_.path("")), 2, "without a safetensors file or index");
  std::filesystem::create_symlink("blob", dir_.path("model.safetensors"));
  EXPECT_TOOL_ERROR(open_model(dir_.path("")), 2,
                    "(left out: 'model.safetensors' is a symbolic link)");
  std::filesystem::remove(dir_.path("model.safetensors"));
  dir_.write("pytorch_model.bin", zip({{.name = "m/data.pkl", .content = "x"}}));
  EXPECT_TOOL_ERROR(open_model(dir_.path("")), 2, "pytorch_model.bin: is a PyTorch checkpoint");
  const TempDir saved;
  saved.write("saved_model.pb", "\x08\x01\x12\x05\x0a");
  EXPECT_TOOL_ERROR(open_model(saved.path("")), 2, saved.path("variables/variables"));
  write_shards();
  EXPECT_TOOL_ERROR(open_model(dir_.path("")), 2, "'a.safetensors' and 'b.safetensors'");
  index(kMap);
  dir_.write("n.safetensors.index.json", "{}");
  EXPECT_TOOL_ERROR(open_model(dir_.path("")), 2, "index.json' and");
  const TempDir many;
  many.write("m.safetensors", shard("x", "abc"));
  for (int i = 0; i < 1000; ++i) many.write(std::to_string(i), "");
  EXPECT_TOOL_ERROR(open_model(many.path("")), 2, "more than 1000 files");
}

TEST_F(ShardsTest, ManyShardsWithFewFilesOpen) {
  std::string map;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = std::to_string(i);
    dir_.write(name + ".safetensors", shard("t" + name, name));
    map += (i == 0 ? "\"t" : ",\"t") + name + "\":\"" + name + ".safetensors\"";
  }
  const std::string path = index(map);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 64;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  const auto source = open_model(path);
  EXPECT_EQ(source->tensors().size(), 1000u);
  EXPECT_EQ(layout_fault(*source), "");
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(ShardsTest, IndexAndHeadersShareTheLimit) {
  std::string map;
  std::string header;
  for (int i = 0; i < 2000; ++i) {
    const std::string comma = i == 0 ? "" : ",";
    const std::string name = '"' + std::to_string(i) + '"';
    map += comma + name + R"(:"s")";
    header += comma + name + R"(:{"dtype":"U8","shape":[],"data_offsets":[)" + std::to_string(i) +
              "," + std::to_string(i + 1) + "]}";
  }
  dir_.write("s", safetensors("{" + header + "}", std::string(2000, 'x')));
  const std::string path = index(map);
  uint64_t alone = 1 << 16;  // what the shard takes without the index
  for (bool enough = false; !enough; alone += 1 << 16) {
    try {
      open_model(dir_.path("s"), {.max_memory = alone});
      enough = true;
    } catch (const Error&) {
      ASSERT_LT(alone, 1 << 28);
    }
  }
  EXPECT_TOOL_ERROR(open_model(path, {.max_memory = alone}), 1, "memory limit");
  EXPECT_EQ(open_model(path, {.max_memory = 4 * alone})->tensors().size(), 2000u);
}

TEST_F(ShardsTest, RejectsBadIndexes) {
  write_shards();
  expect_error(R"("x":"a.safetensors","y":"a.safetensors")", 1, "which does not hold it");
  expect_error(R"("x":"b.safetensors","y":"b.safetensors")", 1, "which does not hold it");
  expect_error(R"("x":"a.safetensors","z":"b.safetensors")", 1, "names no shard for tensor 'y'");
  expect_error(R"("x":"b.safetensors","y":"a.safetensors")", 1, "but it lies in");
  expect_error(R"("x":"a.safetensors","y":"c.safetensors")", 2, "no such file");
  expect_error(R"("x":3)", 1, "not a string");
  expect_error(R"("x":"../a.safetensors")", 1, "plain path");
  expect_error(R"("x":"/etc/passwd")", 1, "plain path");
  expect_error(R"("x":"a.safetensors","x":"a.safetensors")", 1, "'x'");
  // A tensor that two shards hold.
  dir_.write("b.safetensors", shard("x", "de"));
  expect_error(R"("x":"a.safetensors","y":"b.safetensors")", 1, "but it lies in 'b.safetensors'");
  EXPECT_TOOL_ERROR(open_model(dir_.write("i.json", R"({"weight_map":[]})")), 1,
                    "'weight_map' is not a JSON object");
  EXPECT_TOOL_ERROR(open_model(dir_.write("i.json", R"({"weight_map":{"x":"link"}})")), 2,
                    "no such file");
  std::filesystem::create_symlink("a.safetensors", dir_.path("link"));
  EXPECT_TOOL_ERROR(open_model(dir_.path("i.json")), 1, "symbolic link");
}

// The size of such a header has the bytes that a pickle starts with.
TEST_F(ShardsTest, AHeaderOf640BytesIsNoPickle) {
  std::string header = R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  header.resize(0x280, ' ');
  dir_.write("s", safetensors(header, "A"));
  EXPECT_EQ(open_model(index(R"("x":"s")"))->read(0), to_bytes("A"));
  EXPECT_EQ(open_model(dir_.path("s"))->read(0), to_bytes("A"));
}

TEST_F(ShardsTest, ShardsOfOtherKindsAreCalledWhatTheyAre) {
  const std::string map = R"("x":"s")";
  dir_.write("s", "version https://git-lfs.github.com/spec/v1\n");
  expect_error(map, 1, "Git LFS pointer");
  dir_.write("s", zip({{.name = "m/data.pkl", .content = "x"}}));
  expect_error(map, 2, "PyTorch");
  dir_.write("s", "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
  expect_error(map, 2, "PyTorch");
  dir_.write("s", "text that is no header");
  expect_error(map, 1, "header");
}

}  // namespace
}  // namespace dcf::tools::test
