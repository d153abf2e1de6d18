// SPDX-License-Identifier: Apache-2.0
// The files that a model came from, kept and given back: byte for byte, under names that are safe.
#include <gtest/gtest.h>

#include <filesystem>

#include "formats/dcf_writer.h"
#include "formats/original_files.h"
#include "models.h"
#include "process.h"
#include "support/sanitizer.h"

namespace dcf::tools::test {
namespace {

namespace fs = std::filesystem;

std::string compressed(const TempDir& dir, const std::string& input,
                       const std::vector<std::string>& options = {}) {
  return dir.write("m.dcf", compress(dir, input, options));
}

// A header that no writer here would make: blanks, metadata last, tensors out of order.
std::string odd_safetensors() {
  return safetensors(
      "{ \"A\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]},\n"
      "\"\\u0061\":{\"data_offsets\":[0,4],\"shape\":[1],\"dtype\":\"F32\"} ,"
      "\"e\":{\"dtype\":\"I8\",\"shape\":[0],\"data_offsets\":[12,12]},"
      "\"__metadata__\":{\"z\":\"1\",\"a\":\"2\"}}    ",
      "abcdefghijkl");
}

TEST(ExactFile, OfOddSafetensorsComesBack) {
  const TempDir dir;
  for (const std::string& content :
       {odd_safetensors(), safetensors("{\"__metadata__\":null}", ""), safetensors("{}", "")}) {
    const std::string in = dir.write("in.safetensors", content);
    const std::string packed = compressed(dir, in);
    expect_success(dcf({"verify", packed}));
    const Result result =
        dcf({"decompress", packed, "-f", "-o", dir.path("out.safetensors"), "--json"});
    expect_success(result);
    EXPECT_EQ(result.json()["same_sha256"], true);
    EXPECT_EQ(read_text(dir.path("out.safetensors")), content);
  }
}

// As the library of the format writes them, so that the layout need not keep the header.
TEST(ExactFile, OfAPlainHeaderComesBack) {
  const TempDir dir;
  const std::string tensors =
      R"("a\"\\\n\u001f/é":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]}})";
  for (const std::string before : {"{", "{\"__metadata__\":{\"format\":\"pt\"},"}) {
    for (const std::string blanks : {"", " ", "       ", "        "}) {
      const std::string content = safetensors(before + tensors + blanks, "abcdefghijklmnop");
      const std::string in = dir.write("in.safetensors", content);
      const std::string packed = compressed(dir, in, {"-f"});
      expect_success(dcf({"verify", packed}));
      expect_success(dcf({"decompress", packed, "-f", "-o", dir.path("out.safetensors")}));
      EXPECT_EQ(read_text(dir.path("out.safetensors")), content);
    }
  }
}

TEST(ExactFile, SurvivesASecondCompression) {
  const TempDir dir;
  const std::string in = dir.write("in.safetensors", odd_safetensors());
  const std::string again = dir.write("again.dcf", compress(dir, compressed(dir, in), {}));
  expect_success(dcf({"decompress", again, "-o", dir.path("out.safetensors")}));
  EXPECT_EQ(read_text(dir.path("out.safetensors")), odd_safetensors());
}

TEST(ExactFile, IsLeftOutOnRequest) {
  const TempDir dir;
  const std::string in = dir.write("in.safetensors", odd_safetensors());
  const std::string packed = compressed(dir, in, {"--no-exact-file"});
  EXPECT_TRUE(dcf({"info", packed, "--json"}).json()["original"].is_null());
  expect_success(dcf({"decompress", packed, "-o", dir.path("out.safetensors")}));
  EXPECT_NE(read_text(dir.path("out.safetensors")), odd_safetensors());
  expect_success(dcf({"compare", in, dir.path("out.safetensors")}));
}

