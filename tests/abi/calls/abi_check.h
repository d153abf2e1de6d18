/* SPDX-License-Identifier: Apache-2.0
 * What the tests of the C ABI share. They are C99 and know the public headers alone. */
#ifndef DCF_TESTS_ABI_CHECK_H_
#define DCF_TESTS_ABI_CHECK_H_

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "dcf/dcf_encode.h"

extern int abi_failures;
extern int abi_calls;

/* An error of the caller with guards around it. */
struct guarded_error {
  unsigned char before[32];
  dcf_error error;
  unsigned char after[32];
};
extern struct guarded_error abi_error;
#define ERROR (&abi_error.error)

/* Call before a function that gets ERROR; evaluates to its status, which is checked against what
 * the error says. */
void abi_prepare(void);
dcf_status abi_checked(dcf_status got, const char* call, const char* file, int line);
#define CALL(call) (abi_prepare(), abi_checked((call), #call, __FILE__, __LINE__))

/* The call gives this status. */
void abi_expect_status(dcf_status got, dcf_status want, const char* call, const char* file,
                       int line);
#define EXPECT(want, call) abi_expect_status(CALL(call), want, #call, __FILE__, __LINE__)
#define REFUSED(call) EXPECT(DCF_STATUS_INVALID_ARGUMENT, call)

void abi_expect_true(int truth, const char* what, const char* file, int line);
#define TRUE(condition) abi_expect_true((condition) != 0, #condition, __FILE__, __LINE__)

/* Numbers that are constants of no enum. */
extern const uint32_t odd_enums[5];
#define ODD_ENUMS 5

/* A struct of the caller with room for sizes that it never had, and a pattern in all of it. */
enum { kStructRoom = 8192, kPattern = 0xA5 };
typedef union abi_struct {
  size_t struct_size;
  unsigned char bytes[kStructRoom];
  double aligned;
} abi_struct;
void abi_fill(abi_struct* s, size_t struct_size);
/* The whole of it is as abi_fill left it. */
int abi_untouched(const abi_struct* s, size_t struct_size);
/* Everything but struct_size is zero up to struct_size, and as it was behind that. */
int abi_zeroed(const abi_struct* s, size_t struct_size);
/* The bytes between `known` and struct_size are zero, and all is as it was behind that. */
int abi_tail_zeroed(const abi_struct* s, size_t known, size_t struct_size);

/* Calls an output function with every kind of struct_size. `size` is the size of the struct today,
 * `first` its size in the first release. call(s) -> the status for this struct. */
typedef dcf_status (*abi_output_call)(void* out);
void abi_check_output(const char* name, size_t size, size_t first, abi_output_call call,
                      abi_output_call failing);
/* The same for an input struct, of which `sound` is a copy that the call accepts. */
typedef dcf_status (*abi_input_call)(const void* in);
void abi_check_input(const char* name, const void* sound, size_t size, size_t first,
                     abi_input_call call);

/* A small file in memory: "dense" [2, 3] f32, "sparse" [3, 20] f32 with a codebook, "opaque", and
 * "kernel" [1, 1, 2, 2]; metadata "key" -> "value";
 * section 9 "nine". */
typedef struct abi_file {
  unsigned char* data;
  size_t size;
  size_t room;
} abi_file;
int abi_append(void* file, const void* data, size_t size);
abi_file abi_write_sample(void);

void test_names(void);
void test_open(const abi_file* sample);
void test_describe(const abi_file* sample);
void test_decode(const abi_file* sample);
void test_compute(const abi_file* sample);
void test_layers(const abi_file* sample);
void test_writer(void);
void test_encode(void);
/* Every file of the folder, every truncation and every changed byte of the sample. */
void test_hostile_sample(const abi_file* sample);
void test_hostile_file(const char* path);

#endif
