// SPDX-License-Identifier: Apache-2.0
// Which sanitizer a test is built with. GCC and Clang 16 say it in different ways.
#pragma once

#if defined(__has_feature)
#define DCF_HAS_FEATURE(name) __has_feature(name)
#else
#define DCF_HAS_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || DCF_HAS_FEATURE(address_sanitizer)
#define DCF_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__) || DCF_HAS_FEATURE(thread_sanitizer)
#define DCF_TSAN 1
#endif
// Their allocators cannot be replaced, and their memory is not the program's.
#if defined(DCF_ASAN) || defined(DCF_TSAN)
#define DCF_OWN_ALLOCATOR 1
#endif
