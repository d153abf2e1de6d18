# SPDX-License-Identifier: Apache-2.0
"""Python functions that the library calls.

No exception may cross the library. One that a function raises waits here, the library is told to
stop, and the exception is raised again when the call has returned.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from . import _abi
from .errors import DcfError


class Callback:
    """A ctypes function and the exception that its Python function raised.

    Keep it as long as the library may call it. `with callback:` around the call of the library
    raises that exception instead of the library's own.
    """

    def __init__(self, prototype: Any, function: Callable[..., int]) -> None:
        self._failure: BaseException | None = None

        def guarded(*arguments: Any) -> int:
            if self._failure is not None:
                return 1
            try:
                return function(*arguments)
            except BaseException as failure:  # KeyboardInterrupt, too: it ends the call
                self._failure = failure
                return 1

        self.pointer = prototype(guarded)

    def __enter__(self) -> Callback:
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        failure, self._failure = self._failure, None
        if failure is not None and (error is None or isinstance(error, DcfError)):
            raise failure from None


def progress_callback(function: Callable[[int, int], Any]) -> Callback:
    """For dcf_progress_fn. function(done, total) returns True to cancel; it may run on any thread."""

    def report(_ctx: Any, done: int, total: int) -> int:
        return 1 if function(done, total) is True else 0

    return Callback(_abi.ProgressFn, report)


class ReadCallback:
    """For dcf_reader. read_into(offset, buffer) fills all of the buffer or raises.

    `with callback:` around each call of the library raises what read_into() raised for that call.
    The library may read on threads of its own, for several calls at once; a failure there belongs
    to the call that failed where it was read.
    """

    def __init__(self, read_into: Callable[[int, memoryview], None]) -> None:
        self._lock = threading.Lock()
        self._local = threading.local()  # of threads that make calls: how many, and the failure
        self._calls = 0
        self._elsewhere: list[tuple[int, BaseException]] = []  # offsets and failures of others

        def read_at(_ctx: Any, offset: int, address: int, size: int) -> int:
            try:
                if size:
                    buffer = (ctypes.c_char * size).from_address(address)
                    read_into(offset, memoryview(buffer).cast("B"))
                return 0
            except BaseException as failure:
                self._failed(offset, failure)
                return 1

        self.pointer = _abi.ReadAtFn(read_at)

    def _failed(self, offset: int, failure: BaseException) -> None:
        if getattr(self._local, "calls", 0):
            if getattr(self._local, "failure", None) is None:
                self._local.failure = failure
            return
        with self._lock:
            self._elsewhere.append((offset, failure))

    def __enter__(self) -> ReadCallback:
        self._local.calls = getattr(self._local, "calls", 0) + 1
        with self._lock:
            self._calls += 1
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        self._local.calls -= 1
        failure = self._take(error)
        if failure is not None and (error is None or isinstance(error, DcfError)):
            raise failure from None

    def _take(self, error: Any) -> BaseException | None:
        failure: BaseException | None = getattr(self._local, "failure", None)
        self._local.failure = None
        with self._lock:
            self._calls -= 1
            if failure is None and getattr(error, "code", None) == _abi.STATUS_IO_READ:
                failure = self._found(error.offset)
            if self._calls == 0:
                self._elsewhere.clear()
        return failure

    def _found(self, offset: int | None) -> BaseException | None:
        """What a thread of the library met at an offset; its first failure if none is of there."""
        for at, failure in self._elsewhere:
            if at == offset:
                return failure
        return self._elsewhere[0][1] if self._elsewhere else None


def _write_all(write: Callable[[memoryview], Any], data: memoryview) -> None:
    """Gives write() all of the data, each view of it for one call only."""
    at = 0
    while at < len(data):
        rest = data[at:]
        left = len(rest)
        try:
            done = write(rest)
        except BaseException:
            with suppress(BufferError):
                rest.release()
            raise
        try:
            rest.release()
        except BufferError:
            raise _kept() from None
        if not isinstance(done, int) or isinstance(done, bool):
            return
        if not 0 < done <= left:
            raise OSError(f"the target of a writer took {done} of {left} bytes")
        at += done


def write_callback(write: Callable[[memoryview], Any]) -> Callback:
    """For dcf_sink. write(data) takes bytes, which are gone when it returns; it gives how many it
    took, at least one, or no integer where it took all."""

    def write_all(_ctx: Any, address: int, size: int) -> int:
        if size:
            buffer = (ctypes.c_char * size).from_address(address)
            users = sys.getrefcount(buffer)
            data = memoryview(buffer).cast("B")
            _write_all(write, data)
            data.release()
            # A slice is a view of its own, which stays when the one it came from is released.
            if sys.getrefcount(buffer) > users:
                raise _kept()
        return 0

    return Callback(_abi.WriteFn, write_all)


def _kept() -> BufferError:
    return BufferError(
        "the target of a writer keeps a part of its data, which is gone when it returns; "
        "bytes(data) would stay"
    )
