# SPDX-License-Identifier: Apache-2.0
"""The structs and callbacks of the C ABI: dcf/dcf.h, dcf/dcf_write.h, dcf/dcf_encode.h say what the
fields mean. A test compares each with the recorded ABI of the tree."""

from __future__ import annotations

import ctypes
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char,
    c_char_p,
    c_double,
    c_int,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any

MAX_RANK = 32

# typedef int (*dcf_progress_fn)(void* ctx, uint64_t done, uint64_t total)
ProgressFn = CFUNCTYPE(c_int, c_void_p, c_uint64, c_uint64)
# void (*task)(void* arg, size_t i)
TaskFn = CFUNCTYPE(None, c_void_p, c_size_t)
# typedef void (*dcf_parallel_fn)(void* ctx, size_t n, void (*task)(void*, size_t), void* arg)
ParallelFn = CFUNCTYPE(None, c_void_p, c_size_t, TaskFn, c_void_p)
# int (*read_at)(void* ctx, uint64_t offset, void* dst, size_t size)
ReadAtFn = CFUNCTYPE(c_int, c_void_p, c_uint64, c_void_p, c_size_t)
# int (*write)(void* ctx, const void* data, size_t size)
WriteFn = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t)


class Sized(Structure):
    """A struct that begins with struct_size, which is set here. All other fields start as 0."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(struct_size=ctypes.sizeof(type(self)), **fields)


class ErrorInfo(Sized):
    """dcf_error."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("status", c_uint32),
        ("offset", c_uint64),
        ("tensor", c_uint64),
        ("rule", c_char * 8),
        ("message", c_char * 168),
        ("system_error", c_int),
    ]


class TensorInfo(Sized):
    """dcf_tensor_info."""

    _fields_ = [
        ("struct_size", c_size_t),
        # Not c_char_p: a name is read by its size.
        ("name", c_void_p),
        ("name_size", c_size_t),
        ("dtype", c_uint32),
        ("dtype_bits", c_uint32),
        ("rank", c_uint32),
        ("dims", c_uint64 * MAX_RANK),
        ("elements", c_uint64),
        ("rows", c_uint64),
        ("cols", c_uint64),
        ("dense_bytes", c_uint64),
        ("positions", c_uint32),
        ("values", c_uint32),
        ("gap_bits", c_uint32),
        ("codebook_size", c_uint32),
        ("nonzeros", c_uint64),
        ("entries", c_uint64),
        ("chunks", c_uint64),
        ("encoded_bytes", c_uint64),
        ("alias_of", c_uint64),
        ("fidelity", c_uint32),
        ("error_bound", c_double),
    ]


class TensorBytes(Sized):
    """dcf_tensor_bytes."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("positions", c_uint64),
        ("values", c_uint64),
        ("codebook", c_uint64),
        ("tables", c_uint64),
        ("other", c_uint64),
        ("total", c_uint64),
    ]


class FileInfo(Sized):
    """dcf_file_info."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("format_major", c_uint32),
        ("format_minor", c_uint32),
        ("file_bytes", c_uint64),
        ("manifest_bytes", c_uint64),
        ("overhead_bytes", c_uint64),
        ("dense_bytes", c_uint64),
        ("tensors", c_uint64),
        ("metadata", c_uint64),
        ("memory_bytes", c_uint64),
        ("name_bytes", c_uint64),
        ("features", c_uint64),
    ]


class SectionInfo(Sized):
    """dcf_section_info."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("kind", c_uint32),
        ("critical", c_uint32),
        ("bytes", c_uint64),
        ("offset", c_uint64),
    ]


class OpenOptions(Sized):
    """dcf_open_options; `_abi.defaults` has those of the library."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("max_memory", c_uint64),
        ("max_tensors", c_uint64),
        ("max_output", c_uint64),
        ("max_entries", c_uint64),
        ("max_manifest", c_uint64),
        ("threads", c_uint32),
        ("parallel", ParallelFn),
        ("parallel_ctx", c_void_p),
    ]


class Reader(Sized):
    """dcf_reader."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("ctx", c_void_p),
        ("size", c_uint64),
        ("read_at", ReadAtFn),
    ]


class DenseOutput(Structure):
    """dcf_dense_output. An array of them is made of tuples, struct_size included."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("index", c_size_t),
        ("as", c_uint32),
        ("dst", c_void_p),
        ("dst_size", c_size_t),
    ]


class Csr(Sized):
    """dcf_csr."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("row_ptr", c_void_p),
        ("row_ptr_capacity", c_uint64),
        ("col", c_void_p),
        ("col_capacity", c_uint64),
        ("values", c_void_p),
        ("values_capacity", c_uint64),
        ("nonzeros", c_uint64),
    ]


class Conv2dShape(Sized):
    """dcf_conv2d_shape."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("in_channels", c_uint64),
        ("height", c_uint64),
        ("width", c_uint64),
        ("stride_h", c_uint64),
        ("stride_w", c_uint64),
        ("pad_h", c_uint64),
        ("pad_w", c_uint64),
        ("dilation_h", c_uint64),
        ("dilation_w", c_uint64),
        ("groups", c_uint64),
    ]


