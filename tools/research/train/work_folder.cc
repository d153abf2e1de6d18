// SPDX-License-Identifier: Apache-2.0
#include "research/train/work_folder.h"

#include <dcf/dcf.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "formats/error.h"
#include "research/train/digest.h"

namespace dcf::tools {
namespace {

std::string identity(const Session& session, const Digits& digits, uint32_t threads) {
  const uint64_t data = digest(digits.labels, digest(digits.images));
  return fmt::format("dcf {}\nnetwork {}\nrecipe {}\nseed {}\ndata {:016x}\nthreads {}\n",
                     dcf_version_string(), network_text(*session.network),
                     recipe_text(session.recipe), session.seed, data, threads);
}

}  // namespace

WorkFolder::WorkFolder(std::string path, const Session& session, const Digits& digits,
                       uint32_t threads)
    : path_(std::move(path)) {
  std::error_code code;
  std::filesystem::create_directories(path_, code);
  if (code) throw_failure(path_, "cannot be made: " + code.message());
  const std::string file = path_ + "/run";
  const std::string wanted = identity(session, digits, threads);
  std::ifstream in(file, std::ios::binary);
  if (in) {
    const std::string found((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (found != wanted) {
      throw_failure(path_, "holds what another run has done: remove it, or name another output");
    }
    return;
  }
  std::ofstream out(file, std::ios::binary);
  out << wanted;
  out.close();
  if (!out) throw_failure(file, "cannot be written");
}

void WorkFolder::remove() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace dcf::tools