TEST(ExactFile, AfterLossyWorkDiffersInTensorsOnly) {
  const TempDir dir;
  const Model model = gaussian_model(64, 64);
  const std::string in = save(dir, "in.safetensors", model);
  const std::string packed = dir.path("m.dcf");
  expect_success(dcf({"compress", in, "-q", "-o", packed, "--bits", "4"}));
  const Result result = dcf({"decompress", packed, "-o", dir.path("out.safetensors"), "--json"});
  expect_success(result);
  EXPECT_EQ(result.json()["same_sha256"], false);
  const std::string before = read_text(in);
  const std::string after = read_text(dir.path("out.safetensors"));
  ASSERT_EQ(before.size(), after.size());
  const size_t header = before.size() - model.data[0].size();
  EXPECT_EQ(before.substr(0, header), after.substr(0, header));
  EXPECT_NE(before, after);
}

TEST(ExactFile, InfoTellsWhatTheModelCameFrom) {
  const TempDir dir;
  const std::string in = dir.write("in.safetensors", odd_safetensors());
  const auto original = dcf({"info", compressed(dir, in), "--json"}).json()["original"];
  EXPECT_EQ(original["format"], "safetensors");
  ASSERT_EQ(original["files"].size(), 1u);
  EXPECT_EQ(original["files"][0]["name"], "in.safetensors");
  EXPECT_EQ(original["files"][0]["bytes"], odd_safetensors().size());
  EXPECT_EQ(original["files"][0]["sha256"].get<std::string>().size(), 64u);
}

// A .dcf of one tensor of four bytes and these files.
std::string hostile(const TempDir& dir, const FileLayout& layout, const std::string& rest) {
  const MemoryLimit limit;
  const std::string path = dir.path("hostile.dcf");
  fs::remove(path);
  DcfWriter writer(path, dcf::writer_options());
  writer.add(float_meta("w", {1}), to_bytes("abcd"), encode_options(DCF_POSITIONS_AUTO));
  writer.add_section(kLayoutKind, zstd_pack("layout", layout.encoded(), limit));
  if (!rest.empty()) writer.add_section(kRestKind, zstd_pack("rest", to_bytes(rest), limit));
  writer.finish();
  return path;
}

