// SPDX-License-Identifier: Apache-2.0
// The check of layouts finds what is wrong with one.
#include "reassemble.h"

#include <functional>

#include "formats/file_range.h"
#include "model_test_util.h"

namespace dcf::tools::test {
namespace {

// A file of 8 bytes, "abcdefgh", with a tensor "ab" and one "defg".
class TwoTensors final : public ModelSource {
 public:
  TwoTensors(const std::string& path, const std::function<void(FileLayout*)>& describe)
      : ModelSource(path, MemoryLimit()), file_(path) {
    tensors_ = {meta("ab", DCF_DTYPE_U8, {2}), meta("defg", DCF_DTYPE_U8, {4})};
    layout_.emplace("test");
    describe(&*layout_);
  }
  std::unique_ptr<TensorReader> open_tensor(size_t i) const override {
    return read_file_range(file_, i == 0 ? 0 : 3);
  }
  void with_file(size_t /*i*/, const UseFile& use) const override { use(file_); }

 private:
  InputFile file_;
};

std::string fault(const std::function<void(FileLayout*)>& segments) {
  const TempDir dir;
  return layout_fault(TwoTensors(dir.write("m", "abcdefgh"), [&](FileLayout* layout) {
    layout->begin_file("m", 8);
    segments(layout);
    layout->end_file();
  }));
}

TEST(Reassemble, AGoodLayout) {
  EXPECT_EQ(fault([](FileLayout* layout) {
              layout->tensor_at(0, 0, 2);
              layout->tensor_at(3, 1, 1);
              layout->tensor_at(4, 1, 3);
            }),
            "");
}

TEST(Reassemble, BlocksOfTwoTensors) {
  const std::vector<BlockPart> parts = {{.tensor = 0, .bytes = 1}, {.tensor = 1, .bytes = 2}};
  const TempDir dir;
  const TwoTensors source(dir.write("m", "abcdefgh"), [&](FileLayout* layout) {
    layout->begin_file("m", 8);
    layout->blocks_at(1, 2, parts);
    layout->end_file();
  });
  ASSERT_EQ(reassemble(source).size(), 1u);
  EXPECT_EQ(reassemble(source)[0].content, "aadebfgh");
  EXPECT_EQ(layout_fault(source), "file 'm' has other bytes");
}

TEST(Reassemble, BadLayouts) {
  EXPECT_EQ(fault([](FileLayout* layout) { layout->tensor_at(0, 0, 2); }),
            "tensor 'defg' is not used to its end");
  EXPECT_EQ(fault([](FileLayout* layout) {
              layout->tensor_at(0, 0, 2);
              layout->tensor_at(3, 1, 4);
              layout->tensor_at(7, 0, 1);
            }),
            "tensor 'ab' is used twice");
  EXPECT_EQ(fault([](FileLayout* layout) {
              layout->tensor_at(0, 0, 1);
              layout->tensor_at(3, 1, 4);
            }),
            "tensor 'defg' begins where another is used in part");
  EXPECT_EQ(fault([](FileLayout* layout) {
              layout->tensor_at(0, 0, 2);
              layout->tensor_at(2, 1, 4);
            }),
            "file 'm' has other bytes");
  EXPECT_EQ(fault([](FileLayout* layout) { layout->tensor_at(0, 0, 3); }),
            "tensor 'ab' is used beyond its end");
  EXPECT_EQ(fault([](FileLayout* layout) { layout->tensor_at(0, 2, 3); }),
            "a segment has a tensor that does not exist");
}

}  // namespace
}  // namespace dcf::tools::test
