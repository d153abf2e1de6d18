// SPDX-License-Identifier: Apache-2.0
// Small models for the tests of the program.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "model_test_util.h"

namespace dcf::tools::test {

// Every dtype that safetensors has; scalars, empty tensors, NaN payloads, both zeros, names of any
// UTF-8 and metadata.
Model every_kind_model();

// A few layers of about 10 % nonzeros, of Gaussian weights. Deterministic.
Model sparse_model(uint64_t seed = 1);

// One layer of Gaussian weights.
Model gaussian_model(uint64_t rows, uint64_t cols, uint64_t seed = 1);

// Adds the layer of `one` to a model, under a name.
void add_layer(Model* model, const std::string& name, const Model& one);

// As safetensors, at this path, which is returned.
std::string save(const TempDir& dir, const std::string& name, const Model& model);

// Compresses with further arguments and returns the bytes of the file.
std::string compress(const TempDir& dir, const std::string& input,
                     const std::vector<std::string>& arguments);

// Expects the tensors and metadata of a restored file to be those of the model.
void expect_restored(const std::string& path, Model model);

// The names of a JSON object's members.
std::set<std::string> keys(const nlohmann::ordered_json& object);

}  // namespace dcf::tools::test
