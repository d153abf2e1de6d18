// SPDX-License-Identifier: Apache-2.0
// Recipes as JSON: changed numbers in, all numbers out.
#include <concepts>
#include <fstream>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "formats/error.h"
#include "research/train/training_recipe.h"

namespace dcf::tools {
namespace {

using Json = nlohmann::json;

// visit(name, number) for every number that a file may change and that tells runs apart.
template <typename AnySchedule, typename Visit>
  requires std::same_as<std::remove_const_t<AnySchedule>, Schedule>
void for_each_number(AnySchedule& s, Visit visit) {
  visit("epochs", s.epochs);
  visit("rate", s.rate);
  visit("final_share", s.final_share);
  visit("momentum", s.momentum);
  visit("weight_decay", s.weight_decay);
  visit("input_dropout", s.input_dropout);
  visit("dropout", s.dropout);
}

template <typename AnyRound, typename Visit>
  requires std::same_as<std::remove_const_t<AnyRound>, PruneRound>
void for_each_number(AnyRound& r, Visit visit) {
  visit("density", r.density);
  visit("steps_share", r.steps_share);
  for_each_number(r.schedule, visit);
}

template <typename AnyRecipe, typename Visit>
  requires std::same_as<std::remove_const_t<AnyRecipe>, Recipe>
void for_each_number(AnyRecipe& r, Visit visit) {
  visit("batch", r.batch);
  visit("shift", r.shift);
  visit("label_smoothing", r.label_smoothing);
  visit("clip", r.clip);
  visit("distill", r.distill);
  visit("temperature", r.temperature);
  visit("tolerance", r.tolerance);
  visit("max_density", r.max_density);
  visit("max_halving", r.max_halving);
  visit("max_doubling", r.max_doubling);
  visit("slower_finetune", r.slower_finetune);
  visit("lambda", r.lambda);
  visit("bias_bits", r.bias_bits);
}

template <typename AnyRecipe, typename Visit>
void for_each_schedule(AnyRecipe& r, Visit visit) {
  visit("plain", r.plain);
  visit("dense", r.dense);
  visit("sharing", r.sharing);
  visit("finetune", r.finetune);
}

template <typename Part>
void read_numbers(const Json& json, Part* part) {
  for_each_number(*part,
                  [&](const char* name, auto& number) { number = json.value(name, number); });
}

template <typename Part>
Json numbers_json(const Part& part) {
  Json json;
  for_each_number(part, [&](const char* name, const auto& number) { json[name] = number; });
  return json;
}

void read(const Json& json, Recipe* r) {
  r->unaugmented = nullptr;  // a recipe of one's own is followed as it stands
  read_numbers(json, r);
  for_each_schedule(*r, [&](const char* name, Schedule& s) {
    if (json.contains(name)) read_numbers(json[name], &s);
  });
  if (json.contains("rounds")) {
    r->rounds.clear();
    for (const Json& round : json["rounds"]) {
      read_numbers(round, &r->rounds.emplace_back());
    }
    if (r->rounds.empty()) throw_invalid("rounds", "are none: a network is pruned at least once");
  }
  if (json.contains("densities")) {
    for (size_t i = 0; i < r->layers.size(); ++i) r->layers[i].density = json["densities"].at(i);
  }
  if (json.contains("clusters")) {
    for (size_t i = 0; i < r->layers.size(); ++i) r->layers[i].clusters = json["clusters"].at(i);
  }
}

}  // namespace

std::string recipe_text(const Recipe& r) {
  Json json = numbers_json(r);
  json["name"] = r.name;
  json["init"] = static_cast<int>(r.init);
  json["positions"] = static_cast<int>(r.positions);
  for_each_schedule(r, [&](const char* name, const Schedule& s) { json[name] = numbers_json(s); });
  for (const PruneRound& round : r.rounds) json["rounds"].push_back(numbers_json(round));
  for (const LayerRecipe& layer : r.layers) {
    json["densities"].push_back(layer.density);
    json["clusters"].push_back(layer.clusters);
  }
  if (r.unaugmented) json["unaugmented"] = recipe_text(*r.unaugmented);
  return json.dump();
}

Recipe make_recipe(const std::string& name, const Network& network, bool augment) {
  if (name == "paper") return paper_recipe(network);
  if (name == "best") return best_recipe(network, augment);
  std::ifstream in(name);
  if (!in) throw_failure(name, "is neither a recipe (paper, best) nor a file that can be read");
  try {
    const Json json = Json::parse(in);
    Recipe recipe = make_recipe(json.at("base"), network, json.value("augment", true));
    recipe.name = json.value("name", recipe.name);
    read(json, &recipe);
    return recipe;
  } catch (const Json::exception& error) {
    throw_invalid(name, std::string("is not a recipe: ") + error.what());
  }
}

}  // namespace dcf::tools
