// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <optional>
#include <span>
#include <sstream>

#include "cli/failures.h"
#include "cli/nearest_name.h"
#include "cli/output.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr size_t kHelpColumn = 32;

// The long name of an option, or else the name of an argument.
std::string name_of(const CLI::Option& option) {
  return option.get_lnames().empty() ? option.get_single_name()
                                     : "--" + option.get_lnames().front();
}

// As CLI::Range, in words of our own.
template <typename T>
CLI::Validator range(T low, T high) {
  const CLI::Range theirs(low, high);
  const auto problem = [theirs, low, high](const std::string& text) {
    if (theirs(text).empty()) return std::string();
    const bool number = !text.empty() && text.find_first_not_of("-0123456789") == std::string::npos;
    return (number ? text : quote(text)) + " is not in the range " + std::to_string(low) + " to " +
           std::to_string(high);
  };
  return {problem, theirs.get_description()};
}

// "--output=" is an option without a value to CLI11, which takes the next word for it.
void refuse_empty_values(std::span<char* const> words) {
  for (const std::string_view word : words) {
    if (word == "--") return;
    if (word.starts_with("--") && word.find('=') == word.size() - 1) {
      throw UsageError(std::string(word.substr(0, word.size() - 1)) + ": the value is empty");
    }
  }
}

}  // namespace

Argument Argument::required(bool is_required) const {
  option_->required(is_required);
  return *this;
}

Argument Argument::value_name(const std::string& name) const {
  option_->type_name(name);
  return *this;
}

Argument Argument::describe(const std::string& what) const {
  option_->description(what);
  return *this;
}

Argument Argument::show_default() const {
  option_->capture_default_str();
  return *this;
}

Argument Argument::not_empty() const {
  return check([](const std::string& text) { return text.empty() ? "the value is empty" : ""; });
}

Argument Argument::digits_only() const {
  return check([](const std::string& text) {
    const bool ok = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    return ok ? std::string() : "'" + text + "' is not an unsigned integer";
  });
}

Argument Argument::one_of(const std::vector<std::string>& values) const {
  option_->check(CLI::IsMember(values));
  return *this;
}

Argument Argument::within(int low, int high) const {
  option_->check(range(low, high));
  return *this;
}

Argument Argument::within(uint32_t low, uint32_t high) const {
  option_->check(range(low, high));
  return *this;
}

Argument Argument::within(uint64_t low, uint64_t high) const {
  option_->check(range(low, high));
  return *this;
}

Argument Argument::check(std::function<std::string(const std::string&)> problem,
                         const std::string& bounds) const {
  option_->check(CLI::Validator(
      [problem = std::move(problem)](const std::string& text) { return problem(text); }, bounds));
  return *this;
}

Argument Argument::needs(const Argument& other) const {
  option_->needs(other.option_);
  return *this;
}

Argument Argument::excludes(const Argument& other) const {
  option_->excludes(other.option_);
  return *this;
}

bool Argument::was_given() const {
  return option_->count() > 0;
}

template <typename T>
Argument Verb::add(const std::string& names, T* value, const std::string& what) const {
  return Argument(app_->add_option(names, *value, what));
}

template Argument Verb::add(const std::string&, std::string*, const std::string&) const;
template Argument Verb::add(const std::string&, int*, const std::string&) const;
template Argument Verb::add(const std::string&, uint32_t*, const std::string&) const;
template Argument Verb::add(const std::string&, uint64_t*, const std::string&) const;
template Argument Verb::add(const std::string&, double*, const std::string&) const;
template Argument Verb::add(const std::string&, std::optional<uint32_t>*, const std::string&) const;
template Argument Verb::add(const std::string&, std::optional<uint64_t>*, const std::string&) const;
template Argument Verb::add(const std::string&, std::optional<double>*, const std::string&) const;
template Argument Verb::add(const std::string&, std::vector<uint64_t>*, const std::string&) const;

Argument Verb::add_call(const std::string& names, std::function<void(const std::string&)> take,
                        const std::string& what) const {
  const std::string name = names.substr(names.find("--"));
  return Argument(app_->add_option_function<std::string>(
      names,
      [name, take = std::move(take)](const std::string& text) {
        try {
          take(text);
        } catch (const BadValue& bad) {
          throw CLI::ValidationError(name, bad.what());
        }
      },
      what));
}

