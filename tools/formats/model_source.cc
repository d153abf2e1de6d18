// SPDX-License-Identifier: Apache-2.0
#include "formats/model_source.h"

#include <algorithm>
#include <bit>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "formats/ctranslate2_source.h"
#include "formats/dcf_source.h"
#include "formats/foreign_files.h"
#include "formats/gguf_source.h"
#include "formats/input_file.h"
#include "formats/json.h"
#include "formats/net_source.h"
#include "formats/npy_source.h"
#include "formats/npz_source.h"
#include "formats/onnx_detect.h"
#ifdef DCF_WITH_ONNX
#include "formats/onnx_source.h"
#endif
#include "formats/safetensors_header.h"
#include "formats/safetensors_shards.h"
#include "formats/safetensors_source.h"
#include "formats/text.h"
#include "formats/tfjs_source.h"
#ifdef DCF_WITH_TFLITE
#include "formats/tflite_source.h"
#endif

namespace dcf::tools {
namespace {

constexpr std::string_view kDcfMagic =
    "\x89"
    "DCF\r\n\x1a\n";

bool has_extension(std::string_view path, std::string_view extension) {
  return path.ends_with(extension);
}

bool looks_like_json(std::string_view head) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (head.starts_with(kByteOrderMark)) head.remove_prefix(kByteOrderMark.size());
  const size_t first = head.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (head[first] == '{' || head[first] == '[');
}

// A flatbuffer starts with the offset of its root; then comes what identifies the schema.
bool looks_like_tflite(std::string_view head) {
  constexpr size_t kOffsetBytes = 4;
  return head.size() > kOffsetBytes && head.substr(kOffsetBytes).starts_with("TFL3");
}

[[noreturn]] void throw_unknown(const std::string& path, std::string_view head) {
  refuse_foreign(path, head);
  for (const std::string_view extension : {".npy", ".npz", ".onnx"}) {
    if (has_extension(path, extension)) {
      throw_invalid(path, "is not what its name says: it does not start like a " +
                              std::string(extension) + " file");
    }
  }
  if (has_extension(path, ".dcf")) {
    throw_invalid(path, "is not a .dcf file: the magic bytes differ");
  }
  throw_invalid(
      path,
      "is not a model file of a known format (.dcf, safetensors, npy, npz, ONNX, GGUF, "
      "TensorFlow Lite, TensorFlow.js model.json, CTranslate2 model.bin; .net with --layers)");
}

// An index of safetensors, else TensorFlow.js.
std::unique_ptr<ModelSource> open_json_model(InputFile file, const MemoryLimit& limit,
                                             bool dequantize) {
  JsonDocument document;
  parse_json_file(file, &document, limit, "modelTopology");
  const nlohmann::json& root = document.root();
  if (is_safetensors_index(root)) return open_safetensors_index(std::move(file), document, limit);
  return open_tfjs_model(std::move(file), root, limit, dequantize);
}

}  // namespace

void ModelSource::with_file(size_t /*i*/, const UseFile& /*use*/) const {
  throw std::logic_error("ModelSource: there is no layout of files");
}

std::vector<uint8_t> ModelSource::read(size_t i) const {
  const TensorMeta& tensor = tensors_.at(i);
  std::vector<uint8_t> bytes = limit_.buffer(path_, "tensor " + quote(tensor.name), tensor.bytes());
  open_tensor(i)->read(bytes);
  return bytes;
}

std::unique_ptr<TensorReader> ModelSource::open_tensor_at(size_t i, uint64_t offset) const {
  // Formats whose tensors lie in their files as they are can do better.
  constexpr uint64_t kSkipBytes = uint64_t{1} << 16;
  auto reader = open_tensor(i);
  std::vector<uint8_t> skipped(static_cast<size_t>(std::min(offset, kSkipBytes)));
  for (uint64_t left = offset; left > 0;) {
    const auto out = std::span(skipped).first(static_cast<size_t>(std::min(left, kSkipBytes)));
    reader->read(out);
    left -= out.size();
  }
  return reader;
}

void ModelSource::read_pieces(size_t i, const Consume& consume) const {
  // Powers of two: whole elements of every width.
  constexpr uint64_t kLeastBytes = uint64_t{1} << 16;
  constexpr uint64_t kMostBytes = uint64_t{1} << 20;
  const uint64_t piece_bytes = std::clamp(std::bit_floor(limit_.bytes()), kLeastBytes, kMostBytes);
  const auto reader = open_tensor(i);
  const uint64_t bytes = tensors_.at(i).bytes();
  std::vector<uint8_t> piece(static_cast<size_t>(std::min(bytes, piece_bytes)));
  uint64_t left = bytes;
  do {  // an empty tensor has one empty piece: its reader, too, checks what it can
    const auto out = std::span(piece).first(static_cast<size_t>(std::min(left, piece_bytes)));
    reader->read(out);
    consume(out);
    left -= out.size();
  } while (left > 0);
}

bool is_dcf_file(const std::string& path) {
  std::error_code ignored;
  if (path == "-") return true;
  if (std::filesystem::is_directory(path, ignored)) return false;
  const InputFile file(path);
  std::array<uint8_t, kDcfMagic.size()> bytes{};
  if (file.size() < bytes.size()) return path.ends_with(".dcf");
  file.read_at(0, bytes);
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return head == kDcfMagic || path.ends_with(".dcf");
}

std::unique_ptr<ModelSource> open_model(const std::string& path, const OpenHints& hints) {
  if (path == "-") {
    throw_failure(path,
                  "a model is read at many places, which standard input cannot do; name a file");
  }
  const MemoryLimit limit(hints.max_memory);
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return open_safetensors_folder(path, limit);
  InputFile file(path);
  if (file.size() == 0) throw_invalid(path, "is empty");
  if (!hints.layers_json.empty()) return open_net_model(std::move(file), hints.layers_json, limit);

  const std::string head = read_head(file);
  refuse_stand_in(path, head);
  if (hints.dequantize && !looks_like_json(head)) {
    throw_failure(path, "is no TensorFlow.js model, whose quantised weights alone become numbers");
  }

  if (head.starts_with(kDcfMagic)) return open_dcf_model(path, hints);
  if (head.starts_with("GGUF")) return open_gguf_model(std::move(file), limit);
  if (looks_like_tflite(head)) {
#ifdef DCF_WITH_TFLITE
    return open_tflite_model(std::move(file), limit);
#else
    throw_failure(path,
                  "is a TensorFlow Lite model, which this build leaves out: build it with the "
                  "packages libflatbuffers-dev and flatbuffers-compiler");
#endif
  }
  if (head.starts_with("\x93NUMPY")) return open_npy_model(std::move(file), limit);
  if (head.starts_with("PK\x03\x04") || head.starts_with("PK\x05\x06")) {
    return open_npz_model(std::move(file), limit);
  }
  if (looks_like_safetensors(head)) return open_safetensors_model(std::move(file), limit);
  if (looks_like_json(head)) {
    return open_json_model(std::move(file), limit, hints.dequantize);
  }
  if (is_ctranslate2(head)) return open_ctranslate2_model(std::move(file), limit);
  if (looks_like_onnx(file)) {
#ifdef DCF_WITH_ONNX
    return open_onnx_model(std::move(file), limit);
#else
    throw_failure(path,
                  "is an ONNX model, which this build leaves out: build it with the packages "
                  "libprotobuf-dev and libonnx-dev");
#endif
  }
  if (has_extension(path, ".safetensors")) return open_safetensors_model(std::move(file), limit);
  throw_unknown(path, head);
}

}  // namespace dcf::tools
