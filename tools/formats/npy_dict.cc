// SPDX-License-Identifier: Apache-2.0
#include "formats/npy_dict.h"

#include <charconv>
#include <optional>
#include <utility>

#include "formats/dtype_table.h"
#include "formats/error.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

class DictParser {
 public:
  DictParser(const std::string& where, std::string_view text) : where_(where), rest_(text) {}

  NpyHeader parse() {
    expect('{');
    while (!take('}')) {
      const std::string_view key = string();
      expect(':');
      member(key);
      if (take('}')) break;
      expect(',');
    }
    skip_spaces();
    if (!rest_.empty() && rest_ != "\n") fail();
    if (!descr_ || !fortran_order_ || !shape_) fail();

    NpyHeader header;
    header.fortran_order = *fortran_order_;
    apply_descr(&header);
    header.meta = make_meta(where_, {}, header.meta.dtype, std::move(*shape_));
    return header;
  }

 private:
  [[noreturn]] void fail() const { throw_invalid(where_, "has a malformed npy header"); }

  void skip_spaces() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
  }
  bool take(char c) {
    skip_spaces();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail();
  }
  bool take_word(std::string_view word) {
    skip_spaces();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::string_view string() {
    skip_spaces();
    const char quote_mark = rest_.empty() ? '\0' : rest_.front();
    if (quote_mark != '\'' && quote_mark != '"') fail();
    const size_t end = rest_.find(quote_mark, 1);
    if (end == std::string_view::npos) fail();
    const std::string_view value = rest_.substr(1, end - 1);
    if (value.find('\\') != std::string_view::npos) fail();
    rest_.remove_prefix(end + 1);
    return value;
  }

  uint64_t number() {
    skip_spaces();
    uint64_t value = 0;
    const char* const end = rest_.data() + rest_.size();
    const auto [stop, error] = std::from_chars(rest_.data(), end, value);
    if (error == std::errc::result_out_of_range) {
      throw_invalid(where_, "has a dimension that does not fit into 64 bits");
    }
    if (error != std::errc()) fail();
    rest_.remove_prefix(static_cast<size_t>(stop - rest_.data()));
    take_word("L");  // Python 2 wrote its long integers so
    return value;
  }

  std::vector<uint64_t> tuple() {
    std::vector<uint64_t> values;
    expect('(');
    while (!take(')')) {
      values.push_back(number());
      if (values.size() > DCF_MAX_RANK) {
        throw_invalid(where_, "has more than " + std::to_string(DCF_MAX_RANK) + " dimensions");
      }
      if (take(',')) continue;
      if (values.size() == 1) fail();  // (3) is a number, not a tuple
      expect(')');
      break;
    }
    return values;
  }

  void member(std::string_view key) {
    if (key == "descr" && !descr_) {
      skip_spaces();
      if (rest_.starts_with('[')) {
        throw_failure(where_, "is a structured array, which is not supported");
      }
      descr_ = string();
    } else if (key == "fortran_order" && !fortran_order_) {
      if (take_word("True")) {
        fortran_order_ = true;
      } else if (take_word("False")) {
        fortran_order_ = false;
      } else {
        fail();
      }
    } else if (key == "shape" && !shape_) {
      shape_ = tuple();
    } else {
      fail();
    }
  }

  void apply_descr(NpyHeader* header) const {
    std::string_view type = *descr_;
    const char order = type.empty() ? '\0' : type.front();
    if (order == '<' || order == '>' || order == '|' || order == '=') type.remove_prefix(1);
    if (type.starts_with('O')) {
      throw_failure(where_, "holds Python objects (a pickle), which are never executed here");
    }
    const DtypeEntry* entry = find_numpy_dtype(type);
    if (entry == nullptr) {
      throw_failure(where_, "has the NumPy dtype " + quote(*descr_) + ", which is not supported");
    }
    header->big_endian = order == '>';
    header->meta.dtype = entry->dtype;
  }

  const std::string& where_;
  std::string_view rest_;
  std::optional<std::string_view> descr_;
  std::optional<bool> fortran_order_;
  std::optional<std::vector<uint64_t>> shape_;
};

}  // namespace

NpyHeader parse_npy_dict(const std::string& where, std::string_view text) {
  return DictParser(where, text).parse();
}

}  // namespace dcf::tools
