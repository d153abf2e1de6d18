// SPDX-License-Identifier: Apache-2.0
#include <dcf/dcf.h>

#include <charconv>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include "cli/failures.h"
#include "cli/manual/man_page.h"
#include "cli/output.h"
#include "cli/recipe_help.h"
#include "cli/verbs.h"

namespace dcf::tools {
namespace {

struct HelpOptions {
  std::string topic;
  bool man = false;
};

// The day of SOURCE_DATE_EPOCH, by which a build says of what time its files are, so that two
// builds give the same bytes. A page that is only looked at has no date.
std::string page_date() {
  const char* const text = std::getenv("SOURCE_DATE_EPOCH");
  if (!text) return {};
  const std::string_view digits = text;
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  const std::time_t time = static_cast<std::time_t>(seconds);
  std::tm day{};
  char date[16];
  if (error != std::errc() || *end != '\0' || !gmtime_r(&time, &day) ||
      std::strftime(date, sizeof date, "%Y-%m-%d", &day) == 0) {
    return {};
  }
  return date;
}

std::string man_page_of(const Program& program, const std::string& verb) {
  const CommandTree tree = read_command_tree(program.app());
  const PageFoot foot{.date = page_date(), .version = std::string("dcf ") + dcf_version_string()};
  if (verb == kRecipeTopic) return topic_page(verb, recipe_help(), foot);
  for (const VerbText& one : tree.verbs) {
    if (one.name == verb) return verb_page(tree, one, foot);
  }
  return program_page(tree, foot);
}

int help(const Program& program, const HelpOptions& o) {
  const bool is_recipes = o.topic == kRecipeTopic;
  const std::string text = is_recipes ? recipe_help() : program.help(o.topic);
  print_out(o.man ? man_page_of(program, o.topic) : text);
  return 0;
}

}  // namespace

void add_help(Program* program) {
  auto o = std::make_shared<HelpOptions>();
  const Verb verb = program->add_verb("help", "Show the help of a verb");
  verb.add("VERB", &o->topic, "Verb to explain, or 'recipes'").value_name("VERB");
  verb.add_flag("--man", &o->man, "As the source of a man page");
  verb.footer(
      "\nExamples:\n  dcf help compress\n  dcf help recipes\n  dcf help verify --man | man -l -");
  verb.on_run([=] { return help(*program, *o); });
}

}  // namespace dcf::tools
