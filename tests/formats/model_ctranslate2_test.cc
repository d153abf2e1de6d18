// SPDX-License-Identifier: Apache-2.0
#include "formats/le_bytes.h"
#include "model_test_util.h"
#include "reassemble.h"

namespace dcf::tools::test {
namespace {

std::string number(uint64_t value, size_t bytes) {
  std::string text;
  for (; bytes > 0; --bytes, value >>= 8) text += static_cast<char>(value & 0xff);
  return text;
}

std::string text(const std::string& value) {
  return number(value.size() + 1, 2) + value + '\0';
}

std::string variable(const std::string& name, const std::vector<uint32_t>& dims, uint8_t type,
                     const std::string& data, uint64_t declared) {
  std::string result = text(name) + number(dims.size(), 1);
  for (const uint32_t dim : dims) result += number(dim, 4);
  return result + number(type, 1) + number(declared, 4) + data;
}

std::string variable(const std::string& name, const std::vector<uint32_t>& dims, uint8_t type,
                     const std::string& data) {
  return variable(name, dims, type, data, data.size());
}

std::string model(uint32_t version, const std::vector<std::string>& variables,
                  const std::vector<std::pair<std::string, std::string>>& aliases = {}) {
  std::string result = number(version, 4) + text("WhisperSpec") + number(3, 4);
  result += number(variables.size(), 4);
  for (const std::string& content : variables) result += content;
  if (version < 3) return result;
  result += number(aliases.size(), 4);
  for (const auto& [alias, name] : aliases) result += text(alias) + text(name);
  return result;
}

class Ctranslate2Test : public ::testing::Test {
 protected:
  std::string write(const std::string& content) { return dir_.write("model.bin", content); }
  void expect_error(const std::string& content, int code, const char* message) {
    EXPECT_TOOL_ERROR(open_model(write(content)), code, message);
  }

  TempDir dir_;
};

TEST_F(Ctranslate2Test, ReadsVariablesAndAliases) {
  const auto source = open_model(write(model(
      6,
      {variable("a/weight", {2, 2}, 1, "abcd"), variable("a/weight_scale", {2}, 0, "ABCDEFGH"),
       variable("flag", {}, 1, "x"), variable("h", {1}, 4, "hh"), variable("b", {1}, 5, "bb"),
       variable("s", {1}, 2, "ss"), variable("i", {0}, 3, "")},
      {{"c/weight", "a/weight"}})));
  const std::vector<TensorMeta> expected = {
      meta("a/weight", DCF_DTYPE_I8, {2, 2}), meta("a/weight_scale", DCF_DTYPE_F32, {2}),
      meta("flag", DCF_DTYPE_I8, {}),         meta("h", DCF_DTYPE_F16, {1}),
      meta("b", DCF_DTYPE_BF16, {1}),         meta("s", DCF_DTYPE_I16, {1}),
      meta("i", DCF_DTYPE_I32, {0})};
  EXPECT_EQ(source->tensors(), expected);
  EXPECT_EQ(source->read(0), to_bytes("abcd"));
  EXPECT_EQ(source->read(2), to_bytes("x"));
  EXPECT_FALSE(source->is_scale(0));
  EXPECT_TRUE(source->is_scale(1));
  EXPECT_EQ(source->metadata(), (Metadata{{"ctranslate2.alias.c/weight", "a/weight"},
                                          {"ctranslate2.revision", "3"},
                                          {"ctranslate2.spec", "WhisperSpec"},
                                          {"ctranslate2.version", "6"}}));
  EXPECT_EQ(layout_fault(*source), "");
}

TEST_F(Ctranslate2Test, OldVersionsCountElements) {
  const auto source = open_model(write(model(2, {variable("w", {3}, 2, "abcdef", 3)})));
  EXPECT_EQ(source->tensors().at(0), meta("w", DCF_DTYPE_I16, {3}));
  EXPECT_EQ(layout_fault(*source), "");
  EXPECT_EQ(open_model(write(model(3, {variable("w", {1}, 4, "abcd", 1)})))->tensors().at(0),
            meta("w", DCF_DTYPE_F32, {1}));
  expect_error(model(3, {variable("w", {1}, 8, "abcdefgh", 1)}), 2, "type 8");
}

TEST_F(Ctranslate2Test, RejectsDamage) {
  const std::string whole = model(6, {variable("w", {4}, 1, "abcd")}, {{"v", "w"}});
  // From behind the name of the kind, which tells the format.
  for (size_t size = 6 + sizeof("WhisperSpec"); size < whole.size(); ++size) {
    expect_error(whole.substr(0, size), 1, "cut off");
  }
  expect_error(whole + "x", 1, "1 bytes after its last alias");
  expect_error(model(7, {}), 2, "version 7");
  expect_error(model(6, {variable("w", {5}, 1, "abcd")}), 1, "for 5 bytes, but 4 bytes");
  expect_error(model(6, {variable("w", {4}, 6, "abcd")}), 2, "type 6");
  expect_error(model(6, {variable("w", {UINT32_MAX}, 1, "abcd", UINT32_MAX)}), 1, "cut off");
  expect_error(model(6, {variable("w", std::vector<uint32_t>(33, 1), 1, "a")}), 1, "33 dimensions");
  expect_error(model(6, {variable("w", {UINT32_MAX, UINT32_MAX, UINT32_MAX}, 1, "a")}), 1,
               "64 bits");
  expect_error(model(6, {variable("w", {}, 1, "a"), variable("w", {}, 1, "b")}), 1, "named 'w'");
  expect_error(model(6, {variable("\xff", {}, 1, "a")}), 1, "not UTF-8");
  expect_error(model(6, {variable(std::string("a\0b", 3), {}, 1, "a")}), 1, "no end");
  expect_error(model(6, {}, {{"a", "\xff"}}), 1, "not UTF-8");
  expect_error(model(6, {}, {{"a", "b"}, {"a", "c"}}), 1, "twice");
  // A file that declares 2^32 - 1 variables.
  std::string many = model(6, {});
  many.replace(many.size() - 8, 4, "\xff\xff\xff\xff");
  expect_error(many, 1, "a name has no end");
}

TEST_F(Ctranslate2Test, ListsAreHeldWithinTheLimit) {
  std::vector<std::string> variables;
  for (int i = 0; i < 10'000; ++i) variables.push_back(variable(std::to_string(i), {}, 1, "x"));
  const std::string path = write(model(6, variables));
  EXPECT_TOOL_ERROR(open_model(path, {.max_memory = 1 << 20}), 1, "its list of variables takes");
  EXPECT_EQ(open_model(path)->tensors().size(), 10'000u);
}

}  // namespace
}  // namespace dcf::tools::test
