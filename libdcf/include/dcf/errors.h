// SPDX-License-Identifier: Apache-2.0
// The one list of the library's status codes. DCF_STATUS_LIST(X) calls X(Name, NAME, number, CLASS,
// sentence) for each: dcf_status_name returns Name, the constant is DCF_STATUS_NAME and its class
// DCF_STATUS_CLASS_CLASS. Numbers are never changed or reused.
#ifndef DCF_ERRORS_H_
#define DCF_ERRORS_H_

// clang-format off
#define DCF_STATUS_LIST(X)                                                                                                                  \
  X(Ok,                 OK,                   0, OK,             "success")                                                                 \
  /* 1x: the caller */                                                                                                                      \
  X(InvalidArgument,    INVALID_ARGUMENT,    10, CALLER,         "an argument is out of its documented range")                              \
  X(BadState,           BAD_STATE,           11, CALLER,         "the call is not allowed in this state")                                   \
  X(BufferTooSmall,     BUFFER_TOO_SMALL,    12, CALLER,         "the output buffer is too small")                                          \
  X(NotFound,           NOT_FOUND,           13, CALLER,         "nothing has this name or key")                                            \
  X(DuplicateName,      DUPLICATE_NAME,      14, CALLER,         "a tensor or metadata key of this name was already added")                 \
  X(Cancelled,          CANCELLED,           15, CALLER,         "the caller's callback asked to stop")                                     \
  /* 2x: structure of the file */                                                                                                           \
  X(NotDcf,             NOT_DCF,             20, FILE_STRUCTURE, "not a .dcf file: the magic bytes differ")                                 \
  X(Truncated,          TRUNCATED,           21, FILE_STRUCTURE, "the file ends before its declared size")                                  \
  X(TrailingData,       TRAILING_DATA,       22, FILE_STRUCTURE, "bytes follow the declared end of the file")                               \
  X(BadHeader,          BAD_HEADER,          23, FILE_STRUCTURE, "the header breaks a rule of the format")                                  \
  X(BadManifest,        BAD_MANIFEST,        24, FILE_STRUCTURE, "the manifest breaks a rule of the format")                                \
  X(BadSection,         BAD_SECTION,         25, FILE_STRUCTURE, "a section breaks a rule of the format")                                   \
  X(BadPadding,         BAD_PADDING,         26, FILE_STRUCTURE, "padding bytes are not zero")                                              \
  /* 3x: coded data */                                                                                                                      \
  X(BadCodeLengths,     BAD_CODE_LENGTHS,    30, CODED_DATA,     "Huffman code lengths do not form a complete code")                        \
  X(BadBitstream,       BAD_BITSTREAM,       31, CODED_DATA,     "a coded stream does not end where it must")                               \
  X(BadPositions,       BAD_POSITIONS,       32, CODED_DATA,     "positions leave their row or break the filler rule")                      \
  X(BadIndex,           BAD_INDEX,           33, CODED_DATA,     "a symbol lies outside its alphabet")                                      \
  X(BadCodebook,        BAD_CODEBOOK,        34, CODED_DATA,     "codebook entries are not strictly increasing")                            \
  X(NonCanonical,       NON_CANONICAL,       35, CODED_DATA,     "the same content has another, canonical form")                            \
  X(BadCount,           BAD_COUNT,           36, CODED_DATA,     "a declared count differs from the decoded one")                           \
  /* 4x: integrity */                                                                                                                       \
  X(ChecksumMismatch,   CHECKSUM_MISMATCH,   40, INTEGRITY,      "stored and computed checksum differ: the file is damaged")                \
  /* 5x: honest files this version cannot read */                                                                                           \
  X(UnsupportedVersion, UNSUPPORTED_VERSION, 50, UNSUPPORTED,    "the file needs a newer major version of the format")                      \
  X(UnsupportedFeature, UNSUPPORTED_FEATURE, 51, UNSUPPORTED,    "the file uses a critical feature this version does not know")             \
  X(UnsupportedEncoding,UNSUPPORTED_ENCODING,52, UNSUPPORTED,    "the tensor uses an encoding this version does not know")                  \
  X(UnsupportedSection, UNSUPPORTED_SECTION, 53, UNSUPPORTED,    "the file has a critical section this version does not know")              \
  X(UnsupportedDType,   UNSUPPORTED_DTYPE,   54, UNSUPPORTED,    "the dtype is unknown to this version or has no such operation")           \
  /* 6x: limits of the caller */                                                                                                            \
  X(LimitMemory,        LIMIT_MEMORY,        60, LIMIT,          "more memory is needed than the limit allows")                             \
  X(LimitOutput,        LIMIT_OUTPUT,        61, LIMIT,          "the decoded size exceeds the limit")                                      \
  X(LimitCount,         LIMIT_COUNT,         62, LIMIT,          "a count exceeds the limit")                                               \
  /* 7x, 8x: the machine */                                                                                                                 \
  X(OutOfMemory,        OUT_OF_MEMORY,       70, MACHINE,        "the machine is out of memory")                                            \
  X(IoOpen,             IO_OPEN,             80, MACHINE,        "the file cannot be opened")                                               \
  X(IoRead,             IO_READ,             81, MACHINE,        "reading failed")                                                          \
  X(IoWrite,            IO_WRITE,            82, MACHINE,        "writing failed")                                                          \
  X(IoSync,             IO_SYNC,             83, MACHINE,        "the data could not be flushed to the disk")                               \
  X(IoRename,           IO_RENAME,           84, MACHINE,        "the finished file could not be put in place")                             \
  X(IoNoSpace,          IO_NO_SPACE,         85, MACHINE,        "no space left on the device")                                             \
  X(FileExists,         FILE_EXISTS,         86, MACHINE,        "the output exists already")                                               \
  X(Internal,           INTERNAL,            90, INTERNAL,       "an invariant of the library is broken: please report this")
// clang-format on

#endif  // DCF_ERRORS_H_