TEST(ExactFile, NamesThatLeaveTheFolderAreRefused) {
  const TempDir dir;
  for (const std::string name :
       {"../escaped", "/tmp/escaped", "a/../../escaped", "", "a//b", ".", ".bashrc",
        "sub/.git/config", "a\\b", "c:x", "a\nb", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"}) {
    SCOPED_TRACE(name);
    FileLayout layout("tfjs");
    layout.begin_file("model.json", 4);
    layout.end_file();
    layout.begin_file(name, 4);
    layout.tensor_at(0, 0, 4);
    layout.end_file();
    const std::string file = hostile(dir, layout, "{}{}");
    expect_failure(dcf({"decompress", file, "-o", dir.path("out/model.json")}), 1, "layout");
    expect_failure(dcf({"verify", file}), 1, "layout");
    EXPECT_EQ(dir.list(), std::vector<std::string>{"hostile.dcf"});
  }
}

TEST(ExactFile, LayoutsThatDoNotFitAreRefused) {
  const TempDir dir;
  const auto expect_refused = [&](const FileLayout& layout, const std::string& rest) {
    const std::string file = hostile(dir, layout, rest);
    expect_failure(dcf({"decompress", file, "-o", dir.path("out.onnx")}), 1, "layout");
    EXPECT_EQ(dir.list(), std::vector<std::string>{"hostile.dcf"});
  };
  const auto layout_of = [](uint64_t bytes, const std::vector<BlockPart>& tensors) {
    FileLayout layout("onnx");
    layout.begin_file("model.onnx", bytes);
    uint64_t offset = 0;
    for (const BlockPart& part : tensors) {
      layout.tensor_at(offset, part.tensor, part.bytes);
      offset += part.bytes;
    }
    if (offset <= bytes) layout.end_file();
    return layout;
  };
  expect_refused(layout_of(4, {}), "");                   // rest that is not there
  expect_refused(layout_of(4, {}), "12345");              // or has another size
  expect_refused(layout_of(4, {{1, 4}}), "");             // no such tensor
  expect_refused(layout_of(8, {{0, 4}, {0, 4}}), "");     // used twice
  expect_refused(layout_of(2, {{0, 2}}), "");             // not used whole
  expect_refused(layout_of(8, {{0, 8}}), "");             // has fewer bytes
  expect_refused(layout_of(3, {{0, 4}}), "");             // ends after its file
  expect_refused(layout_of(uint64_t{1} << 62, {}), "x");  // rest of any size
  FileLayout twice("onnx");
  for (int i = 0; i < 2; ++i) {
    twice.begin_file("model.onnx", 0);
    twice.end_file();
  }
  expect_refused(twice, "");
  FileLayout below("onnx");
  for (const char* const name : {"model.onnx", "model.onnx/weights"}) {
    below.begin_file(name, 0);
    below.end_file();
  }
  expect_refused(below, "");
  expect_refused(FileLayout("onnx"), "");  // no files
}

TEST(ExactFile, DescriptionsThatDoNotFitAreRefused) {
  const TempDir dir;
  const std::string text = R"("w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  const auto check = [&](const std::vector<uint64_t>& descriptions, uint64_t tensor) {
    FileLayout layout("safetensors");
    uint64_t offset = 9;
    for (const uint64_t bytes : descriptions) offset += bytes;
    layout.begin_file("model.safetensors", offset + 4);
    offset = 9;
    for (const uint64_t bytes : descriptions) {
      layout.descriptions_at(offset, bytes);
      offset += bytes;
    }
    layout.tensor_at(offset, tensor, 4);
    layout.end_file();
    const std::string file = hostile(dir, layout, std::string("\x36\0\0\0\0\0\0\0{", 9));
    const Result result = dcf({"verify", file});
    expect_failure(dcf({"decompress", file, "-o", dir.path("out.safetensors")}), 1, "");
    EXPECT_EQ(dir.list(), std::vector<std::string>{"hostile.dcf"});
    return result.exit_code == 0 ? std::string() : result.err;
  };
  // Only the digest is wrong.
  EXPECT_EQ(check({text.size()}, 0), "");
  EXPECT_EQ(check({text.size() + 7}, 0), "");
  for (const std::vector<uint64_t>& sizes : std::vector<std::vector<uint64_t>>{
           {text.size() - 1}, {text.size() + 8}, {uint64_t{1} << 60}}) {
    EXPECT_NE(check(sizes, 0).find("descriptions have another size"), std::string::npos);
  }
  EXPECT_NE(check({text.size(), text.size()}, 0).find("twice"), std::string::npos);
  EXPECT_NE(check({text.size()}, 1).find("does not exist"), std::string::npos);
}

// A few bytes of a frame may stand for a layout of any size.
TEST(ExactFile, ALayoutKeepsToTheLimitOfMemory) {
  const TempDir dir;
  FileLayout layout("onnx");
  for (uint64_t i = 0; i < 300'000; ++i) layout.note_type(i, "");
  layout.begin_file("model.onnx", 4);
  layout.tensor_at(0, 0, 4);
  layout.end_file();
  const std::string file = hostile(dir, layout, "");
  const Result result = dcf({"verify", file, "-M", "16M"});
  expect_failure(result, 1, "memory");
#ifndef DCF_OWN_ALLOCATOR  // which takes memory of its own
  EXPECT_LT(result.peak_bytes, uint64_t{16 + 32} << 20);
#endif
}

TEST(ExactFile, AWrongDigestGivesNoFile) {
  const TempDir dir;
  FileLayout layout("onnx");
  layout.begin_file("model.onnx", 4);
  layout.tensor_at(0, 0, 4);
  layout.end_file();  // the digest stays zero
  const std::string file = hostile(dir, layout, "");
  expect_failure(dcf({"decompress", file, "-o", dir.path("out.onnx")}), 1, "SHA-256");
  EXPECT_EQ(dir.list(), std::vector<std::string>{"hostile.dcf"});
}

TEST(ExactFile, MaxOutputBoundsTheSumOfFiles) {
  const TempDir dir;
  const std::string in = dir.write("in.safetensors", odd_safetensors());
  const std::string packed = compressed(dir, in);
  const std::string size = std::to_string(odd_safetensors().size());
  const std::string less = std::to_string(odd_safetensors().size() - 1);
  expect_success(
      dcf({"decompress", packed, "-q", "-o", dir.path("a.safetensors"), "--max-output", size}));
  expect_failure(dcf({"decompress", packed, "-o", dir.path("b.safetensors"), "--max-output", less}),
                 1, "--max-output");
}

// Two files, of which one lies in a folder.
std::string two_files(const TempDir& dir) {
  FileLayout layout("tfjs");
  layout.begin_file("model.json", 2);
  layout.end_file();
  layout.begin_file("sub/shard", 6);
  layout.tensor_at(1, 0, 4);
  layout.end_file();
  // Made lossy, so that no digest is looked at.
  const MemoryLimit limit;
  const std::string path = dir.path("two.dcf");
  DcfWriter writer(path, dcf::writer_options());
  dcf_encode_options options = encode_options(DCF_POSITIONS_AUTO);
  options.canonical_zeros = 1;
  writer.add(float_meta("w", {1}), Bytes{0, 0, 0, 0x80}, options);
  writer.add_section(kLayoutKind, zstd_pack("layout", layout.encoded(), limit));
  writer.add_section(kRestKind, zstd_pack("rest", to_bytes("{}<>"), limit));
  writer.finish();
  return path;
}

void expect_two_files(const std::string& folder, const std::string& main_name) {
  EXPECT_EQ(read_text(folder + "/" + main_name), "{}");
  EXPECT_EQ(read_text(folder + "/sub/shard"), std::string("<\0\0\0\0>", 6));
}

TEST(ExactFile, SeveralFilesGoIntoAFolder) {
  const TempDir dir;
  const std::string file = two_files(dir);
  expect_success(dcf({"decompress", file, "-q", "-o", dir.path("new/model.json")}));
  expect_two_files(dir.path("new"), "model.json");
  expect_success(dcf({"decompress", file, "-q", "-o", dir.path("named/other.json")}));
  expect_two_files(dir.path("named"), "other.json");
  expect_success(dcf({"decompress", file, "-q", "-o", dir.path("slash/")}));
  expect_two_files(dir.path("slash"), "model.json");
  expect_success(dcf({"decompress", file, "-q", "-o", dir.path("plain")}));
  expect_two_files(dir.path("plain"), "model.json");
  expect_success(dcf({"decompress", file, "-q", "-o", dir.path("one"), "--to", "safetensors"}));
  EXPECT_TRUE(fs::is_regular_file(dir.path("one")));
  fs::create_directory(dir.path("there"));
  dir.write("there/mine", "kept");
  expect_success(dcf({"decompress", file, "-q", "-o", dir.path("there")}));
  expect_two_files(dir.path("there"), "model.json");
  EXPECT_EQ(read_text(dir.path("there/mine")), "kept");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path("there")), {}), 3);
}

