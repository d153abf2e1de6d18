// SPDX-License-Identifier: Apache-2.0
#include "train/recipe.h"

#include <algorithm>
#include <concepts>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "model/error.h"

namespace dcf::tools {
namespace {

std::vector<const Layer*> weight_layers(const Network& network) {
  std::vector<const Layer*> layers;
  for (const Layer& layer : network.layers) {
    if (layer.has_weights()) layers.push_back(&layer);
  }
  return layers;
}

bool is_convolutional(const Network& network) {
  return std::any_of(network.layers.begin(), network.layers.end(),
                     [](const Layer& l) { return l.op == Op::kConv; });
}

// The paper's tables of densities (LeNet-300-100 and LeNet-5; other nets as its AlexNet).
std::vector<double> paper_densities(const std::vector<const Layer*>& layers) {
  std::vector<std::string> names;
  for (const Layer* l : layers) names.push_back(l->name);
  if (names == std::vector<std::string>{"ip1", "ip2", "ip3"}) return {0.08, 0.09, 0.26};
  if (names == std::vector<std::string>{"conv1", "conv2", "ip1", "ip2"}) {
    return {0.66, 0.12, 0.08, 0.19};
  }
  std::vector<double> densities;
  for (size_t i = 0; i < layers.size(); ++i) {
    const bool last = i + 1 == layers.size();
    densities.push_back(layers[i]->op == Op::kConv ? (i == 0 ? 0.84 : 0.37) : last ? 0.25 : 0.09);
  }
  return densities;
}

Recipe paper_recipe(const Network& network) {
  const auto layers = weight_layers(network);
  const bool conv = is_convolutional(network);
  Recipe r;
  r.name = "paper";
  r.dense = {conv ? 12u : 25u, 1e-3};
  r.rounds = {{0, 0, {conv ? 10u : 40u, 2e-3}}};
  // Noise on the inputs keeps what is left of the network from learning the training set by heart.
  r.rounds[0].schedule.input_dropout = conv ? 0.1 : 0.3;
  r.rounds[0].schedule.dropout = 0.3;
  r.finetune = {2, 2e-4, 0.05};
  r.init = DCF_INIT_LINEAR;
  r.positions = DCF_CHOOSE_GAP;
  const auto densities = paper_densities(layers);
  for (size_t i = 0; i < layers.size(); ++i) {
    r.layers.push_back({densities[i], layers[i]->op == Op::kConv ? 255u : 16u});
  }
  return r;
}

Recipe best_recipe(const Network& network, bool augment) {
  const auto layers = weight_layers(network);
  const bool conv = is_convolutional(network);
  Recipe r;
  r.name = augment ? "best" : "best-no-augment";
  r.dense = {conv ? 15u : 30u, 1.5e-3};
  r.dense.dropout = augment ? 0.2 : 0;
  r.finetune = {2, 3e-4, 0.05};
  r.bias_bits = 6;
  if (augment) {
    r.plain = {conv ? 8u : 20u, 1e-3};
    r.shift = 1;
    r.distill = 0.9;
    r.temperature = 2;
  }
  const uint64_t epochs = conv ? 6 : 12;
  for (const double density : {0.08, 0.05, 0.035, 0.025, 0.02, 0.016}) {
    r.rounds.push_back({density, 0.5, {epochs, augment ? 4e-3 : 2e-3, 0.02}});
  }
  for (const Layer* layer : layers) r.layers.push_back({0, layer->op == Op::kConv ? 8u : 4u});
  return r;
}

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
  visit("distill", r.distill);
  visit("temperature", r.temperature);
  visit("tolerance", r.tolerance);
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
  read_numbers(json, r);
  for_each_schedule(*r, [&](const char* name, Schedule& s) {
    if (json.contains(name)) read_numbers(json[name], &s);
  });
  if (json.contains("rounds")) {
    r->rounds.clear();
    for (const Json& round : json["rounds"]) {
      read_numbers(round, &r->rounds.emplace_back());
    }
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
