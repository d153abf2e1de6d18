// SPDX-License-Identifier: Apache-2.0
// Where a run keeps what is done, so that it can go on after an interruption.
#pragma once

#include <string>

#include "formats/digits.h"
#include "research/train/session.h"

namespace dcf::tools {

class WorkFolder {
 public:
  // Makes the folder, or takes it up where it belongs to the same network, recipe, seed, data and
  // threads; throws Error where it belongs to another run.
  WorkFolder(std::string path, const Session& session, const Digits& digits, uint32_t threads);

  const std::string& path() const { return path_; }
  // All is done.
  void remove();

 private:
  std::string path_;
};

}  // namespace dcf::tools
