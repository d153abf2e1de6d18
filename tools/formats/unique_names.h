// SPDX-License-Identifier: Apache-2.0
// Names of tensors for a .dcf, which are unique there, where a format repeats them.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace dcf::tools {

class UniqueNames {
 public:
  // False where the name is taken already.
  bool reserve(const std::string& name) { return taken_.insert(name).second; }
  // `name`, or the first of "name#2", "name#3", ... that is not taken yet. Takes it.
  std::string take(const std::string& name);

 private:
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, uint64_t> next_;  // the number to go on with, by name
};

}  // namespace dcf::tools
