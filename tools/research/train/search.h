// SPDX-License-Identifier: Apache-2.0
// The sparsest network that keeps a promise: first by pruning, then with shared weights.
#pragma once

#include <string>
#include <vector>

#include "research/train/promise.h"
#include "research/train/session.h"

namespace dcf::tools {

struct Candidate {
  std::string name;  // of the round that made it
  TorchNet net;
  double density;  // share of all weights that is kept
  Verdict verdict;
};

struct Tried {
  double density;
  Verdict verdict;
};

// Rounds of pruning from `teacher`, each from the last, until one breaks the promise; then rounds
// half-way (geometrically) between the densities that keep it and those that do not. A first round
// that breaks it is done again with twice the density, as long as that helps.
// The networks that keep the promise, sparser ones last; where none does, the one that comes
// nearest. `tried` gets every density and verdict, in the order they were tried.
std::vector<Candidate> prune_in_rounds(const Session& session, const TorchNet& teacher,
                                       const Promise& promise, std::vector<Tried>* tried);

// The sparsest of `pruned` that keeps the promise with its weights shared, with the fewest clusters
// that do; where none does, the shared network that comes nearest. Not from an empty list.
Candidate share_sparsest(const Session& session, const TorchNet& teacher, const Promise& promise,
                         const std::vector<Candidate>& pruned);

}  // namespace dcf::tools
