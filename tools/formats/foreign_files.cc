// SPDX-License-Identifier: Apache-2.0
#include "formats/foreign_files.h"

#include <algorithm>
#include <cstdint>
#include <span>

#include "formats/error.h"

namespace dcf::tools {
namespace {

struct ForeignMagic {
  std::string_view magic;
  std::string_view sentence;
};
constexpr ForeignMagic kForeignMagics[] = {
    {"\x1f\x8b", "is compressed with gzip; unpack it first"},
    {"\x28\xb5\x2f\xfd", "is compressed with zstd; unpack it first"},
    {"\xfd"
     "7zXZ",
     "is compressed with xz; unpack it first"},
};

bool is_safe_in_shell(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
         c == '.' || c == '_' || c == '-' || c == '+' || c == '@' || c == ',';
}

// The path as it may stand in quotes in a line of shell and Python, or a placeholder for it.
std::string in_line(const std::string& path, const char* placeholder) {
  return std::all_of(path.begin(), path.end(), is_safe_in_shell) ? path : placeholder;
}

std::string output_name(const std::string& path) {
  const size_t dot = path.rfind('.');
  const size_t slash = path.rfind('/');
  const bool extension = dot != std::string::npos && (slash == std::string::npos || dot > slash);
  return path.substr(0, extension ? dot : path.size()) + ".safetensors";
}

// python3 -c "CODE": IN, OUT and FOLDER in the code become paths.
std::string python_line(const std::string& path, std::string_view code) {
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  std::string line = "python3 -c \"";
  while (!code.empty()) {
    const auto replace = [&](std::string_view word, const std::string& value) {
      if (!code.starts_with(word)) return false;
      line += value;
      code.remove_prefix(word.size());
      return true;
    };
    if (replace("IN", in_line(path, "IN"))) continue;
    if (replace("OUT", in_line(output_name(path), "OUT.safetensors"))) continue;
    if (replace("FOLDER/", in_line(folder, "FOLDER/"))) continue;
    line += code.front();
    code.remove_prefix(1);
  }
  return line + "\"";
}

[[noreturn]] void refuse(const std::string& path, std::string_view what, std::string_view code) {
  throw_failure(path,
                std::string(what) + "; make safetensors of it with " + python_line(path, code));
}

// Dicts in dicts, such as {'state_dict': {...}, 'epoch': 3}, become names with dots.
constexpr std::string_view kTorchCode =
    "import torch, safetensors.torch as s; "
    "f = lambda o, p: {p[1:]: o.clone().contiguous()} if torch.is_tensor(o) else "
    "{k: v for n in o for k, v in f(o[n], p + '.' + str(n)).items()} if isinstance(o, dict) "
    "else {}; "
    "s.save_file(f(torch.load('IN', map_location='cpu', weights_only=True), ''), 'OUT')";
// The tar archives of PyTorch before 0.2 cannot be loaded with weights_only.
constexpr std::string_view kTorchTarCode =
    "import torch, safetensors.torch as s; "
    "s.save_file({k: v.clone().contiguous() for k, v in "
    "torch.load('IN', map_location='cpu', weights_only=False).items()}, 'OUT')";
constexpr std::string_view kTorchScriptCode =
    "import torch, safetensors.torch as s; "
    "s.save_file({k: v.clone().contiguous() for k, v in "
    "torch.jit.load('IN', map_location='cpu').state_dict().items()}, 'OUT')";
constexpr std::string_view kPickleCode =
    "import pickle, numpy as np, safetensors.numpy as s; "
    "s.save_file({str(k): np.array(v, order='C') for k, v in "
    "pickle.load(open('IN', 'rb')).items()}, 'OUT')";
constexpr std::string_view kHdf5Code =
    "import h5py, numpy as np, safetensors.numpy as s; t = {}; "
    "h5py.File('IN').visititems(lambda k, v: t.update({k: np.asarray(v)}) "
    "if isinstance(v, h5py.Dataset) and v.dtype.kind in 'biuf' else None); "
    "s.save_file(t, 'OUT')";
constexpr std::string_view kKerasCode =
    "import h5py, io, zipfile, numpy as np, safetensors.numpy as s; t = {}; "
    "h5py.File(io.BytesIO(zipfile.ZipFile('IN').read('model.weights.h5'))).visititems("
    "lambda k, v: t.update({k: np.asarray(v)}) "
    "if isinstance(v, h5py.Dataset) and v.dtype.kind in 'biuf' else None); "
    "s.save_file(t, 'OUT')";
// What starts with '_' is the checkpoint's own record of its objects.
constexpr std::string_view kSavedModelCode =
    "import numpy as np, tensorflow as tf, safetensors.numpy as s; "
    "p = 'FOLDER/variables/variables'; "
    "s.save_file({n: np.asarray(tf.train.load_variable(p, n)) "
    "for n, _ in tf.train.list_variables(p) if n[0] != '_'}, 'OUT')";

constexpr std::string_view kPickle = "a Python pickle, which is code and never run here";

// Protocols 2 to 5 start with the PROTO opcode; older ones cannot be told from text.
bool is_pickle(std::string_view head) {
  return head.size() >= 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5;
}

// torch.save() before 1.6 writes a number of 10 bytes first.
bool is_torch_pickle(std::string_view head) {
  return is_pickle(head) && head.substr(2).starts_with("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8");
}

// Before 0.2 it writes a tar archive, whose members are few and whose first is known.
bool is_torch_tar(std::string_view head) {
  constexpr size_t kMagicAt = 257;
  if (head.size() < kMagicAt || !head.substr(kMagicAt).starts_with("ustar")) return false;
  for (const std::string_view name : {"sys_info", "pickle", "storages", "tensors"}) {
    if (head.starts_with(name) && head[name.size()] == '\0') return true;
  }
  return false;
}

bool is_hdf5(std::string_view head) {
  return head.starts_with("\x89HDF\r\n\x1a\n");
}

// The number at `*at` as protobuf writes it; false where there is none.
bool read_varint(std::string_view head, size_t* at, uint64_t* value) {
  *value = 0;
  for (unsigned shift = 0; shift < 63 && *at < head.size(); shift += 7) {
    const auto byte = static_cast<uint8_t>(head[(*at)++]);
    *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

// Field 1, the schema's version, is 1; field 2 a graph, which starts with its field 1.
bool is_saved_model(std::string_view head) {
  constexpr std::string_view kStart = "\x08\x01\x12";
  if (!head.starts_with(kStart)) return false;
  size_t at = kStart.size();
  uint64_t bytes = 0;
  return read_varint(head, &at, &bytes) && at < head.size() && head[at] == '\x0a';
}

// A graph of TensorFlow 1: nodes (field 1), each with a name (field 1) and an operation (field 2).
bool is_frozen_graph(std::string_view head) {
  size_t at = 1;
  uint64_t node_bytes = 0;
  uint64_t name_bytes = 0;
  if (!head.starts_with('\x0a') || !read_varint(head, &at, &node_bytes)) return false;
  if (at >= head.size() || head[at++] != '\x0a' || !read_varint(head, &at, &name_bytes)) {
    return false;
  }
  if (name_bytes > head.size() - at) return false;
  const std::string_view rest = head.substr(at + static_cast<size_t>(name_bytes));
  for (const std::string_view operation : {"\x12\x0bPlaceholder",
                                           "\x12\x05"
                                           "Const"}) {
    if (rest.starts_with(operation)) return true;
  }
  return false;
}

bool starts_with_word(std::string_view text, std::string_view lower_case) {
  if (text.size() < lower_case.size()) return false;
  return std::equal(lower_case.begin(), lower_case.end(), text.begin(), [](char want, char is) {
    return want == (is >= 'A' && is <= 'Z' ? static_cast<char>(is - 'A' + 'a') : is);
  });
}

void refuse_pickle(const std::string& path, std::string_view head) {
  if (is_torch_pickle(head)) {
    refuse(path, "is a PyTorch checkpoint, " + std::string(kPickle), kTorchCode);
  }
  if (is_torch_tar(head)) {
    refuse(path,
           "is a PyTorch checkpoint of before 0.2, " + std::string(kPickle) +
               ", and neither by you unless you trust its source",
           kTorchTarCode);
  }
  if (is_pickle(head)) {
    refuse(path, "is " + std::string(kPickle) + ", and neither by you unless you trust its source",
           kPickleCode);
  }
}

}  // namespace

std::string read_head(const InputFile& file) {
  std::string head(static_cast<size_t>(std::min<uint64_t>(file.size(), kForeignHeadBytes)), '\0');
  file.read_at(0, std::span(reinterpret_cast<uint8_t*>(head.data()), head.size()));
  return head;
}

void refuse_stand_in(const std::string& path, std::string_view head) {
  if (head.starts_with("version https://git-lfs.github.com/spec/")) {
    throw_invalid(path, "is a Git LFS pointer, not the file itself; get that with git lfs pull");
  }
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (head.starts_with(kByteOrderMark)) head.remove_prefix(kByteOrderMark.size());
  head.remove_prefix(std::min(head.find_first_not_of(" \t\r\n"), head.size()));
  if (starts_with_word(head, "<!doctype html") || starts_with_word(head, "<html")) {
    throw_invalid(path,
                  "is an HTML page, not a model; it is what a server answered instead of the file");
  }
}

void refuse_foreign(const std::string& path, std::string_view head) {
  for (const ForeignMagic& foreign : kForeignMagics) {
    if (head.starts_with(foreign.magic)) throw_failure(path, std::string(foreign.sentence));
  }
  refuse_pickle(path, head);
  if (is_hdf5(head)) {
    refuse(path, "is an HDF5 file, such as Keras writes, which is not read", kHdf5Code);
  }
  if (is_saved_model(head)) {
    refuse(path, "is the graph of a TensorFlow SavedModel, which is not read", kSavedModelCode);
  }
  if (is_frozen_graph(head)) {
    throw_failure(path,
                  "is a frozen graph of TensorFlow 1, which is not read; make ONNX of it with "
                  "python3 -m tf2onnx.convert --graphdef " +
                      in_line(path, "IN") + " --inputs NAMES --outputs NAMES --output model.onnx");
  }
}

void refuse_foreign_zip(const std::string& path, const std::vector<std::string_view>& names) {
  const auto holds = [&](std::string_view wanted) {
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
      return name == wanted ||
             (name.ends_with(wanted) && name[name.size() - wanted.size() - 1] == '/');
    });
  };
  if (holds("data.pkl")) {
    const bool script = holds("constants.pkl");
    refuse(path,
           (script ? "is a TorchScript program, " : "is a PyTorch checkpoint, ") +
               std::string(kPickle),
           script ? kTorchScriptCode : kTorchCode);
  }
  if (holds("model.weights.h5")) {
    refuse(path, "is a Keras model, which is not read", kKerasCode);
  }
}

}  // namespace dcf::tools
