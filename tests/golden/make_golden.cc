// SPDX-License-Identifier: Apache-2.0
// make_golden DIR: writes the golden files of README.md into DIR/v0 and DIR/invalid. Run by hand,
// by the target regenerate_golden, when the format changes; the test only reads what is there.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "dcf/dcf_write.h"
#include "support/sample.h"

namespace dcf::impl::testing {
namespace {

std::filesystem::path root;

void must(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "make_golden: %s\n", what);
  std::exit(1);
}

void write(const std::filesystem::path& path, const Blob& bytes) {
  std::ofstream out(root / path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  must(out.good(), "cannot write");
}

// A file and what its tensors decode to, one after another.
void write_valid(const std::string& name, const Blob& file, const Blob& dense) {
  must(check_bytes(file).ok(), name.c_str());
  write("v0/" + name + ".dcf", file);
  write("v0/" + name + ".bin", dense);
}

Blob dense_of(std::vector<Sample> samples) {
  std::sort(samples.begin(), samples.end(),
            [](const Sample& a, const Sample& b) { return a.name < b.name; });
  Blob out;
  for (const Sample& s : samples) {
    const auto source = std::find_if(samples.begin(), samples.end(),
                                     [&](const Sample& o) { return o.name == s.alias_of; });
    const Blob bytes = dense_bytes(s.alias_of.empty() ? s : *source);
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  return out;
}

int append(void* ctx, const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  static_cast<Blob*>(ctx)->insert(static_cast<Blob*>(ctx)->end(), bytes, bytes + size);
  return 0;
}

// The samples through the library's writer, which chooses encodings by itself unless told.
Blob write_samples(const std::vector<Sample>& samples, dcf_positions positions) {
  Blob out;
  dcf_writer* writer = nullptr;
  const dcf_sink sink{sizeof(dcf_sink), &out, append};
  must(dcf_writer_open_sink(&sink, nullptr, &writer, nullptr) == DCF_OK, "no writer");
  dcf_encode_options options;
  dcf_encode_options_init(&options);
  options.positions = positions;
  for (const Sample& s : samples) {
    dcf_tensor_spec spec = DCF_TENSOR_SPEC_INIT;
    spec.name = s.name.data();
    spec.name_size = s.name.size();
    spec.dtype = static_cast<dcf_dtype>(s.dtype);
    spec.opaque_bits = s.opaque_bits;
    spec.opaque_name = s.opaque_name.data();
    spec.opaque_name_size = s.opaque_name.size();
    spec.rank = static_cast<uint32_t>(s.dims.size());
    spec.dims = s.dims.data();
    const Blob dense = dense_bytes(s);
    must(dcf_writer_add_dense(writer, &spec, dense.data(), dense.size(), &options, nullptr) ==
             DCF_OK,
         s.name.c_str());
  }
  must(dcf_writer_add_metadata(writer, "producer", 8, "golden", 6, nullptr) == DCF_OK,
       "no metadata");
  must(dcf_writer_finish(writer, nullptr) == DCF_OK, "the file is not written");
  dcf_writer_close(writer);
  return out;
}

// Every dtype, shapes of rank 0 and without elements, names of any UTF-8.
std::vector<Sample> all_dtypes() {
  std::vector<Sample> out;
  for (int d = 1; d <= 31; ++d) {
    const auto dtype = static_cast<DType>(d);
    if (!is_known(dtype)) continue;
    Sample s;
    if (is_raw_only(dtype)) {
      s.dtype = dtype;
      s.dims = {3, 5};
      s.opaque_bits = dtype == DType::kOpaque ? 11 : 0;
      s.opaque_name = dtype == DType::kOpaque ? "posit11" : "";
      for (uint64_t i = 0; i < 15; ++i)
        s.words.push_back(i * 0x9E3779B97F4A7C15u >> (64 - bits_of(s)));
    } else {
      s = random_sample(dtype, {5, 24}, {}, static_cast<uint64_t>(d));
    }
    s.name = std::string("dtype/") + dtype_name(dtype);
    out.push_back(s);
  }
  const auto shape = [&](const char* name, std::vector<uint64_t> dims,
                         std::vector<uint64_t> words) {
    Sample s;
    s.name = name;
    s.dims = std::move(dims);
    s.words = std::move(words);
    out.push_back(s);
  };
  shape("", {}, {float_word(-2.5f)});
  shape("empty", {0, 7}, {});
  shape("nan payload", {3}, {0x7FC12345, 0xFF800001, 0x80000000});
  shape("gewicht ß \xF0\x9F\x90\x98", {1, 1, 2}, {float_word(1), float_word(2)});
  return out;
}

// Each encoding of these dtypes once, in the given Huffman layout, chunked, some views transposed.
std::vector<Sample> all_encodings(HuffmanLayout layout) {
  std::vector<Sample> out;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kI16, DType::kU8, DType::kI64}) {
    for (const Encoding& e : encodings_of(dtype)) {
      if (e.bucket_t == 3 || e.gap_bits == 8) continue;
      Sample s = random_sample(dtype, {9, 40}, e, out.size(), 5, 7);
      s.name = std::string(dtype_name(dtype)) + " " + encoding_name(e);
      s.huffman = layout;
      if (out.size() % 3 == 1) s.rows_per_chunk = 4;
      if (out.size() % 4 == 2 && !e.is_raw()) s.view = {9, true};
      out.push_back(s);
    }
  }
  return out;
}

// A layer as the paper stores it: pruned, clustered, gaps of 4 bits, a few fillers.
Sample paper_layer() {
  Encoding e;
  e.positions = Positions::kGap;
  e.gap_bits = 4;
  e.values = Values::kPalette;
  Sample s = random_sample(DType::kF32, {30, 100}, e, 11, 12, 30);
  s.name = "fc/weight";
  s.huffman = HuffmanLayout::kStreams;
  return s;
}

std::vector<Sample> aliases() {
  Sample a = random_sample(DType::kF32, {12, 30}, {}, 5, 3, 40);
  a.name = "a";
  Sample b = a;
  b.name = "b";
  Sample c = a;
  c.name = "c";
  c.dims = {360};
  Sample d = a;
  d.name = "d";
  d.words[7] ^= 1;
  return {a, b, c, d};
}

void make_valid() {
  const std::vector<Sample> dtypes = all_dtypes();
  write_valid("dtypes", write_samples(dtypes, DCF_POSITIONS_AUTO), dense_of(dtypes));
  const Sample layer = paper_layer();
  write_valid("paper", write_samples({layer}, DCF_POSITIONS_GAP), dense_of({layer}));
  for (const auto& [name, choice] : {std::pair{"bitmap", DCF_POSITIONS_BITMAP},
                                     {"gap_bucket", DCF_POSITIONS_GAP_BUCKET},
                                     {"dense", DCF_POSITIONS_DENSE}}) {
    write_valid(name, write_samples({layer}, choice), dense_of({layer}));
  }
  write_valid("aliases", write_samples(aliases(), DCF_POSITIONS_AUTO), dense_of(aliases()));
  write_valid("empty", write_samples({}, DCF_POSITIONS_AUTO), {});
  for (const auto& [name, layout] : {std::pair{"encodings_streams", HuffmanLayout::kStreams},
                                     {"encodings_tree", HuffmanLayout::kTree}}) {
    write_valid(name, make_file(all_encodings(layout)), dense_of(all_encodings(layout)));
  }
  Sample raw = random_sample(DType::kU16, {2100}, {}, 8, 1, 2000);
  write_valid("aligned", assemble(make_parts({raw}, {{"k", "v"}})), dense_of({raw}));
  write_valid("unknown_section", assemble(make_parts({layer}, {}, {{1, {}}, {4711, {1, 2, 3}}})),
              dense_of({layer}));
  FileParts minor = make_parts({layer});
  minor.header.minor = 7;
  write_valid("newer_minor", assemble(minor), dense_of({layer}));
}

// Invalid files, with what verifying them reports.
class Invalid {
 public:
  Invalid() : index_(root / "invalid/index.tsv") { index_ << "# file\tcode\trule\toffset\n"; }

