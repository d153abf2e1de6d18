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
  EXPECT_TOOL_ERROR(open_model(dir.path("")), 2, "is a directory");
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
