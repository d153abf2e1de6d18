// SPDX-License-Identifier: Apache-2.0
// The worked examples in the spec are what the writers write, and decode to the values they state.
#include "spec_example.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "support/test_paths.h"
#include "transposed_example.h"

namespace dcf::example {
namespace {

std::string part_of_spec(const std::string& name) {
  std::ifstream in(std::string(DCF_SOURCE_DIR) + "/spec/dcf-format.md");
  const std::string spec{std::istreambuf_iterator<char>(in), {}};
  const Part part = find_part(spec, name);
  EXPECT_NE(part.end, std::string::npos) << name;
  return part.end == std::string::npos ? "" : spec.substr(part.begin, part.end - part.begin);
}

constexpr const char* kRegenerate = "the target regenerate_spec_example writes the examples anew";

TEST(SpecExample, DumpIsWhatTheLibraryWrites) {
  EXPECT_EQ(part_of_spec("dump"), dump(make_file())) << kRegenerate;
}

TEST(SpecExample, BytesOfTheDumpDecodeToTheValuesOfTheText) {
  const std::vector<uint8_t> file = bytes_of(part_of_spec("dump"));
  ASSERT_EQ(file, make_file());
  EXPECT_EQ(part_of_spec("values"), values(file)) << kRegenerate;
}

TEST(SpecExample, TransposedDumpIsWhatThePlainWriterWrites) {
  EXPECT_EQ(part_of_spec("transposed dump"), transposed_dump(make_transposed_file()))
      << kRegenerate;
}

TEST(SpecExample, BytesOfTheTransposedDumpDecodeToTheValuesOfTheText) {
  const std::vector<uint8_t> file = bytes_of(part_of_spec("transposed dump"));
  ASSERT_EQ(file, make_transposed_file());
  EXPECT_EQ(part_of_spec("transposed values"), transposed_values(file)) << kRegenerate;
}

}  // namespace
}  // namespace dcf::example
