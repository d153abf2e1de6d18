// SPDX-License-Identifier: Apache-2.0
// Numbers of the zip format (PKWARE, APPNOTE.TXT, sections 4.3 and 4.5) that its reader and its
// writer share.
#pragma once

#include <cstdint>

namespace dcf::tools::zip {

constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kDescriptorSignature = 0x08074b50;
constexpr uint32_t kCentralSignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50;
constexpr uint32_t kLocator64Signature = 0x07064b50;
constexpr uint16_t kZip64ExtraId = 1;
// Fields of the old records: the true value does not fit, and stands in those of zip64.
constexpr uint64_t kMax32 = 0xffffffff;
constexpr uint64_t kMax16 = 0xffff;

}  // namespace dcf::tools::zip
