# SPDX-License-Identifier: Apache-2.0
"""Writer: a .dcf file, tensor by tensor."""

from __future__ import annotations

import ctypes
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from ctypes import byref, c_uint64, pointer
from typing import Any

import numpy as np

from . import _abi
from ._arguments import narrow, path_bytes, whole
from ._callbacks import Callback, progress_callback, write_callback
from ._cancel import Cancellation, interruptible
from ._dtypes import OPAQUE, DType, dcf_dtype
from ._encoding import Encoding
from ._file import File, Progress
from ._memory import address_of, borrow
from ._sources import Source, array_source, dense_source
from ._turns import WriterHandle
from ._uncopied import Uncopied
from .errors import Cancelled, DcfError

__all__ = ["Writer"]


class Writer(Uncopied):
    """Writes a file tensor by tensor.

        with Writer("model.dcf") as writer:
            writer.add("weight", array)

    Leaving the block finishes the file, which appears whole, unless finish() did; an exception inside
    it leaves none.

    target: a path, or a function that takes the file's bytes piece by piece when it is finished, such
        as io.BytesIO().write. A piece is a memoryview that is gone when the function returns: keep
        bytes(piece). It may take less than all and return how much; other results count as all.
    overwrite: replace an existing file; otherwise that is a FileExistsError.
    max_memory: bytes the library may hold besides what it is given (default 1 GiB).
    threads: 0 is one per processor. progress(done, total): bytes of the call in progress; an
        exception it raises ends the work.

    The bytes depend only on what is added: not on its order, threads or machine. Any number of
    threads may use a writer: their calls follow each other. Its own callbacks may not (BadState), and
    run on threads other than the caller's. Ctrl-C ends a call. A call that fails breaks the writer.
    """

    _instead = "make another one, or add to this one from several threads"

    def __init__(
        self,
        target: str | os.PathLike[str] | Callable[[memoryview], Any],
        *,
        overwrite: bool = False,
        max_memory: int | None = None,
        threads: int = 0,
        progress: Progress | None = None,
    ) -> None:
        self._handle = WriterHandle()
        self._finished = False
        self._unsaved = False  # whether something was added of which finish() would make a file
        self._path = None if callable(target) else os.fspath(target)
        options = _abi.defaults(_abi.WriterOptions)
        options.threads = whole(threads, "threads", 32)
        options.overwrite = int(overwrite)
        if max_memory is not None:
            options.max_memory = whole(max_memory, "max_memory")
        handle = self._handle  # not self, which its callbacks would keep alive

        def report(done: int, total: int) -> bool:
            return handle.cancel.requested or (
                progress is not None and progress(done, total) is True
            )

        self._progress = progress_callback(handle.callback(report))
        options.progress = self._progress.pointer
        self._sink: Callback | None = None
        out = byref(handle.pointer)
        if callable(target):
            self._sink = write_callback(handle.callback(_until_cancelled(handle, target)))
            self._sink_struct = _abi.Sink(write=self._sink.pointer)
            _abi.call(_abi.lib.dcf_writer_open_sink, byref(self._sink_struct), byref(options), out)
        else:
            with _OfPath(self._path):
                _abi.call(_abi.lib.dcf_writer_open_path, path_bytes(target), byref(options), out)
        handle.opened()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: Any, _error: Any, _traceback: Any) -> None:
        try:
            if kind is None and not self._finished and not self._handle.is_closed:
                self.finish()
        finally:
            self._handle.close()

    def __del__(self) -> None:
        if hasattr(self, "_handle"):
            self.close()

    def _call(self, function: Any, *arguments: Any) -> None:
        """One call of the library, which waits for its turn."""
        self._handle.check()
        cancel = Cancellation()

        def work() -> None:
            with self._handle as handle, _OfPath(self._path):
                if cancel.requested:  # while it waited
                    return
                self._handle.cancel = cancel
                with self._progress, self._sink or nullcontext():
                    _abi.call(function, handle, *arguments)

        try:
            interruptible(work, cancel)
        except BaseException:
            self._unsaved = False
            raise
        self._unsaved = True

    def add(self, name: str, value: Any, encoding: Encoding | None = None) -> None:
        """Adds an array, or a matrix of scipy.sparse; losslessly unless `encoding` says otherwise."""
        self.add_source(name, array_source(value), encoding)

    def add_source(self, name: str, source: Source, encoding: Encoding | None = None) -> None:
        """Adds a tensor that a framework prepared (`_sources`)."""
        spec = _spec(name, source.shape, source.dtype)
        options = (encoding or Encoding()).options()
        try:
            if source.row_ptr is None or source.col is None:
                self._call(
                    _abi.lib.dcf_writer_add_dense,
                    byref(spec),
                    source.address,
                    source.size,
                    byref(options),
                )
            else:
                self._call(
                    _abi.lib.dcf_writer_add_csr,
                    byref(spec),
                    source.row_ptr.ctypes.data,
                    source.row_ptr.size,
                    address_of(source.col),
                    source.address,
                    source.col.size,
                    byref(options),
                )
        except DcfError as error:
            error.tensor = name
            raise

    def add_all(self, tensors: Mapping[str, Any], encoding: Encoding | None = None) -> None:
        """Adds arrays as `add` does, several at a time: faster where there are many."""
        self.add_sources([(name, array_source(value), encoding) for name, value in tensors.items()])

    def add_sources(self, sources: Sequence[tuple[str, Source, Encoding | None]]) -> None:
        """The same of tensors that a framework prepared."""
        if any(source.is_sparse for _, source, _ in sources):
            for name, source, encoding in sources:
                self.add_source(name, source, encoding)
            return
        specs = [_spec(name, source.shape, source.dtype) for name, source, _ in sources]
        options = [(encoding or Encoding()).options() for _, _, encoding in sources]
        tensors = (_abi.DenseTensor * len(sources))(
            *(
                _abi.DenseTensor(
                    spec=pointer(spec),
                    options=pointer(option),
                    data=source.address,
                    size=source.size,
                )
                for (_, source, _), spec, option in zip(sources, specs, options)
            )
        )
        try:
            self._call(_abi.lib.dcf_writer_add_tensors, tensors, len(sources))
        except DcfError as error:
            if isinstance(error.tensor, int):
                error.tensor = sources[error.tensor][0]
            raise

    def add_codes(
        self,
        name: str,
        shape: tuple[int, ...],
        codes: Any,
        codebook: Any,
        *,
        dtype: DType | Any,
        row_ptr: Any = None,
        col: Any = None,
        encoding: Encoding | None = None,
    ) -> None:
        """Adds a clustered tensor: dcf_writer_add_codes.

        codes: integers, one per entry, indices into `codebook`, a dimension of at most 256 elements
        of `dtype` in any byte order. dtype: a DType, or what np.dtype takes. With row_ptr and col
        (integers) the entries are those of a CSR of [shape[0], rest]; without, there is one per
        element. TypeError for elements of another type, ValueError for numbers and sizes that do
        not fit.
        """
        if not isinstance(dtype, DType):
            dtype = dcf_dtype(np.dtype(dtype))
        codes = narrow(np.ravel(codes), np.uint8, "codes")
        book = _codebook(codebook, dtype)
        if (row_ptr is None) != (col is None):
            raise ValueError("row_ptr and col come together")
        if row_ptr is not None and col is not None:
            row_ptr = narrow(row_ptr, np.uint64, "row_ptr")
            col = narrow(col, np.uint32, "columns")
            if col.size != codes.size:
                raise ValueError(f"there are {codes.size} codes for {col.size} columns")
        spec = _spec(name, shape, dtype)
        options = (encoding or Encoding()).options()
        try:
            self._call(
                _abi.lib.dcf_writer_add_codes,
                byref(spec),
                None if row_ptr is None else row_ptr.ctypes.data,
                0 if row_ptr is None else row_ptr.size,
                address_of(col),
                address_of(codes),
                codes.size,
                book.address,
                book.shape[0],
                byref(options),
            )
        except DcfError as error:
            error.tensor = name
            raise

    def copy(self, file: File, index: int, name: str | None = None) -> None:
        """Copies a tensor of an open file as it is stored, without decoding it."""
        encoded = None if name is None else _encode(name)
        index = whole(index, "the index of a tensor")
        with file.handle() as handle:
            self._call(_abi.lib.dcf_writer_copy_tensor, handle, index, encoded, len(encoded or b""))

    def add_metadata(self, key: str, value: str) -> None:
        """Adds a pair of model metadata; keys are unique."""
        k, v = _encode(key), _encode(value)
        self._call(_abi.lib.dcf_writer_add_metadata, k, len(k), v, len(v))

    def add_section(self, kind: int, data: bytes) -> None:
        """Adds an ancillary section: bytes that readers may skip."""
        memory = borrow(data)
        kind = whole(kind, "the kind of a section", 32)
        self._call(_abi.lib.dcf_writer_add_section, kind, memory.address, memory.size)

    def finish(self) -> None:
        """Writes the file. Afterwards the writer can only be closed."""
        self._call(_abi.lib.dcf_writer_finish)
        self._finished = True
        self._unsaved = False

    def close(self) -> None:
        """Frees the writer, once a call in progress has returned. If it was not finished, no file
        remains, which is a ResourceWarning where something was added."""
        if self._unsaved and not self._handle.is_closed:
            warnings.warn(f"unfinished {self!r}: no file of it", ResourceWarning, 2, source=self)
        self._handle.close()


