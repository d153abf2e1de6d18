// SPDX-License-Identifier: Apache-2.0
// One clear sentence for everything that is no model.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "model_test_util.h"
#include "proto_writer.h"

namespace dcf::tools::test {
namespace {

TEST(OpenModel, FilesThatCannotBeRead) {
  const TempDir dir;
  EXPECT_TOOL_ERROR(open_model(dir.path("none")), 2, "there is no such file");
  EXPECT_TOOL_ERROR(open_model(dir.path("")), 2, "is a folder without a safetensors file");
  EXPECT_TOOL_ERROR(open_model("-"), 2, "standard input");
  EXPECT_TOOL_ERROR(open_model("/dev/null"), 2, "not a regular file");
  ASSERT_EQ(mkfifo(dir.path("fifo").c_str(), 0600), 0);
  EXPECT_TOOL_ERROR(open_model(dir.path("fifo")), 2, "not a regular file");
  const std::string secret = dir.write("secret", "x");
  std::filesystem::permissions(secret, std::filesystem::perms::none);
  if (geteuid() != 0) EXPECT_TOOL_ERROR(open_model(secret), 2, "no permission");
}

TEST(OpenModel, FilesOfOtherKinds) {
  const TempDir dir;
  EXPECT_TOOL_ERROR(open_model(dir.write("a", "")), 1, "is empty");
  EXPECT_TOOL_ERROR(open_model(dir.write("a.txt", "some text\n")), 1, "not a model file");
  EXPECT_TOOL_ERROR(open_model(dir.write("a.pt", "\x80\x02]q.")), 2, "pickle");
  EXPECT_TOOL_ERROR(open_model(dir.write("a.npz", "text")), 1, "not what its name says");
  EXPECT_TOOL_ERROR(open_model(dir.write("a.onnx", "text")), 1, "not what its name says");
  EXPECT_TOOL_ERROR(open_model(dir.write("a.dcf", "text")), 1, "not a .dcf file");
  EXPECT_TOOL_ERROR(open_model(dir.write("a.gguf", "GGUF\3")), 1, "GGUF");
  EXPECT_TOOL_ERROR(open_model(dir.write("a.gz", "\x1f\x8b\x08")), 2, "gzip");
}

#ifndef DCF_WITH_ONNX
TEST(OpenModel, AMissingFormatIsNamedWithItsPackages) {
  const TempDir dir;
  const std::string path = dir.write("m", onnx_model(Proto()).str());
  EXPECT_TOOL_ERROR(open_model(path), 2, "ONNX model, which this build leaves out");
  EXPECT_TOOL_ERROR(open_model(path), 2, "libprotobuf-dev and libonnx-dev");
}
#endif

#ifndef DCF_WITH_TFLITE
TEST(OpenModel, MissingTensorFlowLiteIsNamedWithItsPackages) {
  const TempDir dir;
  EXPECT_TOOL_ERROR(open_model(dir.write("m.tflite", "0123TFL3")), 2, "libflatbuffers-dev");
}
#endif

TEST(OpenModel, StandInsAreCalledWhatTheyAre) {
  const TempDir dir;
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 438007537\n";
  EXPECT_TOOL_ERROR(open_model(dir.write("m.safetensors", pointer)), 1, "Git LFS pointer");
  EXPECT_TOOL_ERROR(open_model(dir.write("m.gguf", pointer)), 1, "Git LFS pointer");
  for (const char* page :
       {"<!DOCTYPE html>\n<html>", "\n <HTML lang=en>", "\xef\xbb\xbf<!doctype HTML>"}) {
    EXPECT_TOOL_ERROR(open_model(dir.write("m.safetensors", page)), 1, "HTML page");
  }
}

TEST(OpenModel, ForeignFilesAreRefusedWithTheWayOut) {
  const TempDir dir;
  const auto refused = [&](const std::string& name, const std::string& content,
                           const std::string& text) {
    EXPECT_TOOL_ERROR(open_model(dir.write(name, content)), 2, text);
  };
  refused("a.bin", "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.",
          "torch.load('" + dir.path("a.bin") + "', map_location='cpu', weights_only=True), ''), '" +
              dir.path("a.safetensors") + "')\"");
  refused("a.pkl", "\x80\x04N.", "pickle.load(open('");
  std::string tar("sys_info");
  tar.resize(257, '\0');
  refused("a.pt", tar + "ustar", "weights_only=False");
  refused("a.h5", "\x89HDF\r\n\x1a\n", "h5py.File('");
  refused("it's a.h5", "\x89HDF\r\n\x1a\n", "h5py.File('IN')");
  refused("saved_model.pb", "\x08\x01\x12\xff\x7f\x0a\x05", "tf.train.load_variable");
  refused("g.pb", "\x0a\x20\x0a\x01x\x12\x0bPlaceholder", "tf2onnx.convert");
  refused("a.zst", "\x28\xb5\x2f\xfd", "zstd");
  refused("a.xz",
          std::string("\xfd"
                      "7zXZ\0",
                      6),
          "xz");
  refused("a.pth",
          zip({{.name = "m/data.pkl", .content = "x"}, {.name = "m/data/0", .content = "y"}}),
          "torch.load('");
  refused(
      "a.pt",
      zip({{.name = "m/data.pkl", .content = "x"}, {.name = "m/constants.pkl", .content = "y"}}),
      "torch.jit.load('");
  refused(
      "a.keras",
      zip({{.name = "config.json", .content = "{}"}, {.name = "model.weights.h5", .content = "y"}}),
      "read('model.weights.h5')");
}

TEST(OpenModel, ContentDecidesNotTheName) {
  const TempDir dir;
  const std::string path = dir.write("model.npz", safetensors("{}", ""));
  EXPECT_TRUE(open_model(path)->tensors().empty());
}

TEST(OpenModel, MessagesNeverCarryControlBytes) {
  const TempDir dir;
  const std::string header =
      R"({"\u001b[2J\u009b":{"dtype":"U8","shape":[1],"data_offsets":[0,9]}})";
  const std::string path = dir.write("m", safetensors(header, "A"));
  EXPECT_TOOL_ERROR(open_model(path), 1, R"('\x1b[2J\u{9b}')");
}

}  // namespace
}  // namespace dcf::tools::test
