// SPDX-License-Identifier: Apache-2.0
#include "spec_example.h"

#include <bit>
#include <cstdio>
#include <sstream>

#include "dcf/dcf.hpp"
#include "spec_dump.h"

namespace dcf::example {

namespace {

// A pruned, clustered layer, one character per weight, and a bias.
constexpr const char* kRows[] = {
    "aaabaaaac...............................aabaaa",
    "....aaaaaaaacaaaaaaabaaa......................",
    "..............................................",
    "aabaaaaaaaaaa...............aaabaaaac.........",
};
constexpr uint64_t kCols = 46;
constexpr float kBias[] = {0.5F, -1.0F, 3.0F, 0.1F};

float weight_of(char c) {
  return c == 'a' ? 0.25F : c == 'b' ? -0.75F : c == 'c' ? 1.5F : 0.0F;
}
char char_of(float w) {
  for (const char c : {'a', 'b', 'c'}) {
    if (w == weight_of(c)) return c;
  }
  return w == 0 ? '.' : '?';
}

std::string number(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", static_cast<double>(value));
  return text;
}

int append(void* ctx, const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  auto* out = static_cast<std::vector<uint8_t>*>(ctx);
  out->insert(out->end(), bytes, bytes + size);
  return 0;
}

void add(Writer& writer, const char* name, const std::vector<uint64_t>& dims,
         std::span<const float> values, dcf_positions positions) {
  dcf_encode_options options = encode_options();
  options.positions = positions;
  options.gap_bits = positions == DCF_POSITIONS_GAP ? 3 : 0;
  must(bool{writer.add(name, values, dims, options)}, name);
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

std::vector<uint8_t> make_file() {
  std::vector<uint8_t> file;
  std::vector<float> weights;
  for (const char* row : kRows) {
    for (uint64_t i = 0; i < kCols; ++i) weights.push_back(weight_of(row[i]));
  }
  Result<Writer> writer = Writer::open({sizeof(dcf_sink), &file, append});
  must(bool{writer}, "no writer");
  add(*writer, "fc.bias", {4}, kBias, DCF_POSITIONS_AUTO);
  add(*writer, "fc.weight", {4, kCols}, weights, DCF_POSITIONS_GAP);
  must(bool{writer->add_metadata("license", "CC0")}, "no metadata");
  must(bool{writer->finish()}, "the file is not written");
  return file;
}

std::string values(const std::vector<uint8_t>& bytes) {
  const File file = File::open(bytes).value();
  const auto decode = [&](const char* name) {
    return file.tensor(name).value().decode<float>().value();
  };
  std::string out = "fc.bias    ";
  for (const float v : decode("fc.bias")) out += " " + number(v);
  out += "\nfc.weight   . = 0";
  for (const char c : {'a', 'b', 'c'}) {
    out.append(", ").append(1, c).append(" = ").append(number(weight_of(c)));
  }
  size_t i = 0;
  for (const float v : decode("fc.weight")) {
    if (i++ % kCols == 0) out += "\n  ";
    out += char_of(v);
  }
  return out + "\n";
}

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

std::vector<uint8_t> bytes_of(const std::string& dump) {
  std::vector<uint8_t> out;
  std::istringstream lines(dump);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == ' ') continue;  // a comment
    std::istringstream fields(line.substr(5, 3 * kBytesPerLine));
    for (unsigned byte = 0; fields >> std::hex >> byte;) out.push_back(static_cast<uint8_t>(byte));
  }
  return out;
}

Part find_part(const std::string& spec, const std::string& name) {
  const std::string start = "<!-- example: " + name + " -->\n```\n";
  Part part;
  part.begin = spec.find(start);
  if (part.begin == std::string::npos) return {};
  part.begin += start.size();
  part.end = spec.find("```\n", part.begin);
  return part;
}

}  // namespace dcf::example