class _OfPath:
    """Failures of the machine to write in the block have the path as their filename."""

    __slots__ = ("_path",)

    def __init__(self, path: Any) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if isinstance(error, DcfError) and isinstance(error, OSError):
            if error.code != _abi.STATUS_IO_READ:  # of another file, which is copied
                error.filename = self._path


def _until_cancelled(
    handle: WriterHandle, write: Callable[[memoryview], Any]
) -> Callable[[memoryview], Any]:
    """A target that takes no more once its call is interrupted: finish() reports no progress."""

    def take(data: memoryview) -> Any:
        if handle.cancel.requested:
            raise Cancelled(
                "the call was interrupted", code=_abi.STATUS_CANCELLED, name="Cancelled"
            )
        return write(data)

    return take


def _codebook(values: Any, dtype: DType) -> Source:
    """A codebook as the library borrows it."""
    source = dense_source(np.asarray(values))
    if source.dtype != dtype:
        raise TypeError(f"the codebook's elements are {np.asarray(values).dtype}, not of `dtype`")
    if len(source.shape) != 1 or source.shape[0] > 256:
        raise ValueError(f"a codebook has one dimension of at most 256, not {source.shape}")
    return source


def _encode(text: str) -> bytes:
    if not isinstance(text, str):
        raise TypeError(f"names, keys and values of metadata are str, not {type(text).__name__}")
    return text.encode("utf-8", "surrogateescape")


def _spec(name: str, shape: tuple[int, ...], dtype: DType) -> Any:
    encoded = _encode(name)
    opaque = dtype.name.encode("utf-8")
    dims = (c_uint64 * len(shape))(*(whole(n, "a dimension") for n in shape))
    return _abi.TensorSpec(
        name=encoded,
        name_size=len(encoded),
        dtype=dtype.number,
        opaque_bits=dtype.bits if dtype.number == OPAQUE else 0,
        opaque_name=opaque or None,
        opaque_name_size=len(opaque),
        rank=len(shape),
        dims=ctypes.cast(dims, ctypes.POINTER(c_uint64)),
    )
