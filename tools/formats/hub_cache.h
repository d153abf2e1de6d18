// SPDX-License-Identifier: Apache-2.0
// The cache of the Hugging Face hub keeps a snapshot of a model as symbolic links:
//   REPOSITORY/snapshots/REVISION/NAME -> ../../blobs/HASH
// These alone lead to where their form says; every other link is refused.
#pragma once

#include <string>

namespace dcf::tools {

// Opens the blob that the link `name` in or below `folder`, the descriptor of a snapshot, leads to.
// Returns a descriptor, or -1 and errno; ELOOP for a link that is none of a hub's cache. `name` is
// a plain path (is_plain_path of beneath.h).
int open_hub_blob(int folder, const std::string& name);

}  // namespace dcf::tools
