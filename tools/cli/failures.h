// SPDX-License-Identifier: Apache-2.0
// Errors of the command line itself, and how all errors are told to the user.
#pragma once

#include <exception>
#include <string>

#include "formats/error.h"

namespace dcf::tools {

// The command line asks for something that makes no sense.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(kExitFailure, message) {}
};

// --eval found that the restored model scores too low.
class ScoreError : public Error {
 public:
  explicit ScoreError(const std::string& message) : Error(kExitInvalid, message) {}
};

// No file that was tried is as small as --max-size asks.
class SizeError : public Error {
 public:
  explicit SizeError(const std::string& message) : Error(kExitInvalid, message) {}
};

// Tells `error` on stderr, or as {"error": {...}} on stdout, and returns the exit code.
int report_error(const std::exception& error, bool as_json);

}  // namespace dcf::tools
