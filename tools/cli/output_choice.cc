// SPDX-License-Identifier: Apache-2.0
#include "cli/output_choice.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "formats/error.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr std::string_view kSafetensors = "safetensors";

struct Ending {
  std::string_view ending;
  std::string_view format;
};
// A longer ending comes before one that it ends in.
constexpr Ending kEndings[] = {{".safetensors.index.json", kSafetensors},
                               {".json", "tfjs"},
                               {".safetensors", kSafetensors},
                               {".npz", "npz"},
                               {".npy", "npy"},
                               {".onnx", "onnx"},
                               {".gguf", "gguf"},
                               {".tflite", "tflite"},
                               {".litert", "tflite"}};
// Formats that tensors can be written in, whatever they came from.
constexpr std::pair<std::string_view, SinkFormat> kSinks[] = {
    {kSafetensors, SinkFormat::kSafetensors}, {"npz", SinkFormat::kNpz}, {"npy", SinkFormat::kNpy}};

// Names are taken in any case.
const Ending* ending_of(const std::string& path) {
  const std::string name = lower_case(path);
  for (const Ending& ending : kEndings) {
    if (name.ends_with(ending.ending)) return &ending;
  }
  return nullptr;
}

std::string_view last_extension(std::string_view path) {
  const size_t slash = path.rfind('/');
  const size_t dot = path.rfind('.');
  return dot == std::string_view::npos || (slash != std::string_view::npos && dot < slash)
             ? std::string_view()
             : path.substr(dot);
}

// Whether `path` is called as the main file of that name is.
bool is_called_like(const std::string& path, const std::string& main_name) {
  const Ending* const own = ending_of(path);
  const Ending* const other = ending_of(main_name);
  if (own != nullptr && other != nullptr) {
    return own == other || (own->format == "tflite" && other->format == "tflite");
  }
  return own == other && !last_extension(path).empty() &&
         lower_case(last_extension(path)) == lower_case(last_extension(main_name));
}

// Whether an output of this name and format, which may be empty, is what the model came from.
bool is_original(const std::string& path, const std::string& format,
                 const std::optional<OriginalFiles>& originals) {
  if (!originals || (!format.empty() && format != originals->format())) return false;
  const std::string& main_name = originals->files()[0].name;
  if (is_called_like(path, main_name)) return true;
  // A name that says nothing, with a format: a checkpoint in shards becomes one file then.
  const Ending* const ending = ending_of(path);
  return !format.empty() && (ending == nullptr || ending->format != format) &&
         !(format == kSafetensors && main_name.ends_with(".json"));
}

// Of a model of several files a name without an extension is a folder, too.
bool names_folder(const std::string& path, const std::string& to,
                  const std::optional<OriginalFiles>& originals) {
  std::error_code ignored;
  return path.ends_with('/') || std::filesystem::is_directory(path, ignored) ||
         (originals && originals->files().size() > 1 && path != "-" &&
          last_extension(path).empty() && (to.empty() || to == originals->format()));
}

std::string what_it_came_from(const std::optional<OriginalFiles>& originals) {
  return originals ? "the file was made from " + quote(originals->format())
                   : "the file does not keep what it was made from";
}

}  // namespace

const std::vector<std::string>& output_formats() {
  static const std::vector<std::string> formats = [] {
    std::vector<std::string> names;
    for (const Ending& ending : kEndings) {
      const std::string name(ending.format);
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    names.emplace_back("ctranslate2");
    return names;
  }();
  return formats;
}

void check_output_name(const std::string& path, const std::string& format) {
  const Ending* const ending = ending_of(path);
  if (ending == nullptr || ending->format == format) return;
  throw_failure(quote(path), "would hold " + format + " under the name of a " +
                                 std::string(ending->format) + " file; name it otherwise");
}

OutputChoice choose_output(const std::string& input, const std::string& path, const std::string& to,
                           const std::optional<OriginalFiles>& originals) {
  OutputChoice choice;
  if (names_folder(path, to, originals)) {
    if (!originals || (!to.empty() && to != originals->format())) {
      throw_failure(input, "cannot be written into a folder: " + what_it_came_from(originals));
    }
    choice.originals = true;
    choice.folder = path;
    choice.main_name = originals->files()[0].name;
    return choice;
  }

  const Ending* const ending = ending_of(path);
  std::string format = to;
  if (format.empty() && path == "-") format = kSafetensors;
  if (format.empty() && ending != nullptr) format = ending->format;
  if (is_original(path, format, originals)) {
    choice.originals = true;
    // Beside a checkpoint of one file lie others that it does not need.
    const bool needs_others =
        originals->format() != kSafetensors || originals->files()[0].name.ends_with(".json");
    if (originals->files().size() > 1 && needs_others) {
      if (path == "-") {
        throw_failure(input, "is a model of several files, which standard output cannot take");
      }
      const std::filesystem::path parent = std::filesystem::path(path).parent_path();
      choice.folder = parent.empty() ? "." : parent.string();
      choice.main_name = std::filesystem::path(path).filename().string();
    }
    return choice;
  }
  if (format.empty()) {
    throw_failure(quote(path),
                  "has a name that tells no format; end it in .safetensors, .npz or what the model "
                  "came from, or choose one with --to");
  }
  for (const auto& [name, sink] : kSinks) {
    if (name != format) continue;
    if (to.empty() && ending != nullptr && ending->ending.ends_with(".json")) {
      throw_failure(quote(path),
                    "is the name of an index of shards, which is written only where the model "
                    "came in shards; end the name in .safetensors");
    }
    choice.sink = sink;
    return choice;
  }
  throw_failure(quote(path), "cannot be written as " + quote(format) + ": " +
                                 what_it_came_from(originals) +
                                 ", and only safetensors, npz and npy are made from tensors");
}

}  // namespace dcf::tools
