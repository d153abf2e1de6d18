// SPDX-License-Identifier: Apache-2.0
#include "transposed_example.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "dcf/dcf.hpp"
#include "spec_dump.h"
#include "support/sample.h"

namespace dcf::example {
namespace {

// The view, a row in a line: a column of the tensor.
constexpr const char* kViewOfRows[] = {
    "a.a.b....aa........-.ab.a............aa.",
    ".a...aaab.......a..............c...a.a..",
    "........................................",
    "aa.a.ab.a..............-.......aa..a.abd",
};
constexpr size_t kViewRows = std::size(kViewOfRows);
constexpr size_t kViewCols = 40;

constexpr char kLetters[] = {'.', '-', 'a', 'b', 'c', 'd'};
constexpr uint16_t kWords[] = {0x0000, 0x8000, 0x3F00, 0xBF40, 0x3FC0, 0x3E80};  // bf16
constexpr const char* kMeanings[] = {"0", "-0", "0.5", "-0.75", "1.5", "0.25"};

constexpr unsigned kWidth = 16;
constexpr unsigned kT = 2;  // of the gaps' bucket code
constexpr unsigned kS = 1;
constexpr unsigned kSplitT = 8;  // of the split values
constexpr unsigned kSplitZ = 6;
constexpr unsigned kSplitBase = 125;
// t + 16 * s, signs; t, z, base, A - 1.
constexpr const char* kParams = "params 18 1 8 6 125 0 2";

uint16_t word_of(char letter) {
  return kWords[std::find(std::begin(kLetters), std::end(kLetters), letter) - kLetters];
}
char letter_of(uint16_t word) {
  const auto* const at = std::find(std::begin(kWords), std::end(kWords), word);
  return at == std::end(kWords) ? '?' : kLetters[at - kWords];
}

// A leaf of the tree of section 9.2, or the symbols below an inner node.
struct Leaf {
  std::vector<unsigned> symbols;
  unsigned depth;
  unsigned bits;
};

std::string list(const std::vector<unsigned>& numbers) {
  std::string out;
  for (const unsigned n : numbers) out += (out.empty() ? "" : " ") + dec(n);
  return out;
}

// Steps 1 and 2 of section 9.2.
std::vector<Leaf> leaves_of(const std::vector<Code>& codes) {
  std::map<unsigned, std::vector<unsigned>> by_length;
  for (const Code& code : codes) {
    by_length[static_cast<unsigned>(code.bits.size())].push_back(code.symbol);
  }
  std::vector<Leaf> leaves;
  for (const auto& [length, symbols] : by_length) {
    size_t begin = 0;
    for (unsigned b = length + 1; b-- > 0;) {
      const size_t size = size_t{1} << b;
      if ((symbols.size() & size) == 0) continue;
      leaves.push_back({{symbols.begin() + static_cast<ptrdiff_t>(begin),
                         symbols.begin() + static_cast<ptrdiff_t>(begin + size)},
                        length - b,
                        b});
      begin += size;
    }
  }
  std::stable_sort(leaves.begin(), leaves.end(),
                   [](const Leaf& a, const Leaf& b) { return a.depth < b.depth; });
  return leaves;
}

// Dumps the subtree of the leaves that are left, in the order of their codes, and returns its m
// symbols. `name` says where the node is.
std::vector<unsigned> dump_node(Dump* d, std::vector<Leaf>* leaves, unsigned depth, size_t m,
                                const std::string& name) {
  must(!leaves->empty(), "the tree has no leaf left");
  const std::string indent(2 * depth, ' ');
  Bits bits(d->here());
  if (leaves->front().depth == depth) {
    const Leaf leaf = leaves->front();
    leaves->erase(leaves->begin());
    std::vector<unsigned> symbols;
    for (size_t i = 0; i < m; ++i) symbols.push_back(leaf.symbols[bits.field(leaf.bits)]);
    const std::string what = indent + name + "leaf {" + list(leaf.symbols) + "}: ";
    if (bits.bytes() == 0) {
      d->comment(what + "no bytes");
    } else {
      d->line(bits.bytes(), what + dec(m) + " indices of " + dec(leaf.bits) + " bits");
    }
    return symbols;
  }
  std::vector<unsigned> right;
  for (size_t i = 0; i < m; ++i) right.push_back(bits.bit());
  const size_t ones = static_cast<size_t>(std::count(right.begin(), right.end(), 1u));
  const std::string what = indent + name + dec(m) + " bits, " + dec(ones) + " go right";
  if (m > 0) {
    d->line(bits.bytes(), what);
  } else {
    d->comment(what);
  }
  const std::vector<unsigned> lefts = dump_node(d, leaves, depth + 1, m - ones, "left, ");
  const std::vector<unsigned> rights = dump_node(d, leaves, depth + 1, ones, "right, ");
  std::vector<unsigned> out;
  size_t taken[2] = {};
  for (const unsigned side : right) out.push_back((side != 0 ? rights : lefts)[taken[side]++]);
  return out;
}

// A stream of mode huffman-tree.
std::vector<unsigned> dump_tree(Dump* d, const std::string& name, const std::vector<Code>& codes,
                                size_t n) {
  must(d->here()[0] == 3 && d->here()[1] < 0x80, "another mode");
  const size_t size = d->here()[1];
  d->line(2, name + ": mode huffman-tree, " + dec(n) + " symbols, " + dec(size) + " bytes");
  const size_t end = d->at() + size;
  std::vector<Leaf> leaves = leaves_of(codes);
  const std::vector<unsigned> symbols = dump_node(d, &leaves, 0, n, "");
  must(d->at() == end && leaves.empty(), "another length");
  return symbols;
}

// The numbers of each row in a line.
template <typename T>
void comment_rows(Dump* d, const std::vector<uint64_t>& rows, const std::vector<T>& values,
                  const std::string& what) {
  size_t at = 0;
  for (size_t row = 0; row < rows.size(); ++row) {
    if (rows[row] == 0) continue;
    std::string text = "row " + dec(row) + ", " + what + ":";
    for (uint64_t i = 0; i < rows[row]; ++i) text += " " + dec(values[at++]);
    d->comment(text);
  }
}

// The extra bits of a bucket stream (section 7.4). Returns its numbers.
std::vector<uint64_t> dump_extra_bits(Dump* d, const std::vector<unsigned>& symbols) {
  Bits bits(d->here());
  std::vector<uint64_t> numbers;
  for (const unsigned symbol : symbols) {
    const unsigned above = symbol < (1u << kT) ? 0 : symbol - (1u << kT);
    const unsigned width = symbol < (1u << kT) ? 0 : kT + (above >> kS) - kS;
    const uint64_t lead = (1u << kS) + above % (1u << kS);
    numbers.push_back(width == 0 && symbol < (1u << kT) ? symbol
                                                        : lead << width | bits.field(width));
  }
  must(bits.bytes() > 0, "no extra bits");
  d->line(bits.bytes(), "the extra bits of the gaps");
  return numbers;
}

void dump_rests(Dump* d, const std::vector<unsigned>& symbols, const std::vector<uint64_t>& rows) {
  const unsigned width = kWidth - kSplitT - kSplitZ;
  Bits bits(d->here());
  std::string letters;
  for (const unsigned symbol : symbols) {
    const auto rest = static_cast<unsigned>(bits.field(width));
    const unsigned rotated =
        (kSplitBase + symbol) << (kWidth - kSplitT) | (rest >> 1) << (1 + kSplitZ) | (rest & 1);
    letters += letter_of(static_cast<uint16_t>(rotated >> 1 | rotated << (kWidth - 1)));
  }
  d->line(bits.bytes(), dec(symbols.size()) + " rests of " + dec(width) + " bits, the sign lowest");
  size_t at = 0;
  for (size_t row = 0; row < rows.size(); at += rows[row++]) {
    if (rows[row] > 0) d->comment("row " + dec(row) + ", values: " + letters.substr(at, rows[row]));
  }
}

}  // namespace

std::vector<uint8_t> make_transposed_file() {
  using impl::testing::Sample;
  Sample s;
  s.name = "w";
  s.dtype = impl::DType::kBF16;
  s.dims = {kViewCols, kViewRows};
  s.view = {kViewCols, true};
  s.encoding.positions = impl::format::Positions::kGapBucket;
  s.encoding.bucket_t = kT;
  s.encoding.bucket_s = kS;
  s.encoding.signs = true;
  s.encoding.values = impl::format::Values::kSplit;
  s.encoding.split_t = kSplitT;
  s.huffman = impl::codec::HuffmanLayout::kTree;
  for (size_t column = 0; column < kViewCols; ++column) {
    for (const char* row : kViewOfRows) s.words.push_back(word_of(row[column]));
  }
  return impl::testing::make_file({s});
}

std::string transposed_dump(const std::vector<uint8_t>& file) {
  Dump d(file);
  const auto manifest_size = load<uint64_t>(&file[32]);
  d.line(64, "header: file_size " + dec(file.size()) + ", manifest_size " + dec(manifest_size));
  const std::vector<std::string> columns = dump_manifest_columns(&d, manifest_size);
  must(std::find(columns.begin(), columns.end(), kParams) != columns.end(), "other parameters");
  const std::vector<Code> count_codes = dump_table(&d, 1);
  const std::vector<Code> gap_codes = dump_table(&d, 2);
  const std::vector<Code> sign_codes = dump_table(&d, 3);
  const std::vector<Code> value_codes = dump_table(&d, 4);

  const std::vector<unsigned> counts = dump_tree(&d, "entries per row", count_codes, kViewRows);
  d.comment("rows of " + list(counts) + " entries; no extra bits, all are below 128");
  const std::vector<uint64_t> rows(counts.begin(), counts.end());
  const uint64_t entries = std::accumulate(rows.begin(), rows.end(), uint64_t{0});
  const std::vector<unsigned> gaps = dump_tree(&d, "gaps", gap_codes, entries);
  comment_rows(&d, rows, gaps, "symbols");
  comment_rows(&d, rows, dump_extra_bits(&d, gaps), "gaps");
  const std::vector<unsigned> values = dump_tree(&d, "values", value_codes, entries);
  comment_rows(&d, rows, values, "symbols");
  dump_rests(&d, values, rows);
  const uint64_t skipped = kViewRows * kViewCols - entries;
  const std::vector<unsigned> signs = dump_tree(&d, "signs", sign_codes, (skipped + 7) / 8);
  d.comment("sign bytes of " + dec(skipped) + " skipped elements: " + list(signs));
  return d.take();
}

std::string transposed_values(const std::vector<uint8_t>& bytes) {
  const File file = File::open(bytes).value();
  std::vector<uint16_t> words(kViewRows * kViewCols);
  file.tensor(0).value().decode_to(words.data(), 2 * words.size()).value();
  std::string out = "w, transposed  ";
  for (size_t i = 0; i < std::size(kLetters); ++i) {
    out.append(i == 0 ? "" : ", ").append(1, kLetters[i]).append(" = ").append(kMeanings[i]);
  }
  for (size_t row = 0; row < kViewRows; ++row) {
    out += "\n  ";
    for (size_t column = 0; column < kViewCols; ++column) {
      out += letter_of(words[column * kViewRows + row]);
    }
  }
  return out + "\n";
}

}  // namespace dcf::example
