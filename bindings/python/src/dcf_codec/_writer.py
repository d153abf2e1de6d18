# SPDX-License-Identifier: Apache-2.0
"""Writer: a .dcf file, tensor by tensor."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping, Sequence
from ctypes import byref, c_uint64, c_void_p, pointer
from typing import Any

import numpy as np

from . import _abi
from ._callbacks import Callback, progress_callback, write_callback
from ._dtypes import OPAQUE, DType
from ._encoding import Encoding
from ._file import File, Progress
from ._memory import address_of, borrow
from ._sources import Source, array_source
from .errors import CallError, DcfError

__all__ = ["Writer"]


class Writer:
    """Writes a file tensor by tensor.

        with Writer("model.dcf") as writer:
            writer.add("weight", array)

    Leaving the block finishes the file, which appears whole; an exception inside it leaves none.

    target: a path, or a function that takes the file's bytes piece by piece when it is finished.
    overwrite: replace an existing file; otherwise that is a FileExistsError.
    max_memory: bytes the library may hold besides what it is given (default 1 GiB).
    threads: 0 is one per processor. progress(done, total): bytes of the call in progress; an
        exception it raises ends the work.

    The bytes depend only on what is added: not on its order, threads or machine. A writer belongs
    to one thread at a time; a call that fails breaks it.
    """

    def __init__(
        self,
        target: str | os.PathLike[str] | Callable[[memoryview], Any],
        *,
        overwrite: bool = False,
        max_memory: int | None = None,
        threads: int = 0,
        progress: Progress | None = None,
    ) -> None:
        self._handle = c_void_p()
        options = _abi.defaults(_abi.WriterOptions)
        options.threads = threads
        options.overwrite = int(overwrite)
        if max_memory is not None:
            options.max_memory = max_memory
        self._progress = progress_callback(progress or (lambda _done, _total: False))
        options.progress = self._progress.pointer
        self._sink: Callback | None = None
        out = byref(self._handle)
        if callable(target):
            self._sink = write_callback(target)
            self._sink_struct = _abi.Sink(write=self._sink.pointer)
            _abi.call(_abi.lib.dcf_writer_open_sink, byref(self._sink_struct), byref(options), out)
        else:
            _abi.call(_abi.lib.dcf_writer_open_path, os.fsencode(target), byref(options), out)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: Any, _error: Any, _traceback: Any) -> None:
        try:
            if kind is None and self._handle:
                self.finish()
        finally:
            self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self.close()

    def _call(self, function: Any, *arguments: Any) -> None:
        if not self._handle:
            raise CallError("the writer is closed", code=11, name="BadState")
        with self._progress:
            _abi.call(function, self._handle, *arguments)

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
        codes: np.ndarray,
        codebook: np.ndarray,
        *,
        dtype: DType,
        row_ptr: np.ndarray | None = None,
        col: np.ndarray | None = None,
        encoding: Encoding | None = None,
    ) -> None:
        """Adds a clustered tensor: dcf_writer_add_codes.

        codes: uint8, one per entry, indices into `codebook`, whose elements are of `dtype`. With
        row_ptr (uint64) and col (uint32) the entries are those of a CSR of [shape[0], rest];
        without, there is one per element.
        """
        codes = np.ascontiguousarray(codes, np.uint8)
        codebook = np.ascontiguousarray(codebook)
        if row_ptr is not None and col is not None:
            row_ptr = np.ascontiguousarray(row_ptr, np.uint64)
            col = np.ascontiguousarray(col, np.uint32)
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
                address_of(codebook),
                len(codebook),
                byref(options),
            )
        except DcfError as error:
            error.tensor = name
            raise

    def copy(self, file: File, index: int, name: str | None = None) -> None:
        """Copies a tensor of an open file as it is stored, without decoding it."""
        encoded = None if name is None else _encode(name)
        with file.handle() as handle:
            self._call(_abi.lib.dcf_writer_copy_tensor, handle, index, encoded, len(encoded or b""))

    def add_metadata(self, key: str, value: str) -> None:
        """Adds a pair of model metadata; keys are unique."""
        k, v = _encode(key), _encode(value)
        self._call(_abi.lib.dcf_writer_add_metadata, k, len(k), v, len(v))

    def add_section(self, kind: int, data: bytes) -> None:
        """Adds an ancillary section: bytes that readers may skip."""
        memory = borrow(data)
        self._call(_abi.lib.dcf_writer_add_section, kind, memory.address, memory.size)

    def finish(self) -> None:
        """Writes the file. Afterwards the writer can only be closed."""
        if self._sink is None:
            self._call(_abi.lib.dcf_writer_finish)
            return
        with self._sink:
            self._call(_abi.lib.dcf_writer_finish)

    def close(self) -> None:
        """Frees the writer. If it was not finished, no file remains."""
        handle, self._handle = self._handle, c_void_p()
        _abi.lib.dcf_writer_close(handle)


def _encode(text: str) -> bytes:
    if not isinstance(text, str):
        raise TypeError(f"names, keys and values of metadata are str, not {type(text).__name__}")
    return text.encode("utf-8", "surrogateescape")


def _spec(name: str, shape: tuple[int, ...], dtype: DType) -> Any:
    encoded = _encode(name)
    opaque = dtype.name.encode("utf-8")
    dims = (c_uint64 * len(shape))(*map(int, shape))
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