TEST(ExactFile, NothingIsReplacedUnasked) {
  const TempDir dir;
  const std::string file = two_files(dir);
  fs::create_directories(dir.path("d/sub"));
  dir.write("d/sub/shard", "precious");
  expect_failure(dcf({"decompress", file, "-o", dir.path("d/model.json")}), 2, "shard");
  EXPECT_EQ(read_text(dir.path("d/sub/shard")), "precious");
  EXPECT_FALSE(fs::exists(dir.path("d/model.json")));
  expect_success(dcf({"decompress", file, "-q", "-f", "-o", dir.path("d/model.json")}));
  expect_two_files(dir.path("d"), "model.json");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path("d")), {}), 2);
}

// -f replaces files; what else stands in the way leaves the folder as it was.
TEST(ExactFile, WhatCannotBeReplacedLeavesTheFolderAsItWas) {
  const TempDir dir;
  const std::string file = two_files(dir);
  fs::create_directories(dir.path("d/sub"));
  fs::create_directories(dir.path("d/model.json"));
  dir.write("d/sub/shard", "precious");
  expect_failure(dcf({"decompress", file, "-f", "-o", dir.path("d/")}), 2, "model.json");
  EXPECT_EQ(read_text(dir.path("d/sub/shard")), "precious");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path("d")), {}), 2);
}

