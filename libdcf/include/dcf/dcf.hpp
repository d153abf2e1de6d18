// SPDX-License-Identifier: Apache-2.0
// dcf.hpp: C++20 over dcf/dcf.h, dcf/dcf_write.h and dcf/dcf_encode.h. Header-only; needs neither
// exceptions nor run-time type information. Handles close themselves; arrays are spans and Buffers.
// Every call returns a dcf::Result or dcf::Status: check it, or call value(), which throws on
// failure, or aborts in a program without exceptions. Limits are checked before memory is
// allocated, whatever a file claims. Threads, ownership and limits are those of the C headers.
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
