// SPDX-License-Identifier: Apache-2.0
#include "golden_invalid_names.h"

#include "support/name_forms.h"

namespace dcf::impl::testing {

void make_invalid_names(InvalidFiles* out) {
  std::vector<Sample> samples;
  const std::vector<std::string> names = {"a.bias", "a.weight", "b.bias", "b.weight"};
  for (const std::string& name : names) {
    Sample s;
    s.name = name;
    s.dtype = DType::kU8;
    s.dims = {1};
    s.words = {samples.size()};
    samples.push_back(s);
  }
  const FileParts plain = make_parts(samples);
  const auto form = [&](const std::string& name, const char* rule, const Blob& coded) {
    FileParts parts = plain;
    set_coded_names(&parts, coded);
    out->add("coded_names_" + name, rule, assemble(parts));
  };
  const Blob right = coded_form(names);
  FileParts with_lengths = plain;
  set_coded_names(&with_lengths, right);
  with_lengths.columns.name_lengths = plain.columns.name_lengths;
  out->add("coded_names_with_lengths", "M-17", assemble(with_lengths));
  form("cut_off", "M-17", Blob(right.begin(), right.end() - 1));
  Blob more = right;
  more.push_back(0);
  form("left_over", "M-17", more);
  more = right;
  more[2] = 0;
  form("stored", "M-17", more);
  form("of_three_tensors", "M-17", coded_form({"a.bias", "a.weight", "b.bias"}));
  form("of_five_tensors", "M-17", coded_form({"a", "a.bias", "a.weight", "b.bias", "b.weight"}));

  const CodedText text = predict(steps_of(names));
  CodedText other = text;
  other.numbers.push_back(0);
  form("unused_number", "M-17", coded_form(other));
  other = text;
  --other.numbers.back();
  other.literals.push_back(0);
  form("short_number", "M-18", coded_form(other));
  codec::Histogram even = codec::histogram_of(text.literals);
  for (uint64_t& count : even) count = count != 0 ? 1 : 0;
  form("another_code", "M-18", coded_form(text, codec::optimal_code_lengths(even).take()));

  const auto steps = [&](const char* name, const char* rule, std::string_view more_steps) {
    Blob all = steps_of({"a.bias", "a.weight", "b.bias"});
    all.insert(all.end(), more_steps.begin(), more_steps.end());
    form(name, rule, coded_form(predict(all)));
  };
  using namespace std::string_view_literals;
  steps("byte_put_back", "M-18", "\5.weight\0"sv);
  steps("drop_too_much", "M-17", "\7c\0"sv);
  steps("long_varint", "M-17", "\x84\0weight\0"sv);
  form("not_sorted", "M-04", coded_form({"a.weight", "a.bias", "b.bias", "b.weight"}));
  form("not_utf8", "M-04", coded_form({"a.bias", "a.weight", "b.bias", "b.\xFF"}));
  form("of_4097_bytes", "M-04",
       coded_form({"a.bias", "a.weight", "b.bias", std::string(4097, 'n')}));
  other = text;
  other.numbers.back() = 0x7F000000;
  form("claimed_memory", "L-01", coded_form(other));
}

}  // namespace dcf::impl::testing
