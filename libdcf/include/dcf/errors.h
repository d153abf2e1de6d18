// SPDX-License-Identifier: Apache-2.0
// Every status code of the library, once: DCF_STATUS_LIST(X) calls X(name, number, sentence).
// Numbers are pinned for ever and never reused; gaps are left for later codes of the same group.
#ifndef DCF_ERRORS_H_
#define DCF_ERRORS_H_

// clang-format off
#define DCF_STATUS_LIST(X)                                                                    \
  X(Ok,                   0, "success")                                                       \
  /* 1x: the caller */                                                                        \
  X(InvalidArgument,     10, "an argument is out of its documented range")                    \
  X(BadState,            11, "the call is not allowed in this state")                         \
  X(BufferTooSmall,      12, "the output buffer is too small")                                \
  X(NotFound,            13, "no tensor has this name")                                       \
  X(DuplicateName,       14, "a tensor or metadata key of this name was already added")       \
  X(Cancelled,           15, "the caller's callback asked to stop")                           \
  /* 2x: structure of the file */                                                             \
  X(NotDcf,              20, "not a .dcf file: the magic bytes differ")                       \
  X(Truncated,           21, "the file ends before its declared size")                        \
  X(TrailingData,        22, "bytes follow the declared end of the file")                     \
  X(BadHeader,           23, "the header breaks a rule of the format")                        \
  X(BadManifest,         24, "the manifest breaks a rule of the format")                      \
  X(BadSection,          25, "a section breaks a rule of the format")                         \
  X(BadPadding,          26, "padding bytes are not zero")                                    \
  /* 3x: coded data */                                                                        \
  X(BadCodeLengths,      30, "Huffman code lengths do not form a complete code")              \
  X(BadBitstream,        31, "a coded stream does not end where it must")                     \
  X(BadPositions,        32, "positions leave their row or break the filler rule")            \
  X(BadIndex,            33, "a symbol lies outside its alphabet")                            \
  X(BadCodebook,         34, "codebook entries are not strictly increasing")                  \
  X(NonCanonical,        35, "the same content has another, canonical form")                  \
  X(BadCount,            36, "a declared count differs from the decoded one")                 \
  /* 4x: integrity */                                                                         \
  X(ChecksumMismatch,    40, "stored and computed checksum differ: the file is damaged")      \
  /* 5x: honest files this version cannot read */                                             \
  X(UnsupportedVersion,  50, "the file needs a newer major version of the format")            \
  X(UnsupportedFeature,  51, "the file uses a critical feature this version does not know")   \
  X(UnsupportedEncoding, 52, "the tensor uses an encoding this version does not know")        \
  X(UnsupportedSection,  53, "the file has a critical section this version does not know")    \
  X(UnsupportedDType,    54, "the operation is not defined for this dtype")                   \
  /* 6x: limits of the caller */                                                              \
  X(LimitMemory,         60, "more memory is needed than the limit allows")                   \
  X(LimitOutput,         61, "the decoded size exceeds the limit")                            \
  X(LimitCount,          62, "a count exceeds the limit")                                     \
  /* 7x-9x: the machine */                                                                    \
  X(OutOfMemory,         70, "the machine is out of memory")                                  \
  X(IoOpen,              80, "the file cannot be opened")                                     \
  X(IoRead,              81, "reading failed")                                                \
  X(IoWrite,             82, "writing failed")                                                \
  X(IoSync,              83, "the data could not be flushed to the disk")                     \
  X(IoRename,            84, "the finished file could not be put in place")                   \
  X(IoNoSpace,           85, "no space left on the device")                                   \
  X(FileExists,          86, "the output exists already")                                     \
  X(Internal,            90, "an invariant of the library is broken: please report this")
// clang-format on

#endif  // DCF_ERRORS_H_
