// SPDX-License-Identifier: Apache-2.0
// The library's version. CMake and the tools read it from here.
#ifndef DCF_VERSION_H_
#define DCF_VERSION_H_

#define DCF_VERSION_MAJOR 0
#define DCF_VERSION_MINOR 1
#define DCF_VERSION_PATCH 0

#endif  // DCF_VERSION_H_
