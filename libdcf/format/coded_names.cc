// SPDX-License-Identifier: Apache-2.0
#include "format/coded_names.h"

#include <algorithm>
#include <memory>

#include "base/bucket.h"
#include "base/checked.h"
#include "codec/bit_writer.h"
#include "codec/huffman_streams.h"
#include "codec/package_merge.h"
#include "codec/stream.h"
#include "format/canonical_message.h"

namespace dcf::impl::format {
namespace {

constexpr uint64_t kTextLimit = uint64_t{1} << 31;  // the text is shorter
constexpr BucketCode kNumberBuckets = kIntBuckets;
constexpr unsigned kNumberAlphabet = kNumberBuckets.alphabet(32);

Status bad(const char* message) {
  return fail(Code::BadManifest, "M-17", message);
}
Status not_canonical(const char* message) {
  return fail(Code::NonCanonical, "M-18", message);
}
Status too_large() {
  return fail(Code::LimitMemory, "L-01", "the names of the tensors take more than the limit");
}

// The predictions of a text. Places are entered in order, each with the two bytes before it; the
// table has a row and a column for each byte value that the text has.
class Predictions {
 public:
  // `present[b]` is not 0 where the text has the byte b.
  explicit Predictions(const codec::Histogram& present) {
    for (unsigned b = 0; b < codec::kMaxSymbols; ++b) {
      if (present[b] != 0) rank_[b] = values_++;
    }
    latest_.resize(size_t{values_} * values_);
  }
  // The bytes that the table of a text with so many byte values takes.
  static uint64_t memory(uint64_t values) { return values * values * sizeof(uint32_t); }

  // The latest place entered with the two bytes before the next place; 0: none.
  uint32_t predict() const { return place_ < 2 ? 0 : latest_[context_]; }
  // Enters the next place, which holds `byte`.
  void enter(uint8_t byte) {
    if (place_ >= 2) latest_[context_] = place_;
    ++place_;
    context_ = size_t{last_} * values_ + rank_[byte];
    last_ = rank_[byte];
  }

 private:
  std::array<uint16_t, codec::kMaxSymbols> rank_{};
  std::vector<uint32_t> latest_;
  size_t context_ = 0;  // of the next place
  uint32_t place_ = 0;
  uint16_t last_ = 0;  // rank of the byte before the next place
  uint16_t values_ = 0;
};

// ---- Writing ----------------------------------------------------------------------------------

std::vector<uint8_t> text_of(Bytes names, std::span<const uint16_t> lengths) {
  std::vector<uint8_t> text;
  text.reserve(names.size() / 4 + 4 * lengths.size());
  Bytes before;
  size_t at = 0;
  for (const uint16_t length : lengths) {
    const Bytes name = names.subspan(at, length);
    at += length;
    const auto shared = std::mismatch(before.begin(), before.end(), name.begin(), name.end());
    append_varint(&text, static_cast<uint32_t>(before.end() - shared.first));
    text.insert(text.end(), shared.second, name.end());
    text.push_back(0);
    before = name;
  }
  return text;
}

// A stream of symbols with a table of its own; nothing for no symbols.
void append_stream(Bytes symbols, std::vector<uint8_t>* out) {
  if (symbols.empty()) return;
  const Result<codec::CodeLengths> code = codec::optimal_code_lengths(codec::histogram_of(symbols));
  if (!code.ok()) {  // one symbol alone
    out->insert(out->end(), {static_cast<uint8_t>(codec::StreamMode::kConstant), symbols[0]});
    return;
  }
  out->push_back(static_cast<uint8_t>(codec::StreamMode::kStreams));
  codec::append_code_lengths(code.value(), out);
  codec::encode_huffman_streams(symbols, code.value(), out);
}

}  // namespace

std::vector<uint8_t> code_names(Bytes names, std::span<const uint16_t> lengths) {
  const std::vector<uint8_t> text = text_of(names, lengths);
  if (text.size() >= kTextLimit) return {};
  std::vector<uint8_t> literals;
  std::vector<uint32_t> numbers;
  Predictions predictions(codec::histogram_of(text));
  for (size_t at = 0; at < text.size(); ++at) {
    if (size_t from = predictions.predict(); from != 0) {
      const size_t start = at;
      for (; at < text.size() && text[at] == text[from]; ++at, ++from) predictions.enter(text[at]);
      numbers.push_back(static_cast<uint32_t>(at - start));
      if (at == text.size()) break;
    }
    literals.push_back(text[at]);
    predictions.enter(text[at]);
  }
  std::vector<uint8_t> out;
  append_varint(&out, static_cast<uint32_t>(literals.size()));
  append_varint(&out, static_cast<uint32_t>(numbers.size()));
  append_stream(literals, &out);
  std::vector<uint8_t> symbols;
  symbols.reserve(numbers.size());
  for (const uint32_t number : numbers)
    symbols.push_back(static_cast<uint8_t>(kNumberBuckets.symbol(number)));
  append_stream(symbols, &out);
  codec::BitWriter extra(&out);
  for (size_t i = 0; i < numbers.size(); ++i)
    extra.put(numbers[i], kNumberBuckets.extra_bits(symbols[i]));
  extra.finish();
  return out;
}

// ---- Reading ----------------------------------------------------------------------------------

namespace {

Status read_stream(ByteReader* in, unsigned alphabet, MutableBytes out) {
  if (out.empty()) return ok_status();
  uint8_t mode;
  uint8_t symbol;
  if (!in->read_u8(&mode)) return bad("the coded names end too early");
  if (mode == static_cast<uint8_t>(codec::StreamMode::kConstant)) {
    if (!in->read_u8(&symbol)) return bad("the coded names end too early");
    std::fill(out.begin(), out.end(), symbol);
  } else if (mode == static_cast<uint8_t>(codec::StreamMode::kStreams)) {
    const Result<codec::CodeLengths> code = codec::parse_code_lengths(in);
    if (!code.ok()) return bad("a table of the coded names is invalid");
    const auto table = std::make_unique<codec::StreamsTable>();
    codec::build_streams_table(code.value(), out.size(), table.get());
    if (!codec::decode_huffman_streams(in, *table, out).ok())
      return bad("a stream of the coded names is invalid");
    const Result<codec::CodeLengths> best = codec::optimal_code_lengths(codec::histogram_of(out));
    if (!best.ok() || best.value() != code.value())
      return not_canonical("a table of the coded names is not the one of its stream");
  } else {
    return bad("a stream of the coded names has a mode that none can have");
  }
  if (*std::max_element(out.begin(), out.end()) >= alphabet)
    return bad("a stream of the coded names has a symbol outside its alphabet");
  return ok_status();
}

class NameDecoder {
 public:
  NameDecoder(const ManifestColumns& columns, const Limits& limits)
      : in_(columns.names),
        count_(columns.dtypes.size()),
        message_(CanonicalMessage(columns).bytes()),
        held_(column_bytes(columns)),
        limits_(limits) {}