Argument Verb::add_flag(const std::string& names, bool* value, const std::string& what) const {
  return Argument(app_->add_flag(names, *value, what));
}

Argument Verb::add_flag_call(const std::string& names, std::function<void()> take,
                             const std::string& what) const {
  return Argument(app_->add_flag_function(
      names, [take = std::move(take)](int64_t) { take(); }, what));
}

Argument Verb::find(const std::string& name) const {
  return Argument(app_->get_option(name));
}

void Verb::footer(const std::string& text) const {
  app_->footer(text);
}

void Verb::take_rest() const {
  app_->set_help_flag();
  app_->prefix_command();
}

void Verb::on_run(Run run) const {
  app_->callback([to = run_, run = std::move(run)] { *to = run; });
}

std::vector<std::string> Verb::given() const {
  std::vector<std::string> names;
  for (const CLI::Option* const option : app_->get_options()) {
    if (option->count() > 0) names.push_back(name_of(*option));
  }
  return names;
}

std::vector<std::string> Verb::remaining() const {
  return app_->remaining();
}

Program::Program(const std::string& name, const std::string& what, const std::string& footer)
    : app_(std::make_unique<CLI::App>(what, name)) {
  app_->footer(footer);
}

Program::~Program() = default;

void Program::set_version(const std::string& text) {
  app_->set_version_flag("--version", text);
}

Verb Program::root() {
  return {app_.get(), &run_};
}

Verb Program::add_verb(const std::string& name, const std::string& what) {
  if (!has_verbs_) {
    has_verbs_ = true;
    app_->require_subcommand(1);
    app_->get_formatter()->column_width(kHelpColumn);
    app_->get_formatter()->label("SUBCOMMAND", "VERB");
  }
  CLI::App* const verb = app_->add_subcommand(name, what);
  verb->group("Verbs");
  return {verb, &run_};
}

int Program::run(int argc, char** argv) {
  refuse_empty_values(std::span(argv, static_cast<size_t>(argc)));
  if (has_verbs_ && argc == 1) {
    throw UsageError("a verb is missing (see '" + app_->get_name() + " --help')");
  }
  return parse(argc, argv) ? 0 : run_();
}

// Returns true where the command line asked for no more than the help or version it has got.
bool Program::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
    return false;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      std::ostringstream text;
      app_->exit(error, text, text);
      print_out(text.str());
      return true;
    }
    const auto verbs = app_->get_subcommands();
    const std::vector<std::string> rest = app_->remaining();
    if (has_verbs_ && verbs.empty() && !rest.empty()) {
      const char* const kind = rest.front().starts_with('-') ? "option" : "verb";
      throw UsageError(std::string("there is no ") + kind + " '" + rest.front() + "'" +
                       suggestion(rest.front()) + " (see '" + app_->get_name() + " --help')");
    }
    const std::string verb = verbs.empty() ? "" : verbs.front()->get_name() + " ";
    std::string sentence = error.what();
    // What is missing may be there, but taken for an option.
    for (const std::string& word : verbs.empty() ? rest : verbs.front()->remaining()) {
      if (error.get_exit_code() != static_cast<int>(CLI::ExitCodes::RequiredError)) break;
      if (!word.starts_with('-')) continue;
      sentence = "there is no option '" + word + "'; a name that begins with - goes after --";
      break;
    }
    throw UsageError(sentence + " (see '" + app_->get_name() + " " + verb + "--help')");
  }
}

// What `word`, which is neither verb nor option of the program, may have been meant to be.
std::string Program::suggestion(const std::string& word) const {
  std::vector<std::string> known;
  for (const CLI::App* const verb : app_->get_subcommands({})) known.push_back(verb->get_name());
  for (const CLI::Option* const option : app_->get_options()) known.push_back(name_of(*option));
  const std::string nearest = nearest_name(word, known);
  return nearest.empty() ? "" : "; did you mean '" + nearest + "'?";
}

std::string Program::help(const std::string& verb) const {
  if (verb.empty()) {
    // App::help() would tell of the verb in use, which is "help".
    return app_->get_formatter()->make_help(app_.get(), app_->get_name(),
                                            CLI::AppFormatMode::Normal);
  }
  const auto found =
      app_->get_subcommands([&](const CLI::App* one) { return one->get_name() == verb; });
  if (found.empty()) throw UsageError("there is no verb '" + verb + "'" + suggestion(verb));
  return found.front()->help(app_->get_name());
}

}  // namespace dcf::tools
