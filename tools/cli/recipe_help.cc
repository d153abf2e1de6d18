// SPDX-License-Identifier: Apache-2.0
#include "cli/recipe_help.h"

namespace dcf::tools {

std::string recipe_help() {
  return R"(Recipes: a JSON file that says which tensor is encoded how, for dcf compress --recipe FILE.

  recipe  = { "rules": [ rule, ... ], "ignore": [ PATTERN, ... ] }     each may be left out
  rule    = { "match": PATTERN, key: value, ... }                      match is required

  key        value                                      the option that does it for all tensors
  sparsity   a number, at least 0 and below 1           --sparsity
  bits       a whole number from 1 to 8; 0: none        --bits
  quality    "near-lossless", "balanced", "small",      --quality
             "tiny", a number from 6 to 60 (dB),
             "lossless"
  init       "linear", "density", "forgy", "optimal"    --init
  seed       a whole number from 0, for "forgy"         --seed
  positions  "auto", "dense", "bitmap", "gap",          --positions
             "gap-bucket"
  gap_bits   a whole number from 2 to 8                 --gap-bits
  zeros      "keep", "canonical"                        --zeros
  profile    "paper"                                    --profile

Keys that are not listed, keys given twice and values out of range are errors.

A PATTERN is a regular expression of RE2, at most 4096 bytes, without look-around and
back-references. It may match anywhere in the name of a tensor; ^ and $ tie it to the ends. In JSON
a backslash is written twice: "\\.weight$".

Which counts:
  - A tensor that a pattern of "ignore" matches is kept losslessly, whatever rules and options say.
  - Else the first rule that matches counts, and no other. Its keys replace the options of the
    command line one by one; those that it lacks stay as the command line has them.
  - A tensor that no rule matches is encoded as the command line says.
  - A tensor is rounded (quality), or pruned and clustered (sparsity, bits), never both: what its
    rule asks for replaces the other on the command line. It is rounded to what it would have if
    all were of its quality; large tensors are coarser. "lossless" keeps it as it is.
  - Biases and other tensors of rank below 2, of fewer than 512 elements, of integers, and those that
    hold NaN or Inf are never pruned, clustered or rounded. Nor are the scales of quantised tensors,
    but pruned or clustered by a rule whose pattern matches nothing else.
  - Patterns that match no tensor are reported.

Example: 5 bits for the fully connected layers, of which 9 in 10 weights go; 8 bits for the
convolutions; the first of them and the embeddings stay as they are.

  {
    "rules": [
      {"match": "^fc[0-9]+\\.weight$", "sparsity": 0.9, "bits": 5},
      {"match": "conv.*\\.weight$", "bits": 8}
    ],
    "ignore": ["^conv1\\.", "embed"]
  }

  dcf compress model.safetensors -o small.dcf --recipe recipe.json

Example: all weights are rounded to "small", but the head to "near-lossless", and the embeddings are
left as they are.

  {
    "rules": [
      {"match": "^head\\.", "quality": "near-lossless"},
      {"match": "embed", "quality": "lossless"}
    ]
  }

  dcf compress model.safetensors -o small.dcf --quality small --recipe recipe.json
)";
}

}  // namespace dcf::tools
