// SPDX-License-Identifier: Apache-2.0
// The low bits of a field's tag in a protobuf message (protobuf.dev, "Encoding").
#pragma once

#include <cstdint>

namespace dcf::tools::protobuf {

constexpr unsigned kWireTypeBits = 3;
constexpr unsigned kVarint = 0;
constexpr unsigned kFixed64 = 1;
constexpr unsigned kBytes = 2;  // a length, then so many bytes
constexpr unsigned kFixed32 = 5;

}  // namespace dcf::tools::protobuf
