# SPDX-License-Identifier: Apache-2.0
"""An open .dcf file: a handle of the library with the lifetime and the exceptions of Python."""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ctypes import byref, c_size_t, c_uint64, c_void_p
from typing import Any, NamedTuple

import numpy as np

from . import _abi
from ._arguments import path_bytes, whole
from ._callbacks import ReadCallback, progress_callback
from ._cancel import Cancellation, interruptible
from ._dtypes import F32, OPAQUE, DType
from ._handle import Handle
from ._memory import borrow
from ._readers import is_reader, range_reader
from ._uncopied import Uncopied
from .errors import DcfError, missing_file

Progress = Callable[[int, int], Any]


class TensorInfo(NamedTuple):
    """Everything the file says about one tensor; its data is not read."""

    name: str
    dtype: DType
    dtype_name: str  # "f32", "bf16", ...; the stored name of an opaque type
    shape: tuple[int, ...]
    elements: int
    rows: int  # of the first dimension; 1 at rank 0
    cols: int  # product of the other dimensions
    dense_bytes: int
    encoded_bytes: int
    positions: str  # "dense", "bitmap", "gap", "gap-bucket", "classes"
    # "raw", "palette", "grid", "split", "int", "delta", "dictionary", "class-split", "trellis"
    values: str
    gap_bits: int
    codebook_size: int
    nonzeros: int
    entries: int
    chunks: int
    alias_of: int | None  # index of the tensor whose data this one shares
    fidelity: str  # "bit-exact", "value-exact", "lossy"
    error_bound: float  # greatest |original - decoded|


@functools.cache
def _name(function: str, number: int) -> str:
    """The library's name of a number of an enum."""
    return str(getattr(_abi.lib, function)(number).decode())


def open_options(max_memory: int | None, threads: int, limits: dict[str, int]) -> Any:
    """dcf_open_options. `limits`: max_tensors, max_output, max_entries, max_manifest."""
    options = _abi.defaults(_abi.OpenOptions)
    options.threads = whole(threads, "threads", 32)
    if max_memory is not None:
        options.max_memory = whole(max_memory, "max_memory")
    for name, value in limits.items():
        if name not in ("max_tensors", "max_output", "max_entries", "max_manifest"):
            raise TypeError(f"there is no limit {name!r}")
        setattr(options, name, whole(value, name))
    return options


def _fitting(dtype: Any, bits: int) -> np.dtype:
    """A NumPy type that takes elements of so many bits. ValueError for another, and for objects."""
    known: np.dtype = np.dtype(dtype)
    if 8 * known.itemsize != bits or known.hasobject:
        raise ValueError(f"an array of {known} does not take elements of {bits} bits")
    return known


class _Naming:
    """Failures in the block say the name of the tensor instead of its index."""

    __slots__ = ("_file", "_index")

    def __init__(self, file: File, index: int | None) -> None:
        self._file = file
        self._index = index

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if isinstance(error, DcfError):
            at = self._index if error.tensor is None else error.tensor
            if isinstance(at, int):
                error.tensor = self._file.tensor(at).name


@contextmanager
def _watched(handle: c_void_p, progress: Progress) -> Iterator[c_void_p]:
    """Another handle of the file, whose calls report to `progress` and which it cancels."""
    callback = progress_callback(progress)
    watched = c_void_p()
    _abi.call(_abi.lib.dcf_file_watch, handle, callback.pointer, None, byref(watched))
    try:
        with callback:
            yield watched
    finally:
        _abi.lib.dcf_file_close(watched)


