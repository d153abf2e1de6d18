// SPDX-License-Identifier: Apache-2.0
// `dcf run` from a compressed safetensors file to its answers, and its refusals.
#include <filesystem>

#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

constexpr const char* kNetwork =
    R"({"input":[1,2,2],"scale":0.5,"mean":2,"layers":["linear a 2"]})";

class RunVerb : public ::testing::Test {
 protected:
  // y0 = x0 - x3 + 1, y1 = 2 x1
  RunVerb() {
    Model model;
    model.tensors = {meta("a.bias", DCF_DTYPE_F32, {2}), meta("a.weight", DCF_DTYPE_F32, {2, 4})};
    model.data = {floats({1, 0}), floats({1, 0, 0, -1, 0, 2, 0, 0})};
    model.metadata = {{"dcf.network", kNetwork}};
    compress(dir_, save(dir_, "net.safetensors", model), {});
  }
  void write_input(const std::string& descr, const std::string& shape, std::string_view data) {
    dir_.write("x.npy",
               npy("{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }\n",
                   data));
  }
  // All labels; images are of class 0 and 1 by turns.
  void write_test_set(const std::string& labels) const {
    const auto size = static_cast<char>(labels.size());
    std::filesystem::create_directory(data_);
    dir_.write("data/t10k-labels-idx1-ubyte", std::string{0, 0, 8, 1, 0, 0, 0, size} + labels);
    std::string images{0, 0, 8, 3, 0, 0, 0, size, 0, 0, 0, 2, 0, 0, 0, 2};
    for (size_t i = 0; i < labels.size(); ++i) images += i % 2 == 0 ? "\x9\2\2\2" : "\2\x9\2\2";
    dir_.write("data/t10k-images-idx3-ubyte", images);
  }
  Result run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"run", net_});
    return dcf(arguments);
  }
  Result run_input() const { return run({"--input", x_, "--output", y_}); }

  TempDir dir_;
  std::string net_ = dir_.path("out.dcf");  // of compress()
  std::string x_ = dir_.path("x.npy");
  std::string y_ = dir_.path("y.npy");
  std::string data_ = dir_.path("data");
};

TEST_F(RunVerb, BytesAndFloatsGiveFloats) {
  write_input("|u1", "(2, 1, 2, 2)", std::string_view("\4\2\2\2\2\4\2\4", 8));
  const Result result = run_input();
  expect_success(result);
  EXPECT_NE(result.out.find("2 rows of 2 values"), std::string::npos) << result.out;
  const Model from_bytes = read_model(y_);
  EXPECT_EQ(from_bytes.tensors.at(0), meta("y", DCF_DTYPE_F32, {2, 2}));
  EXPECT_EQ(from_bytes.data.at(0), floats({2, 0, 0, 2}));

  const Bytes x = floats({3.5F, 2, 2, 2});
  write_input("<f4", "(1, 4)", {reinterpret_cast<const char*>(x.data()), x.size()});
  expect_failure(run_input(), 2, "exists");
  const auto json = run({"--input", x_, "-o", y_, "-f", "--json"}).json();
  EXPECT_EQ(json["inputs"], 1);
  EXPECT_EQ(json["outputs"], 2);
  EXPECT_EQ(read_model(y_).data.at(0), floats({1.75F, 0}));
  EXPECT_EQ(run({"--input", x_, "-o", "-"}).out, read_text(y_));
  write_input("<f4", "(0, 4)", "");
  expect_success(run({"--input", x_, "-o", y_, "-f"}));
  EXPECT_EQ(read_model(y_).tensors.at(0), meta("y", DCF_DTYPE_F32, {0, 2}));
}

TEST_F(RunVerb, ErrorOnATestSet) {
  write_test_set(std::string("\0\1\1\0\0\1\0\1", 8));
  EXPECT_EQ(run({"--test", data_}).out, net_ + ": 25.00 % wrong (2 of 8 images)\n");
  EXPECT_EQ(run({"--test", data_, "--json"}).json(),
            nlohmann::ordered_json::parse(R"({"images":8,"wrong":2,"error_percent":25.0})"));
  EXPECT_EQ(run({"--test", data_, "-q"}).out, "");
  expect_success(dcf({"run", "-", "--test", data_}, {.stdin_path = net_}));
  write_test_set("\2");
  expect_failure(run({"--test", data_}), 1,
                 "has the label 2, where the network tells 2 classes apart");
  dir_.write("data/t10k-images-idx3-ubyte", std::string("\0\0\x8\3\0\0\0\1\0\0\0\1\0\0\0\2ab", 18));
  expect_failure(run({"--test", data_}), 1,
                 "images of 1x2 pixels, where the network takes 4 values");
}

TEST_F(RunVerb, WrongCommandLines) {
  expect_failure(run({}), 2, "give either --input or --test");
  expect_failure(run({"--input", x_}), 2, "--input needs --output");
  expect_failure(run({"--input", x_, "--test", data_}), 2, "--test");
  expect_failure(run({"--output", y_, "--test", data_}), 2, "--test");
  expect_failure(run({"--test", data_}), 2, "holds neither t10k-images-idx3-ubyte nor");
  expect_failure(run_input(), 2, "there is no such file");
  write_input("<f4", "(1, 4)", std::string(16, '\0'));
  expect_failure(run({"--input", x_, "-o", x_, "-f"}), 2, "is the input");
  expect_failure(run({"--input", x_, "-o", net_, "-f"}), 2, "is the input");
  EXPECT_FALSE(std::filesystem::exists(y_));
}

TEST_F(RunVerb, InputsThatDoNotFit) {
  write_input("<f8", "(1, 4)", std::string(32, '\0'));
  expect_failure(run_input(), 2, "holds f64, where a network takes f32 or u8");
  write_input("<f4", "(1, 5)", std::string(20, '\0'));
  expect_failure(run_input(), 1, "holds 5 values in a row, where the network takes 4");
  write_input("<f4", "()", std::string(4, '\0'));
  expect_failure(run_input(), 1, "is a single value");
  dir_.write("x.npy", "no array");
  expect_failure(run_input(), 1, "npy");
  EXPECT_FALSE(std::filesystem::exists(y_));
}

TEST_F(RunVerb, AFileWithoutANetwork) {
  write_input("<f4", "(1, 4)", std::string(16, '\0'));
  compress(dir_, x_, {});
  expect_failure(run_input(), 1, "carries no network");
  EXPECT_EQ(run({"--input", x_, "-o", y_, "--json"}).json()["error"]["name"], "InvalidInput");
}

}  // namespace
}  // namespace dcf::tools::test