  Status run(std::vector<uint8_t>* names, std::vector<uint16_t>* lengths) {
    DCF_TRY(read_text());
    DCF_TRY(take(count_ * sizeof(uint16_t)));
    uint64_t bytes = 0;
    DCF_TRY(read_lengths(lengths, &bytes));
    if (bytes > max_unpacked_manifest(limits_) ||
        message_ + count_ * sizeof(uint16_t) > max_unpacked_manifest(limits_) - bytes) {
      return too_large();
    }
    DCF_TRY(take(bytes));
    return read_names(bytes, *lengths, names);
  }

 private:
  // Whether there is room for more memory, beside what is held (L-01).
  Status take(uint64_t bytes) {
    held_ += bytes;
    return held_ > limits_.max_memory ? too_large() : ok_status();
  }

  Status read_text() {
    uint32_t literal_count;
    uint32_t number_count;
    if (!in_.read_varint(&literal_count) || !in_.read_varint(&number_count))
      return bad("the coded names end too early");
    // A number stands at a prediction, and the first three bytes of a text have none.
    if (number_count > literal_count) return bad("the coded names have too many numbers");
    const uint64_t before = held_;
    DCF_TRY(take(sizeof(codec::StreamsTable) + uint64_t{literal_count} + number_count));
    std::vector<uint8_t> literals(literal_count);
    DCF_TRY(read_stream(&in_, codec::kMaxSymbols, literals));
    std::vector<uint8_t> symbols(number_count);
    DCF_TRY(read_stream(&in_, kNumberAlphabet, symbols));
    uint64_t bits = 0;
    for (const uint8_t symbol : symbols) bits += kNumberBuckets.extra_bits(symbol);
    Bytes extra;
    if (!in_.read_bytes(ceil_div(bits, 8), &extra) || in_.remaining() != 0)
      return bad("the coded names do not end where their numbers do");
    codec::BitReader reader(extra);
    uint64_t size = literal_count;
    for (const uint8_t symbol : symbols)
      size += kNumberBuckets.base(symbol) + reader.read(kNumberBuckets.extra_bits(symbol));
    if (!reader.padding_is_zero()) return bad("the padding of the coded names is not zero");
    if (size >= kTextLimit) return bad("the text of the coded names is too long");
    // Every byte value of a text has a literal: its first occurrence.
    const codec::Histogram present = codec::histogram_of(literals);
    const auto values = static_cast<uint64_t>(codec::kMaxSymbols) -
                        static_cast<uint64_t>(std::count(present.begin(), present.end(), 0));
    DCF_TRY(take(Predictions::memory(values) + size));
    DCF_TRY(fill_text(literals, symbols, extra, Predictions(present), size));
    held_ = before + size;
    return ok_status();
  }