  void add(const std::string& name, const Blob& file) {
    const Status s = check_bytes(file);
    must(!s.ok() && s.offset != kNoOffset, name.c_str());
    write("invalid/" + name + ".dcf", file);
    index_ << name << '\t' << dcf_status_name(static_cast<dcf_status>(s.code)) << '\t' << s.rule
           << '\t' << s.offset << '\n';
  }
  void changed(const std::string& name, const std::function<void(FileParts*)>& change) {
    FileParts parts = base();
    change(&parts);
    add(name, assemble(parts));
  }
  static FileParts base() {
    Sample s = paper_layer();
    s.dims = {6, 30};
    s.words.resize(180);
    return make_parts({s}, {{"k", "v"}}, {{4711, {1, 2, 3}}});
  }

 private:
  std::ofstream index_;
};

void make_invalid() {
  Invalid out;
  const Blob valid = assemble(Invalid::base());
  out.add("not_dcf", {'h', 'e', 'l', 'l', 'o'});
  out.add("no_bytes", {});
  out.add("short_header", Blob(valid.begin(), valid.begin() + 63));
  out.add("truncated", Blob(valid.begin(), valid.end() - 1));
  Blob changed = valid;
  changed.push_back(0);
  out.add("trailing", changed);
  const auto flip = [&](const char* name, size_t at) {
    Blob bytes = valid;
    bytes[at] ^= 0x10;
    out.add(name, bytes);
  };
  flip("flipped_header", 33);
  flip("flipped_manifest", 80);
  flip("flipped_tables", kHeaderBytes + load_le<uint64_t>(&valid[32]) + 1);
  flip("flipped_chunk", valid.size() - 4);
  flip("flipped_section", valid.size() - 1);
  out.changed("newer_major", [](FileParts* p) { p->header.major = 1; });
  out.changed("unknown_feature", [](FileParts* p) { p->header.features = 1; });
  out.changed("unknown_feature_high", [](FileParts* p) { p->header.features = 0x80000000; });
  out.changed("critical_section", [](FileParts* p) { p->columns.section_kinds[0] |= 0x80000000; });
  out.changed("unknown_encoding", [](FileParts* p) { p->columns.encodings[0] = 0x22; });
  out.changed("unknown_dtype", [](FileParts* p) { p->columns.dtypes[0] = 21; });
  out.changed("no_terminator_name", [](FileParts* p) { p->columns.names[0] = 0; });
  out.changed("wrapping_shape", [](FileParts* p) { p->columns.dims = {uint64_t{1} << 63, 2}; });
  out.changed("many_chunks", [](FileParts* p) {
    p->columns.dims = {uint64_t{1} << 40, 30};
    p->columns.rows_per_chunk = {1};
  });
  out.changed("kraft", [](FileParts* p) { p->tables[2] ^= 1; });
  out.changed("codebook_order", [](FileParts* p) { p->tables.pop_back(); });
  out.changed("count", [](FileParts* p) { ++p->columns.nonzeros[0]; });
  out.changed("chunk_mode", [](FileParts* p) { p->chunks[0][0] = 9; });
  out.changed("chunk_left_over", [](FileParts* p) { p->chunks[0].push_back(0); });
  out.changed("section_order", [](FileParts* p) {
    p->columns.section_kinds = {4711, 4711};
    p->sections.push_back({});
  });
}

}  // namespace
}  // namespace dcf::impl::testing

int main(int argc, char** argv) {
  using namespace dcf::impl::testing;  // NOLINT(google-build-using-namespace)
  must(argc == 2, "usage: make_golden DIR");
  root = argv[1];
  for (const char* folder : {"v0", "invalid"}) {
    std::filesystem::remove_all(root / folder);
    std::filesystem::create_directories(root / folder);
  }
  make_valid();
  make_invalid();
  return 0;
}
