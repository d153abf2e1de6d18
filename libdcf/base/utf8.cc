// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

namespace dcf::impl {

bool is_utf8(Bytes bytes) {
  size_t i = 0;
  while (i < bytes.size()) {
    const uint8_t lead = bytes[i++];
    if (lead < 0x80) continue;
    if (lead < 0xC2 || lead > 0xF4) return false;
    const size_t tail = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    if (bytes.size() - i < tail) return false;
    // The first continuation byte carries the limits that exclude overlong forms, surrogates and
    // code points above U+10FFFF.
    uint8_t low = 0x80;
    uint8_t high = 0xBF;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
    if (bytes[i] < low || bytes[i] > high) return false;
    for (size_t k = 1; k < tail; ++k) {
      if ((bytes[i + k] & 0xC0) != 0x80) return false;
    }
    i += tail;
  }
  return true;
}

}  // namespace dcf::impl
