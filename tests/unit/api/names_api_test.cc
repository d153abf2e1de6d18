// SPDX-License-Identifier: Apache-2.0
// What the C ABI tells in words: version, names of statuses and enums, names of opaque dtypes,
// metadata.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "written_file.h"

namespace dcf::api_test {
namespace {

TEST(NamesApi, TheVersionIsThatOfTheHeader) {
  EXPECT_EQ(dcf_version_number(),
            DCF_VERSION_MAJOR * 10000u + DCF_VERSION_MINOR * 100u + DCF_VERSION_PATCH);
  EXPECT_EQ(dcf_version_string(), std::to_string(DCF_VERSION_MAJOR) + "." +
                                      std::to_string(DCF_VERSION_MINOR) + "." +
                                      std::to_string(DCF_VERSION_PATCH));
}

TEST(NamesApi, EveryStatusHasANameASentenceAndAClass) {
  std::set<std::string> names;
  size_t statuses = 0;
#define DCF_CHECK_STATUS(name, constant, number, cls, sentence)               \
  EXPECT_STREQ(dcf_status_name(DCF_STATUS_##constant), #name);                \
  EXPECT_STREQ(dcf_status_sentence(DCF_STATUS_##constant), sentence);         \
  EXPECT_EQ(dcf_status_class(DCF_STATUS_##constant), DCF_STATUS_CLASS_##cls); \
  names.insert(dcf_status_name(DCF_STATUS_##constant));                       \
  ++statuses;
  DCF_STATUS_LIST(DCF_CHECK_STATUS)
#undef DCF_CHECK_STATUS
  EXPECT_EQ(names.size(), statuses);
  const auto none = static_cast<dcf_status>(9999);
  EXPECT_STREQ(dcf_status_name(none), "Unknown");
  EXPECT_GT(std::string(dcf_status_sentence(none)).size(), 0u);
  EXPECT_EQ(dcf_status_class(none), DCF_STATUS_CLASS_INTERNAL);
}

TEST(NamesApi, EnumsHaveNames) {
  EXPECT_STREQ(dcf_dtype_name(DCF_DTYPE_BF16), "bf16");
  EXPECT_EQ(dcf_dtype_bits(DCF_DTYPE_BF16), 16u);
  EXPECT_EQ(dcf_dtype_bits(DCF_DTYPE_OPAQUE), 0u);
  EXPECT_STREQ(dcf_positions_name(DCF_POSITIONS_GAP_BUCKET), "gap-bucket");
  EXPECT_STREQ(dcf_positions_name(DCF_POSITIONS_CLASSES), "classes");
  EXPECT_STREQ(dcf_values_name(DCF_VALUES_PALETTE), "palette");
  EXPECT_STREQ(dcf_values_name(DCF_VALUES_DICTIONARY), "dictionary");
  EXPECT_STREQ(dcf_values_name(DCF_VALUES_CLASS_SPLIT), "class-split");
  EXPECT_STREQ(dcf_values_name(DCF_VALUES_TRELLIS), "trellis");
  EXPECT_GT(std::string(dcf_fidelity_name(DCF_FIDELITY_BIT_EXACT)).size(), 0u);
}

TEST(NamesApi, NumbersWithoutAMeaningHaveEmptyNames) {
  for (const uint32_t number : {99u, 254u, 0x7fffffffu, 0xffffffffu}) {
    EXPECT_STREQ(dcf_dtype_name(static_cast<dcf_dtype>(number)), "");
    EXPECT_EQ(dcf_dtype_bits(static_cast<dcf_dtype>(number)), 0u);
    EXPECT_STREQ(dcf_positions_name(static_cast<dcf_positions>(number)), "");
    EXPECT_STREQ(dcf_values_name(static_cast<dcf_values>(number)), "");
    EXPECT_STREQ(dcf_fidelity_name(static_cast<dcf_fidelity>(number)), "");
  }
}

TEST(NamesApi, OpaqueNamesAndMetadataComeBack) {
  const std::vector<uint64_t> dims = {3};
  const WrittenFile file([&](dcf_writer* writer, dcf_error* error) {
    dcf_tensor_spec spec = spec_of("q", DCF_DTYPE_OPAQUE, dims);
    const std::string name = "q4_0";
    spec.opaque_bits = 8;
    spec.opaque_name = name.data();
    spec.opaque_name_size = name.size();
    const uint8_t data[3] = {1, 2, 3};
    dcf_status status = dcf_writer_add_dense(writer, &spec, data, sizeof data, nullptr, error);
    if (status != DCF_OK) return status;
    spec = spec_of("u", DCF_DTYPE_U8, dims);
    status = dcf_writer_add_dense(writer, &spec, data, sizeof data, nullptr, error);
    if (status != DCF_OK) return status;
    return dcf_writer_add_metadata(writer, "key", 3, "a\0b", 3, error);
  });
  EXPECT_STREQ(dcf_tensor_opaque_name(file.get(), file.index("q")), "q4_0");
  EXPECT_STREQ(dcf_tensor_opaque_name(file.get(), file.index("u")), "");
  EXPECT_STREQ(dcf_tensor_opaque_name(file.get(), 99), "");
  EXPECT_STREQ(dcf_tensor_opaque_name(nullptr, 0), "");

  const char* key = nullptr;
  const char* value = nullptr;
  size_t key_size = 0;
  size_t value_size = 0;
  ASSERT_EQ(dcf_metadata_at(file.get(), 0, &key, &key_size, &value, &value_size, nullptr), DCF_OK);
  EXPECT_EQ(std::string(key, key_size), "key");
  EXPECT_EQ(std::string(value, value_size), std::string("a\0b", 3));
  EXPECT_EQ(key[key_size], '\0');
  EXPECT_EQ(value[value_size], '\0');
  EXPECT_EQ(dcf_metadata_at(file.get(), 0, nullptr, nullptr, nullptr, nullptr, nullptr), DCF_OK);
  EXPECT_NE(dcf_metadata_at(file.get(), 1, &key, &key_size, &value, &value_size, nullptr), DCF_OK);
  EXPECT_EQ(key, nullptr);
  EXPECT_EQ(value, nullptr);
  EXPECT_EQ(key_size, 0u);
  EXPECT_EQ(value_size, 0u);
}

TEST(NamesApi, AnIndexThatIsNotFoundIsNone) {
  const WrittenFile file([](dcf_writer*, dcf_error*) { return DCF_OK; });
  size_t index = 7;
  EXPECT_EQ(dcf_tensor_find(file.get(), "x", 1, &index, nullptr), DCF_STATUS_NOT_FOUND);
  EXPECT_EQ(index, DCF_NO_INDEX);
}

}  // namespace
}  // namespace dcf::api_test