class Pool2dShape(Sized):
    """dcf_pool2d_shape."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("pool", c_uint32),
        ("channels", c_uint64),
        ("height", c_uint64),
        ("width", c_uint64),
        ("kernel_h", c_uint64),
        ("kernel_w", c_uint64),
        ("stride_h", c_uint64),
        ("stride_w", c_uint64),
        ("pad_h", c_uint64),
        ("pad_w", c_uint64),
    ]


class LayerOptions(Sized):
    """dcf_layer_options; `_abi.defaults` has those of the library."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("batch", c_uint64),
        ("threads", c_uint32),
        ("kernel", c_char_p),
        ("input_density", c_double),
        ("parallel", ParallelFn),
        ("parallel_ctx", c_void_p),
        ("bias", c_void_p),
        ("bias_elements", c_size_t),
        ("activation", c_uint32),
    ]


class LayerInfo(Sized):
    """dcf_layer_info."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("kernel", c_char_p),
        ("inputs", c_uint64),
        ("outputs", c_uint64),
        ("nonzeros", c_uint64),
        ("packed_bytes", c_uint64),
        ("working_bytes", c_uint64),
        ("bias_elements", c_uint64),
        ("activation", c_uint32),
    ]


class Moments(Sized):
    """dcf_moments, which borrows its arrays."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("groups", c_uint64),
        ("matrix", c_void_p),
        ("matrix_size", c_size_t),
        ("mean", c_void_p),
        ("mean_square", c_void_p),
        ("vector_size", c_size_t),
        ("inputs_first", c_uint32),
        ("use", POINTER(c_uint32)),
        ("inputs", c_uint64),
    ]


class EncodeOptions(Sized):
    """dcf_encode_options; `_abi.defaults` has those of the library."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("sparsity", c_double),
        ("bits", c_uint32),
        ("init", c_uint32),
        ("seed", c_uint64),
        ("positions", c_uint32),
        ("gap_bits", c_uint32),
        ("canonical_zeros", c_uint32),
        ("source_error_bound", c_double),
        ("source_fidelity", c_uint32),
        ("fill_clusters", c_uint32),
        ("effort", c_uint32),
        ("sqnr_db", c_double),
        ("moments", POINTER(Moments)),
    ]


class WriterOptions(Sized):
    """dcf_writer_options; `_abi.defaults` has those of the library."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("max_memory", c_uint64),
        ("threads", c_uint32),
        ("parallel", ParallelFn),
        ("parallel_ctx", c_void_p),
        ("overwrite", c_uint32),
        ("progress", ProgressFn),
        ("progress_ctx", c_void_p),
        ("part", c_uint32),
    ]


class Sink(Sized):
    """dcf_sink."""

    _fields_ = [("struct_size", c_size_t), ("ctx", c_void_p), ("write", WriteFn)]


class TensorSpec(Sized):
    """dcf_tensor_spec."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("name_size", c_size_t),
        ("dtype", c_uint32),
        ("opaque_bits", c_uint32),
        ("opaque_name", c_char_p),
        ("opaque_name_size", c_size_t),
        ("rank", c_uint32),
        ("dims", POINTER(c_uint64)),
    ]


class DenseTensor(Sized):
    """dcf_dense_tensor, whose bytes are in memory."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("spec", POINTER(TensorSpec)),
        ("options", POINTER(EncodeOptions)),
        ("data", c_void_p),
        ("size", c_size_t),
        ("read", c_void_p),
        ("ctx", c_void_p),
    ]


class PruneLayer(Sized):
    """dcf_prune_layer. In an array, set struct_size and scale of each element."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("weights", c_void_p),
        ("size", c_size_t),
        ("scale", c_double),
        ("mask", c_void_p),
    ]

    def __init__(self, scale: float = 1.0, **fields: Any) -> None:
        super().__init__(scale=scale, **fields)


class ShareOptions(Sized):
    """dcf_share_options; `_abi.defaults` has those of the library."""

    # `lambda` is a word of Python; getattr() and setattr() reach the field.
    _fields_ = [
        ("struct_size", c_size_t),
        ("clusters", c_uint32),
        ("init", c_uint32),
        ("seed", c_uint64),
        ("lambda", c_double),
    ]


class DeadUnits(Sized):
    """dcf_dead_units."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("w1", c_void_p),
        ("bias1", c_void_p),
        ("units", c_uint64),
        ("inputs", c_uint64),
        ("relu", c_uint32),
        ("w2", c_void_p),
        ("bias2", c_void_p),
        ("outputs", c_uint64),
        ("span", c_uint64),
    ]
