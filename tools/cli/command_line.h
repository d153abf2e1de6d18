// SPDX-License-Identifier: Apache-2.0
// The command line as the verbs describe it: options, arguments, what a value may be, what a verb
// does. CLI11 parses it. Its header, which costs every file that reads it three seconds of
// compilation, is read by command_line.cc and by the manual alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace dcf::tools {

// What a verb does; returns the exit code or throws.
using Run = std::function<int()>;

// Thrown by what takes a value: says what is wrong with it.
class BadValue : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// An option, or an argument that has its place. A handle: the Program owns what it stands for.
// Functions return the handle, so that calls can be chained.
class Argument {
 public:
  explicit Argument(CLI::Option* option) : option_(option) {}

  Argument required(bool is_required = true) const;
  // What stands for the value in the help: "FILE", "OUT", "DIR", "X.npy". Completions follow it.
  Argument value_name(const std::string& name) const;
  Argument describe(const std::string& what) const;
  Argument show_default() const;

  // What a value may be; others end the program with a usage error.
  Argument not_empty() const;
  Argument digits_only() const;  // CLI11 itself would read "-1" as 2^64 - 1
  Argument one_of(const std::vector<std::string>& values) const;
  Argument within(int low, int high) const;
  Argument within(uint32_t low, uint32_t high) const;
  Argument within(uint64_t low, uint64_t high) const;
  // `problem` returns what is wrong with a value, or nothing; `bounds` goes into the help.
  Argument check(std::function<std::string(const std::string&)> problem,
                 const std::string& bounds = "") const;

  Argument needs(const Argument& other) const;
  Argument excludes(const Argument& other) const;

  bool was_given() const;  // once the command line is parsed

 private:
  CLI::Option* option_;
};

// A verb, or a program that has none. A handle, as Argument.
class Verb {
 public:
  Verb(CLI::App* app, Run* run) : app_(app), run_(run) {}

  // `names` is "-o,--output", or "IN" for an argument. Values go to `*value`, which must live as
  // long as the Program. T: std::string, int, uint32_t, uint64_t, double, std::optional of the last
  // three, std::vector<uint64_t>.
  template <typename T>
  Argument add(const std::string& names, T* value, const std::string& what) const;
  // `take` gets each value as it is read; may throw BadValue.
  Argument add_call(const std::string& names, std::function<void(const std::string&)> take,
                    const std::string& what) const;
  Argument add_flag(const std::string& names, bool* value, const std::string& what) const;
  Argument add_flag_call(const std::string& names, std::function<void()> take,
                         const std::string& what) const;
  // The option of that name, which must be there.
  Argument find(const std::string& name) const;

  void footer(const std::string& text) const;
  // All that follows goes to another program, --help included: remaining() has it.
  void take_rest() const;
  void on_run(Run run) const;

  // Once the command line is parsed: the long names of what was given, or "IN" of an argument.
  std::vector<std::string> given() const;
  std::vector<std::string> remaining() const;

 private:
  CLI::App* app_;
  Run* run_;
};

class Program {
 public:
  Program(const std::string& name, const std::string& what, const std::string& footer);
  ~Program();

  // For the option --version.
  void set_version(const std::string& text);
  // The program itself, where it has no verbs.
  Verb root();
  Verb add_verb(const std::string& name, const std::string& what);

  // Parses and runs. Prints help and version where they are asked for. Throws UsageError.
  int run(int argc, char** argv);

  // Of a verb, or of the whole program where `verb` is empty; throws UsageError for an unknown one.
  std::string help(const std::string& verb) const;
  // For the manual.
  const CLI::App& app() const { return *app_; }

 private:
  bool parse(int argc, char** argv);
  std::string suggestion(const std::string& word) const;

  std::unique_ptr<CLI::App> app_;
  Run run_;
  bool has_verbs_ = false;
};

}  // namespace dcf::tools
