// SPDX-License-Identifier: Apache-2.0
// Whole streams of symbols (spec section 9) and of numbers in the bucket code (7.4): a mode byte,
// then its data. Decoding allocates nothing but the tables of a DecodeTable; encoding appends to a
// vector. All functions are pure.
#pragma once

#include "base/bucket.h"
#include "codec/decode_table.h"

namespace dcf::impl::codec {

enum class StreamMode : uint8_t { kStored = 0, kConstant = 1, kStreams = 2, kTree = 3 };

// Whether the stream that begins with this byte is Huffman-coded.
inline constexpr bool is_huffman(uint8_t mode) {
  return mode == static_cast<uint8_t>(StreamMode::kStreams) ||
         mode == static_cast<uint8_t>(StreamMode::kTree);
}

// Which Huffman layout an encoder may use.
enum class HuffmanLayout : uint8_t { kAuto, kStreams, kTree };

// With kAuto, planes of this many symbols and more are stored as a tree.
inline constexpr size_t kTreeSymbols = 4096;

// Scratch for decoding streams of up to n symbols, or of up to n numbers.
inline constexpr size_t stream_scratch_size(size_t n) {
  return tree_scratch_size(n);
}
inline constexpr size_t bucket_scratch_size(size_t n) {
  return n + tree_scratch_size(n);
}

// Decodes a stream of out.size() symbols (1..2^31) below `alphabet` (1..256) and takes exactly its
// bytes from `in`. `table` is null if the role has none. S-01 to S-07, and T-04 for a table with a
// symbol outside the alphabet. `out` is unspecified after a failure.
Status decode_stream(ByteReader* in, unsigned alphabet, const DecodeTable* table, MutableBytes out,
                     MutableBytes scratch);

// Decodes a bucket stream of out.size() numbers and its extra bits. The alphabet must be the one of
// `code` for numbers that fit T (uint32_t, uint64_t). Also S-02 for the extra bits.
template <typename T>
Status decode_bucket_stream(ByteReader* in, BucketCode code, unsigned alphabet,
                            const DecodeTable* table, std::span<T> out, MutableBytes scratch);

// The same where the symbols, all below `alphabet`, are decoded already: takes their extra bits.
template <typename T>
Status decode_bucket_numbers(ByteReader* in, BucketCode code, unsigned alphabet, Bytes symbols,
                             std::span<T> out);

Histogram histogram_of(Bytes symbols);

// Appends a stream of at least one symbol, all below `alphabet`, in its smallest form: constant if
// the symbols are equal, otherwise stored, or Huffman if `code` is given, has all symbols and is
// smaller.
void encode_stream(Bytes symbols, unsigned alphabet, const CodeLengths* code, HuffmanLayout layout,
                   std::vector<uint8_t>* out);

// The bytes of such a stream, without making it. Exact, except for huffman-streams, where the
// division of the bits in four is assumed to be even (a few bytes).
uint64_t stream_cost(const Histogram& histogram, unsigned alphabet, const CodeLengths* code,
                     HuffmanLayout layout);

// Sets as many symbols as there are numbers. InvalidArgument if one has none below `alphabet`.
template <typename T>
Status bucket_symbols(std::span<const T> numbers, BucketCode code, unsigned alphabet,
                      MutableBytes symbols);

// Appends the stream of bucket_symbols(numbers) and its extra bits.
template <typename T>
void encode_bucket_stream(std::span<const T> numbers, Bytes symbols, BucketCode bucket,
                          unsigned alphabet, const CodeLengths* code, HuffmanLayout layout,
                          std::vector<uint8_t>* out);
// The extra bits alone.
template <typename T>
void encode_bucket_extra(std::span<const T> numbers, Bytes symbols, BucketCode bucket,
                         unsigned alphabet, std::vector<uint8_t>* out);

// The bytes of the extra bits of a bucket stream with this histogram of symbols.
uint64_t bucket_extra_size(const Histogram& histogram, BucketCode code);

}  // namespace dcf::impl::codec
