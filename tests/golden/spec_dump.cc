// SPDX-License-Identifier: Apache-2.0
// The annotated dump of the worked example. It reads the bytes as a stranger would, with nothing of
// the library, so that the text is not the library's own opinion of its output.
#include <bit>
#include <cstdio>
#include <cstring>

#include "spec_example.h"

namespace dcf::example {
namespace {

template <typename T>
T load(const uint8_t* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

std::string dec(uint64_t value) {
  return std::to_string(value);
}

class Dump {
 public:
  explicit Dump(const std::vector<uint8_t>& file) : file_(file) {}

  const uint8_t* here() const { return &file_[at_]; }
  size_t at() const { return at_; }

  // The next n bytes and what they are.
  void line(size_t n, const std::string& note) {
    must(n > 0 && at_ + n <= file_.size(), "the file ends inside the example");
    for (size_t i = 0; i < n; ++i, ++at_) {
      if (i % kBytesPerLine == 0) text_ += start_of_line(i == 0 ? "" : "\n");
      char hex[8];
      std::snprintf(hex, sizeof hex, " %02x", file_[at_]);
      text_ += hex;
      if (!note.empty() && i == std::min(n, kBytesPerLine) - 1) {
        text_.append(3 * (kBytesPerLine - 1 - i) + 2, ' ').append(note);
      }
    }
    text_ += '\n';
  }
  void comment(const std::string& note) {
    text_.append(3 * kBytesPerLine + 6, ' ').append(note) += '\n';
  }
  std::string take() {
    must(at_ == file_.size(), "the example does not end with the file");
    return std::move(text_);
  }

 private:
  std::string start_of_line(const char* before) const {
    char offset[16];
    std::snprintf(offset, sizeof offset, "%s%04zx", before, at_);
    return offset;
  }

  const std::vector<uint8_t>& file_;
  size_t at_ = 0;
  std::string text_;
};

class Bits {
 public:
  explicit Bits(const uint8_t* p) : p_(p) {}
  unsigned bit() {
    const unsigned value = p_[at_ / 8] >> (at_ % 8) & 1;
    ++at_;
    return value;
  }
  uint64_t field(unsigned width) {
    uint64_t value = 0;
    for (unsigned i = 0; i < width; ++i) value |= uint64_t{bit()} << i;
    return value;
  }
  size_t bytes() const { return (at_ + 7) / 8; }

 private:
  const uint8_t* p_;
  size_t at_ = 0;
};

void dump_header(Dump* d) {
  d->line(8, "magic");
  d->line(2, "major");
  d->line(2, "minor");
  d->line(4, "critical feature bits");
  d->line(8, "file_size " + dec(load<uint64_t>(d->here())));
  d->line(8, "manifest_offset " + dec(load<uint64_t>(d->here())));
  d->line(8, "manifest_size " + dec(load<uint64_t>(d->here())));
  d->line(8, "manifest_hash");
  d->line(8, "reserved");
  d->line(8, "header_hash");
}

// The pointers of the manifest, in order.
struct Column {
  const char* name;
  unsigned bytes;  // of an element
  enum { kNumbers, kText, kHashes } show = kNumbers;
};
constexpr Column kColumns[] = {
    {"names", 1, Column::kText},
    {"nameLengths", 2},
    {"dtypes", 1},
    {"ranks", 1},
    {"dims", 8},
    {"encodings", 1},
    {"params", 1},
    {"tables", 4},
    {"nonzeros", 8},
    {"viewCols", 4},
    {"rowsPerChunk", 4},
    {"fidelity", 1},
    {"errorBounds", 8},
    {"aliases", 4},
    {"opaqueBits", 2},
    {"opaqueNames", 1, Column::kText},
    {"opaqueNameLengths", 1},
    {"chunkBytes", 4},
    {"chunkEntries", 4},
    {"chunkHashes", 8, Column::kHashes},
    {"metadata", 1, Column::kText},
    {"metadataLengths", 4},
    {"sectionKinds", 4},
    {"sectionBytes", 8},
    {"sectionHashes", 8, Column::kHashes},
};

std::string show(const Column& column, const uint8_t* p, size_t count) {
  if (column.show == Column::kHashes) return "";
  if (column.show == Column::kText) return " \"" + std::string(p, p + count) + "\"";
  std::string out;
  for (size_t i = 0; i < count; ++i, p += column.bytes) {
    uint64_t value = 0;
    std::memcpy(&value, p, column.bytes);
    out += " " + dec(value);
  }
  return out;
}

std::vector<uint8_t> unpack(const uint8_t* p, size_t size) {
  std::vector<uint8_t> out;
  const uint8_t* const end = p + size;
  while (p < end) {
    const unsigned tag = *p++;
    for (unsigned i = 0; i < 8; ++i) out.push_back((tag >> i & 1) != 0 ? *p++ : uint8_t{0});
    if (tag == 0x00) out.resize(out.size() + size_t{8} * *p++);
    if (tag == 0xFF) {
      const size_t run = size_t{8} * *p++;
      out.insert(out.end(), p, p + run);
      p += run;
    }
  }
  return out;
}

// What each word of the message is; empty for the later words of a list.
std::vector<std::string> describe(const std::vector<uint8_t>& message) {
  const auto word = [&](size_t i) { return load<uint64_t>(&message[8 * i]); };
  std::vector<std::string> notes(message.size() / 8);
  const size_t pointers = word(0) >> 48;
  must(word(0) % (uint64_t{1} << 32) == 0 && (word(0) >> 32 & 0xFFFF) == 3, "another root");
  notes[0] = "root: 3 words of data, " + dec(pointers) + " pointers";
  notes[1] = "tableCount " + dec(word(1));
  notes[2] = "tableBytes " + dec(word(2));
  notes[3] = "tableHash";
  for (size_t i = 0; i < pointers; ++i) {
    const Column& column = kColumns[i];
    const uint64_t pointer = word(4 + i);
    notes[4 + i] = pointer == 0 ? "null" : std::string("-> ") + column.name;
    if (pointer == 0) continue;
    const size_t target = 5 + i + (pointer >> 2 & 0x3FFFFFFF);
    const size_t count = pointer >> 35;
    notes[target] = column.name + show(column, &message[8 * target], count);
  }
  return notes;
}

void dump_manifest(Dump* d, size_t size) {
  const std::vector<std::string> notes = describe(unpack(d->here(), size));
  const size_t end = d->at() + size;
  size_t word = 0;
  while (d->at() < end) {
    const uint8_t* p = d->here();
    const size_t literals = static_cast<size_t>(std::popcount(p[0]));
    const size_t run = p[0] == 0x00 || p[0] == 0xFF ? p[1 + literals] : 0;
    std::string note = notes[word];
    if (p[0] == 0x00 && run > 0) {
      note = dec(1 + run) + " null pointers";
      for (size_t i = word; i <= word + run; ++i) must(notes[i] == "null", "another run of zeros");
    } else {
      for (size_t i = word + 1; i <= word + run; ++i) {
        if (!notes[i].empty()) note += ", " + notes[i];
      }
    }
    word += 1 + run;
    d->line(p[0] == 0x00 ? 2 : p[0] == 0xFF ? 10 + 8 * run : 1 + literals, note);
  }
}

struct Code {
  unsigned symbol;
  std::string bits;
};

// A code-length record whose only token with an argument is 14, and its canonical codes.
std::vector<Code> dump_table(Dump* d, unsigned number) {
  const unsigned first = d->here()[0];
  const unsigned last = d->here()[1];
  d->line(2, "table " + dec(number) + ": symbols " + dec(first) + " to " + dec(last));
  Bits bits(d->here());
  std::vector<unsigned> lengths;
  std::string tokens;
  while (lengths.size() <= last - first) {
    const auto token = static_cast<unsigned>(bits.field(4));
    must(token <= 12 || token == 14, "another token");
    tokens += " " + dec(token);
    if (token == 14) {
      const auto more = static_cast<unsigned>(bits.field(4));
      tokens += "," + dec(more);
      lengths.resize(lengths.size() + 3 + more);
    } else {
      lengths.push_back(token);
    }
  }
  std::vector<Code> codes;
  std::string note = "codes";
  unsigned next = 0;
  for (unsigned length = 1; length <= 12; ++length, next <<= 1) {
    for (unsigned i = 0; i < lengths.size(); ++i) {
      if (lengths[i] != length) continue;
      Code code{first + i, ""};
      for (unsigned b = length; b > 0; --b) code.bits += (next >> (b - 1) & 1) != 0 ? '1' : '0';
      note += (codes.empty() ? " " : ", ") + dec(code.symbol) + " = " + code.bits;
      codes.push_back(code);
      ++next;
    }
  }
  d->line(bits.bytes(), "tokens" + tokens);
  d->comment(note);
  return codes;
}

void dump_codebook(Dump* d, unsigned count) {
  const unsigned k = *d->here();
  d->line(1, "codebook of fc.weight: k = " + dec(k));
  Bits bits(d->here());
  const auto hex = [](uint64_t value) {
    char text[16];
    std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(value));
    return std::string(text);
  };
  const auto entry = [&](unsigned i, uint64_t key) {
    const auto bits32 = static_cast<uint32_t>(key);
    const float value = std::bit_cast<float>((bits32 >> 31) != 0 ? bits32 ^ 0x80000000 : ~bits32);
    char text[32];
    std::snprintf(text, sizeof text, "%g", static_cast<double>(value));
    return "entry " + dec(i) + ": key " + hex(key) + " = " + text;
  };
  uint64_t key = bits.field(32);
  std::vector<std::string> notes = {entry(0, key)};
  for (unsigned i = 1; i < count; ++i) {
    unsigned n = 0;
    while (bits.bit() == 1) ++n;
    const uint64_t u = uint64_t{1} << n | bits.field(n);
    const uint64_t low = bits.field(k);
    const uint64_t d_of_keys = ((u - 1) << k) + low;
    key += d_of_keys + 1;
    notes.push_back(entry(i, key) + "; n = " + dec(n) + ", u = " + dec(u) + ", low bits " +
                    hex(low) + ", d = " + hex(d_of_keys));
  }
  d->line(bits.bytes(), notes[0]);
  for (unsigned i = 1; i < count; ++i) d->comment(notes[i]);
}

// A stream of mode huffman-streams in one bit string, a line for each row with entries.
void dump_huffman(Dump* d, const char* name, const std::vector<Code>& codes,
                  const std::vector<uint64_t>& rows) {
  const size_t size = d->here()[1];
  must(d->here()[0] == 2, "another mode");
  d->line(1, std::string(name) + ": mode huffman-streams");
  d->line(1, "one bit string of " + dec(size) + " bytes");
  Bits bits(d->here());
  std::vector<std::string> notes;
  for (size_t row = 0; row < rows.size(); ++row) {
    std::string seen;
    std::string symbols;
    for (uint64_t i = 0; i < rows[row]; ++i) {
      std::string code;
      const auto matches = [&] {
        for (const Code& c : codes) {
          if (c.bits == code) return symbols += " " + dec(c.symbol), true;
        }
        return false;
      };
      do code += bits.bit() != 0 ? '1' : '0';
      while (!matches());
      seen += " " + code;
    }
    if (rows[row] == 0) continue;
    notes.push_back("row " + dec(row) + ":" + symbols);
    notes.push_back("  bits" + seen);
  }
  must(bits.bytes() == size, "another length");
  d->line(size, notes[0]);
  for (size_t i = 1; i < notes.size(); ++i) d->comment(notes[i]);
}

void dump_chunks(Dump* d, const std::vector<Code>& gaps, const std::vector<Code>& codes) {
  d->line(16, "chunk of fc.bias: four f32");
  must(*d->here() == 0, "another mode");
  d->line(1, "chunk of fc.weight; entries per row: mode stored, 192 symbols of 8 bits");
  const std::vector<uint64_t> rows(d->here(), d->here() + 4);
  std::string note = "rows of";
  for (const uint64_t count : rows) note += " " + dec(count);
  d->line(4, note + " entries; no extra bits, all are below 128");
  dump_huffman(d, "gaps", gaps, rows);
  dump_huffman(d, "codes", codes, rows);
}

}  // namespace

std::string dump(const std::vector<uint8_t>& file) {
  Dump d(file);
  dump_header(&d);
  dump_manifest(&d, load<uint64_t>(&file[32]));
  const std::vector<Code> gaps = dump_table(&d, 1);
  const std::vector<Code> codes = dump_table(&d, 2);
  dump_codebook(&d, 3);
  dump_chunks(&d, gaps, codes);
  return d.take();
}

}  // namespace dcf::example