TEST(ExactFile, LinksBelowTheOutputAreNotFollowed) {
  const TempDir dir;
  const std::string file = two_files(dir);
  fs::create_directory(dir.path("elsewhere"));
  fs::create_directory(dir.path("d"));
  fs::create_symlink(dir.path("elsewhere"), dir.path("d/sub"));
  for (const std::string force : {"-q", "-f"}) {
    expect_failure(dcf({"decompress", file, force, "-o", dir.path("d/model.json")}), 2, "link");
  }
  EXPECT_TRUE(fs::is_empty(dir.path("elsewhere")));
  EXPECT_FALSE(fs::exists(dir.path("d/model.json")));
}

TEST(OutputName, DecidesTheFormatOrIsRefused) {
  const TempDir dir;
  const std::string in = dir.write("in.safetensors", odd_safetensors());
  const std::string packed = compressed(dir, in);
  for (const std::string name :
       {"model.onnx", "model.json", "model.gguf", "model.tflite", "model", "model.bin", "m.npy"}) {
    SCOPED_TRACE(name);
    expect_failure(dcf({"decompress", packed, "-o", dir.path(name)}), 2, name);
    EXPECT_FALSE(fs::exists(dir.path(name)));
  }
  expect_failure(dcf({"decompress", packed, "-o", dir.path("x"), "--to", "onnx"}), 2, "onnx");
  expect_success(dcf({"decompress", packed, "-q", "-o", dir.path("model"), "--to", "safetensors"}));
  EXPECT_EQ(read_text(dir.path("model")), odd_safetensors());
  expect_success(dcf({"decompress", packed, "-q", "-o", dir.path("model.npz")}));
  expect_success(dcf({"decompress", packed, "-q", "-o", dir.path("b.onnx"), "--to", "npz"}));
  EXPECT_EQ(read_text(dir.path("b.onnx")), read_text(dir.path("model.npz")));
  const std::string array =
      dir.write("v.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "abcd"));
  const std::string one = compressed(dir, array, {"--no-exact-file"});
  expect_success(dcf({"decompress", one, "-q", "-o", dir.path("one.npy")}));
  EXPECT_EQ(read_text(dir.path("one.npy")).substr(0, 6), "\x93NUMPY");
}

TEST(ForeignFile, IsDescribedCheckedAndShown) {
  const TempDir dir;
  const std::string in = dir.write("in.safetensors", odd_safetensors());
  const auto info = dcf({"info", in, "--json"}).json();
  EXPECT_EQ(info["format"], "safetensors");
  EXPECT_EQ(info["tensors"].size(), 3u);
  EXPECT_EQ(info["metadata"]["z"], "1");
  expect_success(dcf({"info", in}));
  const Result verified = dcf({"verify", in});
  expect_success(verified);
  EXPECT_NE(verified.out.find("no checksums"), std::string::npos) << verified.out;
  expect_success(dcf({"cat", in, "A", "-o", dir.path("b.npy")}));
  EXPECT_EQ(read_text(dir.path("b.npy")).substr(128), "efghijkl");
  expect_failure(dcf({"cat", in, "x"}), 2, "x");
  const std::string damaged = odd_safetensors();
  dir.write("cut.safetensors", damaged.substr(0, damaged.size() - 1));
  for (const char* const verb : {"info", "verify"}) {
    expect_failure(dcf({verb, dir.path("cut.safetensors")}), 1, "cut.safetensors");
  }
}

TEST(ExactFile, WhatDoesNotComeBackIsSaid) {
  const TempDir dir;
  const std::string small = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
  const std::string array = npy(small, std::string(16, 'a'));
  const auto note_on = [&](const std::string& in, const std::vector<std::string>& options = {}) {
    std::vector<std::string> args = {"compress", in, "-f", "-o", dir.path("o.dcf")};
    args.insert(args.end(), options.begin(), options.end());
    const Result result = dcf(args);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.err;
  };
  const std::string note = "dcf: note: the tensors come back, but not the file itself: ";
  const std::string packed =
      dir.write("packed.npz", zip({{.name = "w.npy", .content = array, .deflate = true}}));
  EXPECT_EQ(note_on(packed), note + "array 'w' is compressed\n");
  EXPECT_EQ(note_on(packed, {"-q"}), "");
  EXPECT_EQ(note_on(packed, {"--no-exact-file"}), "");
  const Result as_json = dcf({"compress", packed, "-f", "-o", dir.path("o.dcf"), "--json"});
  EXPECT_EQ(as_json.json()["notes"][0],
            "the tensors come back, but not the file itself: array 'w' is compressed");
  EXPECT_EQ(note_on(dir.write("plain.npz", zip({{.name = "w.npy", .content = array}}))), "");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string dict = small;
    dict.replace(dict.find(from), from.size(), to);
    return dir.write("w.npy", npy(dict, std::string(16, 'a')));
  };
  EXPECT_EQ(note_on(with("<f4", ">f4")), note + "its elements are big-endian\n");
  EXPECT_EQ(note_on(with("False", "True")), note + "its elements are in Fortran order\n");
}

