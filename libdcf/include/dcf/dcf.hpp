// SPDX-License-Identifier: Apache-2.0
// dcf.hpp: C++20 over dcf/dcf.h, dcf/dcf_write.h and dcf/dcf_encode.h; header-only, and it needs
// neither exceptions nor run-time type information. Handles close themselves, arrays are spans and
// Buffers, and every call gives a dcf::Result or dcf::Status: check it, or call value(), which
// throws where there are exceptions and ends the program where there are none. Memory is taken
// within a limit, whatever a file claims. Threads, ownership and limits are those of the C headers.
//
//   auto file = dcf::File::open("model.dcf");
//   if (!file) return report(file.error().message);
//   auto w = file->tensor("fc1.weight").value().decode<float>();
//   if (!w) return report(w.error().message);
#ifndef DCF_DCF_HPP_
#define DCF_DCF_HPP_

#include "dcf/hpp/encode.hpp"
#include "dcf/hpp/file.hpp"
#include "dcf/hpp/layer.hpp"
#include "dcf/hpp/result.hpp"
#include "dcf/hpp/writer.hpp"

#endif  // DCF_DCF_HPP_
