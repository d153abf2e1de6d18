// SPDX-License-Identifier: Apache-2.0
// Types whose values are proofs: what would make one without its checks does not compile. The test
// is that this file does.
#include <gtest/gtest.h>

#include <type_traits>
#include <utility>

#include "codec/code_lengths.h"
#include "encode/tensor_input.h"
#include "model/chunk_reader.h"

namespace dcf::impl {
namespace {

template <typename T, typename... Parts>
concept MadeOf = std::is_constructible_v<T, Parts...> || requires(Parts... parts) { T{parts...}; };
// No member of a constant is one that can be assigned to.
template <typename T>
concept LetsPartsChange =
    requires(T proof) { proof->shape = {}; } || requires(T proof) { proof->tensors = {}; };

static_assert(!MadeOf<CodeLengths> && !MadeOf<CodeLengths, std::array<uint8_t, kMaxSymbols>>);
static_assert(!MadeOf<Manifest> && !MadeOf<Manifest, ManifestParts>);
static_assert(!MadeOf<DecodedChunk> && !MadeOf<DecodedChunk, ChunkParts>);
static_assert(!MadeOf<CheckedInput> &&
              !MadeOf<CheckedInput, TensorInput&, EncodeOptions&, TensorSize>);
static_assert(!MadeOf<Model> && !MadeOf<Model, Manifest>);
static_assert(!LetsPartsChange<Manifest> && !LetsPartsChange<DecodedChunk>);

// The concepts see what they look for.
struct Open {
  int part;
};
struct Holder {
  ManifestParts* operator->();
};
static_assert(MadeOf<Open> && MadeOf<Open, int> && LetsPartsChange<Holder>);

TEST(Proofs, AreMadeByTheirChecksOnly) {
  EXPECT_FALSE(make_code_lengths({}).ok());
}

}  // namespace
}  // namespace dcf::impl
