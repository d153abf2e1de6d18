// SPDX-License-Identifier: Apache-2.0
#include "spec_dump.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>

namespace dcf::example {
namespace {

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

}  // namespace

void must(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "spec_example: %s\n", what);
  std::exit(1);
}

std::string dec(uint64_t value) {
  return std::to_string(value);
}

void Dump::line(size_t n, const std::string& note) {
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

void Dump::comment(const std::string& note) {
  text_.append(3 * kBytesPerLine + 6, ' ').append(note) += '\n';
}

std::string Dump::take() {
  must(at_ == file_.size(), "the example does not end with the file");
  return std::move(text_);
}

std::string Dump::start_of_line(const char* before) const {
  char offset[16];
  std::snprintf(offset, sizeof offset, "%s%04zx", before, at_);
  return offset;
}

unsigned Bits::bit() {
  const unsigned value = p_[at_ / 8] >> (at_ % 8) & 1;
  ++at_;
  return value;
}

uint64_t Bits::field(unsigned width) {
  uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) value |= uint64_t{bit()} << i;
  return value;
}

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

std::vector<std::string> dump_manifest_columns(Dump* d, size_t size) {
  std::vector<std::string> notes = describe(unpack(d->here(), size));
  d->line(size, "the manifest, packed: " + notes[0]);
  std::erase_if(notes, [](const std::string& note) {
    return note.empty() || note == "null" || note.starts_with("-> ") || note.starts_with("root");
  });
  for (const std::string& note : notes) d->comment(note);
  return notes;
}

std::vector<Code> dump_table(Dump* d, unsigned number) {
  const unsigned first = d->here()[0];
  const unsigned last = d->here()[1];
  d->line(2, "table " + dec(number) + ": symbols " + dec(first) + " to " + dec(last));
  Bits bits(d->here());
  std::vector<unsigned> lengths;
  std::string tokens;
  while (lengths.size() <= last - first) {
    const auto token = static_cast<unsigned>(bits.field(4));
    must(token <= 14 && (token != 13 || !lengths.empty()), "another token");
    tokens += " " + dec(token);
    if (token > 12) {
      const auto more = static_cast<unsigned>(bits.field(4));
      tokens += "," + dec(more);
      lengths.resize(lengths.size() + 3 + more, token == 13 ? lengths.back() : 0);
    } else {
      lengths.push_back(token);
    }
  }
  d->line(bits.bytes(), "tokens" + tokens);
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
  d->comment(note);
  return codes;
}

}  // namespace dcf::example
