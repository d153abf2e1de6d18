// SPDX-License-Identifier: Apache-2.0
#include "support/name_forms.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "base/bucket.h"
#include "codec/bit_writer.h"
#include "codec/huffman_streams.h"
#include "codec/stream.h"
#include "format/coded_names.h"

namespace dcf::impl::testing {
namespace {

void append_symbols(const Blob& symbols, const std::optional<codec::CodeLengths>& wanted,
                    Blob* out) {
  if (symbols.empty()) return;
  const Result<codec::CodeLengths> best = codec::optimal_code_lengths(codec::histogram_of(symbols));
  if (!best.ok()) {
    out->insert(out->end(), {1, symbols[0]});
    return;
  }
  const codec::CodeLengths& code = wanted ? *wanted : best.value();
  out->push_back(2);
  codec::append_code_lengths(code, out);
  codec::encode_huffman_streams(symbols, code, out);
}

}  // namespace

std::vector<std::string> names_of(const format::ManifestColumns& columns) {
  std::vector<std::string> names;
  size_t at = 0;
  for (const size_t length : columns.name_lengths) {
    const size_t size = std::min(length, columns.names.size() - at);
    names.emplace_back(columns.names.begin() + static_cast<ptrdiff_t>(at),
                       columns.names.begin() + static_cast<ptrdiff_t>(at + size));
    at += size;
  }
  return names;
}

Blob steps_of(const std::vector<std::string>& names) {
  Blob text;
  std::string before;
  for (const std::string& name : names) {
    size_t shared = 0;
    while (shared < std::min(before.size(), name.size()) && before[shared] == name[shared])
      ++shared;
    append_varint(&text, static_cast<uint32_t>(before.size() - shared));
    text.insert(text.end(), name.begin() + static_cast<ptrdiff_t>(shared), name.end());
    text.push_back(0);
    before = name;
  }
  return text;
}

CodedText predict(const Blob& text) {
  CodedText out;
  std::map<std::pair<uint8_t, uint8_t>, size_t> latest;  // of two bytes, the place behind them
  const auto enter = [&](size_t place) {
    if (place >= 2) latest[{text[place - 2], text[place - 1]}] = place;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const auto found = i < 2 ? latest.end() : latest.find({text[i - 2], text[i - 1]});
    if (found != latest.end()) {
      const size_t j = found->second;
      uint32_t m = 0;
      while (i + m < text.size() && text[i + m] == text[j + m]) ++m;
      out.numbers.push_back(m);
      for (uint32_t k = 0; k < m; ++k) enter(i + k);
      i += m;
    }
    if (i == text.size()) break;
    enter(i);
    out.literals.push_back(text[i]);
  }
  return out;
}

Blob coded_form(const CodedText& text, const std::optional<codec::CodeLengths>& code) {
  constexpr BucketCode kBuckets{7, 2};
  Blob out;
  append_varint(&out, static_cast<uint32_t>(text.literals.size()));
  append_varint(&out, static_cast<uint32_t>(text.numbers.size()));
  append_symbols(text.literals, code, &out);
  Blob symbols;
  Blob extra;
  codec::BitWriter bits(&extra);
  for (const uint32_t number : text.numbers) {
    symbols.push_back(static_cast<uint8_t>(kBuckets.symbol(number)));
    bits.put(number, kBuckets.extra_bits(symbols.back()));
  }
  bits.finish();
  append_symbols(symbols, std::nullopt, &out);
  out.insert(out.end(), extra.begin(), extra.end());
  return out;
}

Blob coded_form(const std::vector<std::string>& names) {
  return coded_form(predict(steps_of(names)));
}

void set_coded_names(FileParts* parts, const Blob& coded) {
  parts->header.features |= format::kCodedNames;
  parts->columns.coded_names = true;
  parts->columns.name_lengths.clear();
  parts->columns.names = coded;
}

void use_coded_names(FileParts* parts) {
  set_coded_names(parts, coded_form(names_of(parts->columns)));
}

void use_plain_names(FileParts* parts) {
  if (!format::expand_names(&parts->columns, Limits{}).ok()) std::abort();
  parts->header.features &= ~format::kCodedNames;
}

}  // namespace dcf::impl::testing