TEST(ExactFile, NamesAreTakenInAnyCase) {
  const TempDir dir;
  const std::string in = dir.write("in.safetensors", odd_safetensors());
  const std::string packed = compressed(dir, in);
  expect_success(dcf({"decompress", packed, "-q", "-o", dir.path("X.SAFETENSORS")}));
  EXPECT_EQ(read_text(dir.path("X.SAFETENSORS")), odd_safetensors());
  expect_success(dcf({"decompress", packed, "-q", "-o", dir.path("X.Npz")}));
  EXPECT_EQ(read_text(dir.path("X.Npz")).substr(0, 2), "PK");
  expect_failure(dcf({"compress", in, "-o", dir.path("X.NPZ")}), 2, "under the name of a npz");
  expect_failure(dcf({"decompress", packed, "-o", dir.path("x.safetensors.index.json")}), 2,
                 "only where the model came in shards");
}

TEST(ForeignFile, IsNoDcfFile) {
  const TempDir dir;
  const std::string in = dir.write("in.safetensors", odd_safetensors());
  const std::string packed = compressed(dir, in);
  expect_failure(dcf({"decompress", in, "-o", dir.path("x.npz")}), 1,
                 "it is a model of the format 'safetensors' (rule H-01");
  expect_failure(dcf({"decompress", dir.write("x", "nothing known"), "-o", dir.path("x.npz")}), 1,
                 ".dcf magic (rule H-01");
  expect_failure(dcf({"compare", packed, in, "--bounds"}), 1, "--bounds takes it second");
  expect_failure(dcf({"compare", in, in, "--bounds"}), 1, "is no .dcf file");
  expect_success(dcf({"compare", in, packed, "--bounds", "-q"}));
}

}  // namespace
}  // namespace dcf::tools::test
