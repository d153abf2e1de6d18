// SPDX-License-Identifier: Apache-2.0
// Types whose values are proofs: what would make one without its checks does not compile. The test
// is that this file does.
#include <gtest/gtest.h>

#include <type_traits>
#include <utility>

#include "codec/code_lengths.h"
#include "encode/content/tensor_input.h"
#include "model/chunk_reader.h"

namespace dcf::impl::api {
namespace {

template <typename T, typename... Parts>
concept MadeOf = std::is_constructible_v<T, Parts...> || requires(Parts... parts) { T{parts...}; };
// No member of a constant is one that can be assigned to.
template <typename T>
concept LetsPartsChange =
    requires(T proof) { proof->shape = {}; } || requires(T proof) { proof->tensors = {}; };

static_assert(!MadeOf<codec::CodeLengths> &&
              !MadeOf<codec::CodeLengths, std::array<uint8_t, codec::kMaxSymbols>>);
static_assert(!MadeOf<format::Manifest> && !MadeOf<format::Manifest, format::ManifestParts>);
static_assert(!MadeOf<model::DecodedChunk> && !MadeOf<model::DecodedChunk, model::ChunkParts>);
static_assert(!MadeOf<encode::CheckedInput> && !MadeOf<encode::CheckedInput, encode::TensorInput&,
                                                       encode::EncodeOptions&, encode::TensorSize>);
static_assert(!MadeOf<model::Model> && !MadeOf<model::Model, format::Manifest>);
static_assert(!LetsPartsChange<format::Manifest> && !LetsPartsChange<model::DecodedChunk>);

// The concepts see what they look for.
struct Open {
  int part;
};
struct Holder {
  format::ManifestParts* operator->();
};
static_assert(MadeOf<Open> && MadeOf<Open, int> && LetsPartsChange<Holder>);

TEST(Proofs, AreMadeByTheirChecksOnly) {
  EXPECT_FALSE(codec::make_code_lengths({}).ok());
}

}  // namespace
}  // namespace dcf::impl::api
