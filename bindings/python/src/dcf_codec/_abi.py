# SPDX-License-Identifier: Apache-2.0
"""The C ABI of libdcf (dcf/dcf.h, dcf/dcf_write.h, dcf/dcf_encode.h) as ctypes: structs, prototypes,
the loaded library, and `call`, which raises what a function reports.

Nothing here adds meaning: the headers say what a function does, who owns what, and which threads may
call it. ctypes releases the GIL while a function runs. A test compares every struct and prototype
with the recorded ABI of the tree.
"""

from __future__ import annotations

import ctypes
from ctypes import (
    POINTER,
    byref,
    c_char_p,
    c_double,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any, TypeVar

from . import _library
from ._structs import (
    MAX_RANK,
    Conv2dShape,
    Csr,
    DeadUnits,
    DenseOutput,
    DenseTensor,
    EncodeOptions,
    ErrorInfo,
    FileInfo,
    LayerInfo,
    LayerOptions,
    Moments,
    OpenOptions,
    ParallelFn,
    Pool2dShape,
    ProgressFn,
    PruneLayer,
    ReadAtFn,
    Reader,
    SectionInfo,
    ShareOptions,
    Sink,
    Sized,
    TaskFn,
    TensorBytes,
    TensorInfo,
    TensorSpec,
    WriteFn,
    WriterOptions,
)
from .errors import error_from_status

__all__ = [
    "Conv2dShape",
    "Csr",
    "DenseOutput",
    "DeadUnits",
    "DenseTensor",
    "EncodeOptions",
    "ErrorInfo",
    "FileInfo",
    "LayerInfo",
    "LayerOptions",
    "MAX_RANK",
    "Moments",
    "OpenOptions",
    "PROTOTYPES",
    "ParallelFn",
    "Pool2dShape",
    "ProgressFn",
    "PruneLayer",
    "ReadAtFn",
    "Reader",
    "SectionInfo",
    "ShareOptions",
    "Sink",
    "Sized",
    "TaskFn",
    "TensorBytes",
    "TensorInfo",
    "TensorSpec",
    "WriteFn",
    "WriterOptions",
    "call",
    "defaults",
    "error_of",
    "lib",
    "text_at",
]

NO_OFFSET = 2**64 - 1
NO_TENSOR = 2**64 - 1
NO_INDEX = 2 ** (8 * ctypes.sizeof(c_size_t)) - 1
MAX_NAME = 4096

STATUS_OK = 0
STATUS_INVALID_ARGUMENT = 10
STATUS_NOT_FOUND = 13
STATUS_CANCELLED = 15
STATUS_IO_OPEN = 80
STATUS_IO_READ = 81
STATUS_FILE_EXISTS = 86

# Handles and arrays of the caller are addresses.
_HANDLE = c_void_p
_ARRAY = c_void_p
_ERROR = POINTER(ErrorInfo)
_SIZE_OUT = POINTER(c_size_t)
_TEXT_OUT = POINTER(c_void_p)
_HANDLE_OUT = POINTER(c_void_p)

# name: (result, arguments). The last argument of a function that can fail is the dcf_error.
PROTOTYPES: dict[str, tuple[Any, list[Any]]] = {
    # dcf.h
    "dcf_status_name": (c_char_p, [c_uint32]),
    "dcf_status_sentence": (c_char_p, [c_uint32]),
    "dcf_status_class": (c_uint32, [c_uint32]),
    "dcf_version_number": (c_uint32, []),
    "dcf_version_string": (c_char_p, []),
    "dcf_dtype_name": (c_char_p, [c_uint32]),
    "dcf_dtype_bits": (c_uint32, [c_uint32]),
    "dcf_positions_name": (c_char_p, [c_uint32]),
    "dcf_values_name": (c_char_p, [c_uint32]),
    "dcf_fidelity_name": (c_char_p, [c_uint32]),
    "dcf_open_options_init": (None, [POINTER(OpenOptions)]),
    "dcf_file_open_path": (
        c_uint32,
        [c_char_p, POINTER(OpenOptions), _HANDLE_OUT, _ERROR],
    ),
    "dcf_file_open_memory": (
        c_uint32,
        [_ARRAY, c_size_t, POINTER(OpenOptions), _HANDLE_OUT, _ERROR],
    ),
    "dcf_file_open_reader": (
        c_uint32,
        [POINTER(Reader), POINTER(OpenOptions), _HANDLE_OUT, _ERROR],
    ),
    "dcf_file_close": (None, [_HANDLE]),
    "dcf_file_describe": (c_uint32, [_HANDLE, POINTER(FileInfo), _ERROR]),
    "dcf_tensor_count": (c_size_t, [_HANDLE]),
    "dcf_tensor_find": (c_uint32, [_HANDLE, c_char_p, c_size_t, _SIZE_OUT, _ERROR]),
    "dcf_tensor_describe": (c_uint32, [_HANDLE, c_size_t, POINTER(TensorInfo), _ERROR]),
    "dcf_tensor_measure": (c_uint32, [_HANDLE, c_size_t, POINTER(TensorBytes), _ERROR]),
    "dcf_metadata_count": (c_size_t, [_HANDLE]),
    "dcf_metadata_at": (
        c_uint32,
        [_HANDLE, c_size_t, _TEXT_OUT, _SIZE_OUT, _TEXT_OUT, _SIZE_OUT, _ERROR],
    ),
    "dcf_metadata_find": (
        c_uint32,
        [_HANDLE, c_char_p, c_size_t, _TEXT_OUT, _SIZE_OUT, _ERROR],
    ),
    "dcf_tensor_opaque_name": (c_char_p, [_HANDLE, c_size_t]),
    "dcf_section_count": (c_size_t, [_HANDLE]),
    "dcf_section_describe": (c_uint32, [_HANDLE, c_size_t, POINTER(SectionInfo), _ERROR]),
    "dcf_section_read": (c_uint32, [_HANDLE, c_size_t, _ARRAY, c_size_t, _ERROR]),
    "dcf_tensor_decode_bound": (
        c_uint32,
        [_HANDLE, c_size_t, c_uint32, POINTER(c_uint64), POINTER(c_uint64), _ERROR],
    ),
    "dcf_tensor_decode": (c_uint32, [_HANDLE, c_size_t, c_uint32, _ARRAY, c_size_t, _ERROR]),
    "dcf_file_decode_tensors": (
        c_uint32,
        [_HANDLE, POINTER(DenseOutput), c_size_t, _ERROR],
    ),
    "dcf_tensor_decode_rows": (
        c_uint32,
        [_HANDLE, c_size_t, c_uint32, c_uint64, c_uint64, _ARRAY, c_size_t, _ERROR],
    ),
    "dcf_tensor_decode_csr": (c_uint32, [_HANDLE, c_size_t, c_uint32, POINTER(Csr), _ERROR]),
    "dcf_tensor_decode_codebook": (c_uint32, [_HANDLE, c_size_t, _ARRAY, c_size_t, _ERROR]),
    "dcf_tensor_decode_codes": (c_uint32, [_HANDLE, c_size_t, _ARRAY, c_size_t, _ERROR]),
    "dcf_tensor_matvec": (
        c_uint32,
        [_HANDLE, c_size_t, _ARRAY, c_size_t, _ARRAY, c_size_t, _ERROR],
    ),
    "dcf_tensor_matmul": (
        c_uint32,
        [_HANDLE, c_size_t, _ARRAY, c_size_t, _ARRAY, c_size_t, c_uint64, _ERROR],
    ),
    "dcf_tensor_conv2d": (
        c_uint32,
        [
            _HANDLE,
            c_size_t,
            POINTER(Conv2dShape),
            _ARRAY,
            c_size_t,
            _ARRAY,
            c_size_t,
            c_uint64,
            _ERROR,
        ],
    ),
    "dcf_pool2d": (
        c_uint32,
        [POINTER(Pool2dShape), _ARRAY, c_size_t, _ARRAY, c_size_t, c_uint64, _ERROR],
    ),
    "dcf_layer_options_init": (None, [POINTER(LayerOptions)]),
    "dcf_layer_kernel_count": (c_size_t, []),
    "dcf_layer_kernel_name": (c_char_p, [c_size_t]),
    "dcf_layer_prepare": (
        c_uint32,
        [_HANDLE, c_size_t, POINTER(LayerOptions), _HANDLE_OUT, _ERROR],
    ),
    "dcf_layer_prepare_conv2d": (
        c_uint32,
        [
            _HANDLE,
            c_size_t,
            POINTER(Conv2dShape),
            POINTER(LayerOptions),
            _HANDLE_OUT,
            _ERROR,
        ],
    ),
    "dcf_layer_describe": (c_uint32, [_HANDLE, POINTER(LayerInfo), _ERROR]),
    "dcf_layer_apply": (
        c_uint32,
        [_HANDLE, _ARRAY, c_size_t, _ARRAY, c_size_t, c_uint64, _ERROR],
    ),
    "dcf_layer_close": (None, [_HANDLE]),
    "dcf_file_watch": (c_uint32, [_HANDLE, ProgressFn, c_void_p, _HANDLE_OUT, _ERROR]),
    "dcf_file_verify": (c_uint32, [_HANDLE, ProgressFn, c_void_p, _ERROR]),
    "dcf_tensor_verify": (c_uint32, [_HANDLE, c_size_t, ProgressFn, c_void_p, _ERROR]),
    # dcf_write.h
    "dcf_init_name": (c_char_p, [c_uint32]),
    "dcf_effort_name": (c_char_p, [c_uint32]),
    "dcf_encode_options_init": (None, [POINTER(EncodeOptions)]),
    "dcf_writer_options_init": (None, [POINTER(WriterOptions)]),
    "dcf_writer_open_path": (
        c_uint32,
        [c_char_p, POINTER(WriterOptions), _HANDLE_OUT, _ERROR],
    ),
    "dcf_writer_open_sink": (
        c_uint32,
        [POINTER(Sink), POINTER(WriterOptions), _HANDLE_OUT, _ERROR],
    ),
    "dcf_writer_add_dense": (
        c_uint32,
        [_HANDLE, POINTER(TensorSpec), _ARRAY, c_size_t, POINTER(EncodeOptions), _ERROR],
    ),
    "dcf_writer_begin_tensor": (
        c_uint32,
        [_HANDLE, POINTER(TensorSpec), POINTER(EncodeOptions), _ERROR],
    ),
    "dcf_writer_write_piece": (c_uint32, [_HANDLE, _ARRAY, c_size_t, _ERROR]),
    "dcf_writer_end_tensor": (c_uint32, [_HANDLE, _ERROR]),
    "dcf_writer_copy_tensor": (
        c_uint32,
        [_HANDLE, _HANDLE, c_size_t, c_char_p, c_size_t, _ERROR],
    ),
    "dcf_writer_add_part": (c_uint32, [_HANDLE, _HANDLE, _ERROR]),
    "dcf_writer_add_alias": (
        c_uint32,
        [_HANDLE, POINTER(TensorSpec), c_char_p, c_size_t, _ERROR],
    ),
    "dcf_stats_open": (
        c_uint32,
        [POINTER(TensorSpec), POINTER(EncodeOptions), _HANDLE_OUT, _ERROR],
    ),
    "dcf_stats_add": (c_uint32, [_HANDLE, _ARRAY, c_size_t, _ERROR]),
    "dcf_stats_merge": (c_uint32, [_HANDLE, _ARRAY, c_size_t, _ERROR]),
    "dcf_stats_save": (c_uint32, [_HANDLE, _ARRAY, c_size_t, _SIZE_OUT, _ERROR]),
    "dcf_stats_cut": (c_uint32, [_HANDLE, POINTER(c_uint64), _ERROR]),
    "dcf_stats_close": (None, [_HANDLE]),
    "dcf_writer_add_range": (
        c_uint32,
        [
            _HANDLE,
            POINTER(TensorSpec),
            _HANDLE,
            c_uint64,
            _ARRAY,
            c_size_t,
            POINTER(EncodeOptions),
            _ERROR,
        ],
    ),
    "dcf_writer_add_tensors": (c_uint32, [_HANDLE, POINTER(DenseTensor), c_size_t, _ERROR]),
    "dcf_writer_add_csr": (
        c_uint32,
        [
            _HANDLE,
            POINTER(TensorSpec),
            _ARRAY,
            c_size_t,
            _ARRAY,
            _ARRAY,
            c_uint64,
            POINTER(EncodeOptions),
            _ERROR,
        ],
    ),
    "dcf_writer_add_codes": (
        c_uint32,
        [
            _HANDLE,
            POINTER(TensorSpec),
            _ARRAY,
            c_size_t,
            _ARRAY,
            _ARRAY,
            c_uint64,
            _ARRAY,
            c_uint32,
            POINTER(EncodeOptions),
            _ERROR,
        ],
    ),
    "dcf_writer_add_metadata": (
        c_uint32,
        [_HANDLE, c_char_p, c_size_t, c_char_p, c_size_t, _ERROR],
    ),
    "dcf_writer_add_section": (c_uint32, [_HANDLE, c_uint32, _ARRAY, c_size_t, _ERROR]),
    "dcf_writer_finish": (c_uint32, [_HANDLE, _ERROR]),
    "dcf_writer_close": (None, [_HANDLE]),
    "dcf_allot_quality": (c_uint32, [c_double, _ARRAY, _ARRAY, c_size_t, _ARRAY, _ERROR]),
    "dcf_measure_rounding": (
        c_uint32,
        [
            POINTER(TensorSpec),
            _ARRAY,
            c_size_t,
            POINTER(EncodeOptions),
            POINTER(WriterOptions),
            POINTER(c_double),
            _ERROR,
        ],
    ),
    # dcf_encode.h
    "dcf_prune": (c_uint32, [_ARRAY, c_size_t, c_double, _ARRAY, _ERROR]),
    "dcf_prune_by_deviation": (c_uint32, [_ARRAY, c_size_t, c_double, _ARRAY, _ERROR]),
    "dcf_prune_global": (c_uint32, [POINTER(PruneLayer), c_size_t, c_double, _ERROR]),
    "dcf_apply_mask": (c_uint32, [_ARRAY, _ARRAY, c_size_t, _ERROR]),
    "dcf_share_options_init": (None, [POINTER(ShareOptions)]),
    "dcf_share": (
        c_uint32,
        [
            _ARRAY,
            _ARRAY,
            _ARRAY,
            c_size_t,
            POINTER(ShareOptions),
            _ARRAY,
            POINTER(c_uint32),
            _ARRAY,
            _ERROR,
        ],
    ),
    "dcf_assign": (
        c_uint32,
        [_ARRAY, _ARRAY, _ARRAY, c_size_t, _ARRAY, _ARRAY, c_uint32, c_double, _ARRAY, _ERROR],
    ),
    "dcf_expand": (c_uint32, [_ARRAY, c_size_t, _ARRAY, c_uint32, _ARRAY, _ERROR]),
    "dcf_sum_gradients": (c_uint32, [_ARRAY, _ARRAY, c_size_t, c_uint32, _ARRAY, _ERROR]),
    "dcf_fold_dead_units": (c_uint32, [POINTER(DeadUnits), _SIZE_OUT, _ERROR]),
    "dcf_quantize_bias": (c_uint32, [_ARRAY, c_size_t, c_uint32, _ARRAY, _ERROR]),
}


def _bind(library: ctypes.CDLL) -> ctypes.CDLL:
    for name, (result, arguments) in PROTOTYPES.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


lib = _bind(_library.load_library())

_Options = TypeVar("_Options", bound=Sized)


def defaults(options: type[_Options]) -> _Options:
    """A struct of options as the library's _init function fills it, such as defaults(OpenOptions)."""
    initialisers = {
        OpenOptions: lib.dcf_open_options_init,
        LayerOptions: lib.dcf_layer_options_init,
        EncodeOptions: lib.dcf_encode_options_init,
        WriterOptions: lib.dcf_writer_options_init,
        ShareOptions: lib.dcf_share_options_init,
    }
    filled = options()
    initialisers[options](byref(filled))
    return filled


def call(function: Any, *arguments: Any) -> None:
    """Calls a function whose last argument is the dcf_error; raises DcfError unless it is DCF_OK."""
    error = ErrorInfo(offset=NO_OFFSET, tensor=NO_TENSOR)
    status = function(*arguments, byref(error))
    if status != STATUS_OK:
        raise error_of(status, error)


def error_of(status: int, error: ErrorInfo) -> Exception:
    """The exception for a status and its details."""
    return error_from_status(
        code=status,
        name=lib.dcf_status_name(status).decode(),
        kind=lib.dcf_status_class(status),
        rule=error.rule.decode("utf-8", "replace") or None,
        offset=None if error.offset == NO_OFFSET else error.offset,
        tensor=None if error.tensor == NO_TENSOR else error.tensor,
        message=error.message.decode("utf-8", "replace")
        or lib.dcf_status_sentence(status).decode(),
        system_error=error.system_error,
    )


def text_at(address: int | None, size: int) -> str:
    """The UTF-8 text of `size` bytes at an address that the library gave."""
    return ctypes.string_at(address or 0, size).decode("utf-8", "surrogateescape") if size else ""