class File(Uncopied):
    """An open file. Any number of threads may use it at once. close() takes effect when the last call
    in progress returns.

    source: a path; bytes, a memoryview, mmap or array that holds the file; or an object that reads
        (see `_readers`).
    max_memory: bytes that the library may hold at once for this file, besides what it returns
        (default 1 GiB).
    threads: of the library; 0 is one per processor.
    limits: max_tensors, max_output, max_entries, max_manifest, as in dcf_open_options.
    """

    def __init__(
        self, source: Any, *, max_memory: int | None = None, threads: int = 0, **limits: int
    ) -> None:
        self._handle = Handle()
        self._infos: dict[int, TensorInfo] = {}
        try:
            self._open(source, byref(open_options(max_memory, threads, limits)))
        except BaseException:
            self._handle.end_reading()
            raise
        self._handle.opened()

    def _open(self, source: Any, options: Any) -> None:
        if isinstance(source, (str, os.PathLike)):
            self._open_path(source, options)
        elif is_reader(source):
            self._open_reader(source, options)
        else:
            self._open_memory(source, options)

    def _open_path(self, path: str | os.PathLike[str], options: Any) -> None:
        encoded = path_bytes(path)
        try:
            _abi.call(_abi.lib.dcf_file_open_path, encoded, options, byref(self._handle.pointer))
        except DcfError as error:
            if isinstance(error, FileNotFoundError):
                raise missing_file(os.fspath(path)) from None
            if isinstance(error, OSError):
                error.filename = os.fspath(path)
            raise

    def _open_memory(self, data: Any, options: Any) -> None:
        if not isinstance(data, np.ndarray):
            try:
                memoryview(data)
            except TypeError:
                kind = type(data).__name__
                raise TypeError(
                    f"a .dcf file is a path, bytes or an object that reads, not a {kind}"
                ) from None
        memory = borrow(data)
        self._handle.kept.append(memory)
        _abi.call(
            _abi.lib.dcf_file_open_memory,
            memory.address,
            memory.size,
            options,
            byref(self._handle.pointer),
        )

    def _open_reader(self, source: Any, options: Any) -> None:
        reading = range_reader(source)
        callback = ReadCallback(reading.read_into)
        reader = _abi.Reader(size=reading.size, read_at=callback.pointer)
        self._handle.kept += [source, callback, reader]
        self._handle.end_reading = reading.close
        out = byref(self._handle.pointer)

        def work() -> None:
            with callback:
                _abi.call(_abi.lib.dcf_file_open_reader, byref(reader), options, out)

        interruptible(work, Cancellation())
        self._handle.reading = callback

    def close(self) -> None:
        """Closes the file. Arrays that came from it stay. Further calls are a CallError."""
        self._handle.close()

    def __del__(self) -> None:
        if hasattr(self, "_handle"):
            self._handle.close()

    # ---- Describing

    def describe(self) -> Any:
        """dcf_file_info."""
        info = _abi.FileInfo()
        with self._handle as handle:
            _abi.call(_abi.lib.dcf_file_describe, handle, byref(info))
        return info

    def count(self) -> int:
        """Number of tensors. They are sorted by name, bytewise."""
        with self._handle as handle:
            return int(_abi.lib.dcf_tensor_count(handle))

    def find(self, name: str) -> int:
        """Index of a tensor. TensorNotFound (a KeyError) if no tensor has the name."""
        if not isinstance(name, str):
            raise TypeError(f"a tensor's name is a str, not {name!r}")
        encoded = name.encode("utf-8", "surrogateescape")
        index = c_size_t()
        with self._handle as handle:
            try:
                _abi.call(_abi.lib.dcf_tensor_find, handle, encoded, len(encoded), byref(index))
            except DcfError as error:
                if error.code == _abi.STATUS_NOT_FOUND:
                    error.tensor = name
                raise
        return index.value

    def tensor(self, index: int) -> TensorInfo:
        """What the file says about a tensor."""
        index = whole(index, "the index of a tensor")
        known = self._infos.get(index)
        if known is None:
            known = self._infos[index] = self._describe(index)
        return known

    def _describe(self, index: int) -> TensorInfo:
        lib = _abi.lib
        t = _abi.TensorInfo()
        with self._handle as handle:
            _abi.call(lib.dcf_tensor_describe, handle, index, byref(t))
            opaque = ""
            if t.dtype == OPAQUE:
                opaque = lib.dcf_tensor_opaque_name(handle, index).decode("utf-8", "replace")
            name = _abi.text_at(t.name, t.name_size)
        return TensorInfo(
            name=name,
            dtype=DType(t.dtype, t.dtype_bits, opaque),
            dtype_name=opaque or _name("dcf_dtype_name", t.dtype),
            shape=tuple(t.dims[: t.rank]),
            elements=t.elements,
            rows=t.rows,
            cols=t.cols,
            dense_bytes=t.dense_bytes,
            encoded_bytes=t.encoded_bytes,
            positions=_name("dcf_positions_name", t.positions),
            values=_name("dcf_values_name", t.values),
            gap_bits=t.gap_bits,
            codebook_size=t.codebook_size,
            nonzeros=t.nonzeros,
            entries=t.entries,
            chunks=t.chunks,
            alias_of=None if t.alias_of == _abi.NO_TENSOR else t.alias_of,
            fidelity=_name("dcf_fidelity_name", t.fidelity),
            error_bound=t.error_bound,
        )

    def metadata(self) -> dict[str, str]:
        """All pairs of model metadata."""
        pairs = {}
        key, value = c_void_p(), c_void_p()
        key_size, value_size = c_size_t(), c_size_t()
        outputs = (byref(key), byref(key_size), byref(value), byref(value_size))
        with self._handle as handle:
            for i in range(_abi.lib.dcf_metadata_count(handle)):
                _abi.call(_abi.lib.dcf_metadata_at, handle, i, *outputs)
                pairs[_abi.text_at(key.value, key_size.value)] = _abi.text_at(
                    value.value, value_size.value
                )
        return pairs

    def sections(self) -> dict[int, bytes]:
        """The ancillary sections by kind. Reads and checks all of them."""
        found = {}
        with self._handle as handle:
            for i in range(_abi.lib.dcf_section_count(handle)):
                info = _abi.SectionInfo()
                _abi.call(_abi.lib.dcf_section_describe, handle, i, byref(info))
                data = ctypes.create_string_buffer(info.bytes)
                _abi.call(_abi.lib.dcf_section_read, handle, i, data, info.bytes)
                found[info.kind] = data.raw
        return found

    # ---- Decoding

    def decode_into(
        self,
        index: int,
        address: int | None,
        size: int,
        *,
        as_dtype: int = 0,
        rows: tuple[int, int] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Decodes a tensor, or rows [first, last) of it, into `size` bytes at an address.

        progress(done, total) runs on any thread, in encoded bytes; True cancels. ValueError for a
        number that does not fit.
        """
        index, size = whole(index, "the index of a tensor"), whole(size, "the size")
        as_dtype = whole(as_dtype, "as_dtype", 32)
        if rows is not None:
            first = whole(rows[0], "the first row")
            rows = (first, whole(rows[1], "the end of the rows", 64, first))
        self._run(
            index,
            lambda handle: self._decode(handle, index, address, size, as_dtype, rows),
            progress,
        )

    def decode_all(
        self, outputs: Sequence[tuple[int, int | None, int]], progress: Progress | None = None
    ) -> None:
        """Decodes tensors, each given by its index and `size` bytes at an address, in one call.

        progress as of decode_into().
        """
        width = ctypes.sizeof(_abi.DenseOutput)
        fields: list[Any] = [
            (width, whole(index, "the index of a tensor"), 0, address, whole(size, "the size"))
            for index, address, size in outputs
        ]
        array = (_abi.DenseOutput * len(fields))(*fields)
        self._run(
            None,
            lambda handle: _abi.call(_abi.lib.dcf_file_decode_tensors, handle, array, len(outputs)),
            progress,
        )

    def _run(
        self, index: int | None, call: Callable[[c_void_p], None], progress: Progress | None = None
    ) -> None:
        """A call that decodes, which Ctrl-C ends where Python has a part in it."""
        if progress is None and self._handle.reading is None:
            with self._handle as handle, _Naming(self, index):
                call(handle)
            return
        cancel = Cancellation()

        def step(done: int, total: int) -> bool:
            return cancel.requested or (progress is not None and progress(done, total) is True)

        def work() -> None:
            with self._handle as handle, _Naming(self, index), _watched(handle, step) as watched:
                call(watched)

        interruptible(work, cancel)

    @staticmethod
    def _decode(
        handle: c_void_p,
        index: int,
        address: int | None,
        size: int,
        as_dtype: int,
        rows: tuple[int, int] | None,
    ) -> None:
        if rows is None:
            _abi.call(_abi.lib.dcf_tensor_decode, handle, index, as_dtype, address, size)
            return
        first, last = rows
        _abi.call(
            _abi.lib.dcf_tensor_decode_rows,
            handle,
            index,
            as_dtype,
            first,
            last - first,
            address,
            size,
        )

    def decode_csr(
        self, index: int, value_dtype: np.dtype, as_dtype: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """row_ptr (uint64, rows + 1), columns (uint32) and values of the nonzeros of [rows, cols].

        value_dtype: of as many bytes as the tensor's elements have, or a float's where as_dtype is
        F32; ValueError otherwise.
        """
        info = self.tensor(index)
        as_dtype = whole(as_dtype, "as_dtype", 32)
        bits = 32 if as_dtype == F32 else info.dtype.bits
        value_dtype = _fitting(value_dtype, bits)
        row_ptr = np.empty(info.rows + 1, np.uint64)
        col = np.empty(info.nonzeros, np.uint32)
        values = np.empty(info.nonzeros, value_dtype)
        csr = _abi.Csr(
            row_ptr=row_ptr.ctypes.data,
            row_ptr_capacity=row_ptr.size,
            col=col.ctypes.data,
            col_capacity=col.size,
            values=values.ctypes.data,
            values_capacity=values.size,
        )
        self._run(
            index,
            lambda handle: _abi.call(
                _abi.lib.dcf_tensor_decode_csr, handle, index, as_dtype, byref(csr)
            ),
        )
        return row_ptr, col, values

    def decode_codes(self, index: int) -> np.ndarray:
        """uint16, one code per element: see dcf_tensor_decode_codes."""
        info = self.tensor(index)
        codes = np.empty(info.shape, np.uint16)
        self._run(
            index,
            lambda handle: _abi.call(
                _abi.lib.dcf_tensor_decode_codes, handle, index, codes.ctypes.data, codes.size
            ),
        )
        return codes

    def decode_codebook(self, index: int, dtype: np.dtype) -> np.ndarray:
        """The codebook of a palette or dictionary tensor, ascending. dtype: of as many bytes as its
        elements have; ValueError otherwise."""
        info = self.tensor(index)
        book = np.empty(info.codebook_size, _fitting(dtype, info.dtype.bits))
        self._run(
            index,
            lambda handle: _abi.call(
                _abi.lib.dcf_tensor_decode_codebook, handle, index, book.ctypes.data, book.nbytes
            ),
        )
        return book

    def decode_memory(self, index: int) -> int:
        """The most memory that decoding the tensor takes besides its own bytes."""
        index = whole(index, "the index of a tensor")
        output, working = c_uint64(), c_uint64()
        with self._handle as handle:
            _abi.call(
                _abi.lib.dcf_tensor_decode_bound,
                handle,
                index,
                0,
                byref(output),
                byref(working),
            )
        return working.value

    def verify(self, index: int | None = None, progress: Progress | None = None) -> None:
        """Checks all of the file, or all of one tensor."""
        cancel = Cancellation()
        if index is not None:
            index = whole(index, "the index of a tensor")

        def step(done: int, total: int) -> bool:
            return cancel.requested or (progress is not None and progress(done, total) is True)

        def work() -> None:
            callback = progress_callback(step)
            with self._handle as handle, callback, _Naming(self, index):
                if index is None:
                    _abi.call(_abi.lib.dcf_file_verify, handle, callback.pointer, None)
                else:
                    _abi.call(_abi.lib.dcf_tensor_verify, handle, index, callback.pointer, None)

        interruptible(work, cancel)

    @contextmanager
    def handle(self) -> Iterator[c_void_p]:
        """The dcf_file, which stays open in the block."""
        with self._handle as handle:
            yield handle