  Status fill_text(Bytes literals, Bytes symbols, Bytes extra, Predictions predictions,
                   uint64_t size) {
    text_.resize(size);
    codec::BitReader bits(extra);
    size_t number = 0;
    size_t literal = 0;
    for (size_t at = 0; at < size;) {
      size_t from = predictions.predict();
      const bool predicted = from != 0;
      if (predicted) {
        if (number == symbols.size()) return bad("the coded names have too few numbers");
        const unsigned symbol = symbols[number++];
        const uint64_t run =
            kNumberBuckets.base(symbol) + bits.read(kNumberBuckets.extra_bits(symbol));
        if (run > size - at) return bad("a number of the coded names is too large");
        for (const size_t end = at + run; at < end; ++at, ++from) {
          text_[at] = text_[from];
          predictions.enter(text_[at]);
        }
        if (at == size) break;
      }
      if (literal == literals.size()) return bad("the coded names have too few literals");
      if (predicted && literals[literal] == text_[from])
        return not_canonical("a number of the coded names is too small");
      text_[at++] = literals[literal];
      predictions.enter(literals[literal++]);
    }
    // Literals and numbers add up to the size, so that what is left over is zeros.
    return number == symbols.size() ? ok_status() : bad("the coded names have too many numbers");
  }

  struct Step {
    uint32_t dropped = 0;  // bytes at the end of the name before
    Bytes rest;
  };
  // Reads the step at *at, which is before the end of a text that ends in zero. *at becomes null if
  // no step is there.
  Step read_step(const uint8_t** at) const {
    const uint8_t* p = *at;
    *at = nullptr;
    Step step;
    step.dropped = *p++;
    if (step.dropped >= 0x80) {  // at most two bytes, as no name has 2^14 bytes
      if (*p == 0 || *p >= 0x80) return step;
      step.dropped = (step.dropped & 0x7F) | uint32_t{*p++} << 7;
    }
    if (p == text_.data() + text_.size()) return step;
    const uint8_t* const rest = p;
    while (*p != 0) ++p;
    step.rest = Bytes(rest, p);
    *at = p + 1;
    return step;
  }

  // The lengths of the names, and their sum.
  Status read_lengths(std::vector<uint16_t>* lengths, uint64_t* sum) const {
    if (!text_.empty() && text_.back() != 0) return bad("the steps of the names end too early");
    lengths->resize(count_);
    const uint8_t* at = text_.data();
    const uint8_t* const end = at + text_.size();
    uint64_t length = 0;
    for (uint16_t& out : *lengths) {
      if (at == end) return bad("the names are fewer than the tensors");
      const Step step = read_step(&at);
      if (at == nullptr) return bad("a step of the names is cut off");
      if (step.dropped > length) return bad("a step drops more bytes than the name before has");
      length += step.rest.size() - step.dropped;
      if (length > kMaxNameBytes)
        return fail(Code::BadManifest, "M-04", "a tensor name is too long");
      out = static_cast<uint16_t>(length);
      *sum += length;
    }
    return at == end ? ok_status() : bad("the names are more than the tensors");
  }

  // The names, whose steps read_lengths() has checked.
  Status read_names(uint64_t bytes, std::span<const uint16_t> lengths,
                    std::vector<uint8_t>* names) const {
    names->resize(bytes);
    const uint8_t* at = text_.data();
    const uint8_t* before = names->data();
    uint8_t* name = names->data();
    for (const uint16_t length : lengths) {
      const Step step = read_step(&at);
      const auto kept = static_cast<size_t>(name - before) - step.dropped;
      if (step.dropped != 0 && !step.rest.empty() && step.rest[0] == before[kept])
        return not_canonical("a step drops a byte that it puts back");
      std::copy_n(before, kept, name);
      std::copy(step.rest.begin(), step.rest.end(), name + kept);
      before = name;
      name += length;
    }
    return ok_status();
  }

  ByteReader in_;
  const uint64_t count_;
  const uint64_t message_;  // bytes of the message
  uint64_t held_;           // bytes of memory
  const Limits& limits_;
  std::vector<uint8_t> text_;
};

}  // namespace

Status expand_names(ManifestColumns* columns, const Limits& limits) {
  if (!columns->coded_names) return ok_status();
  if (!columns->name_lengths.empty()) return bad("coded names have a column of lengths");
  if (columns->dtypes.size() > limits.max_tensors)
    return fail(Code::LimitCount, "L-03", "there are more tensors than max_tensors");
  std::vector<uint8_t> names;
  DCF_TRY(NameDecoder(*columns, limits).run(&names, &columns->name_lengths));
  columns->names = std::move(names);
  columns->coded_names = false;
  return ok_status();
}

}  // namespace dcf::impl::format
