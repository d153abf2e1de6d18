# SPDX-License-Identifier: Apache-2.0
"""Python functions that the library calls.

No exception may cross the library. One that a function raises waits here, the library is told to
stop, and the exception is raised again when the call has returned.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
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


def read_callback(read_into: Callable[[int, memoryview], None]) -> Callback:
    """For dcf_reader. read_into(offset, buffer) fills all of the buffer or raises."""

    def read_at(_ctx: Any, offset: int, address: int, size: int) -> int:
        if size:
            buffer = (ctypes.c_char * size).from_address(address)
            read_into(offset, memoryview(buffer).cast("B"))
        return 0

    return Callback(_abi.ReadAtFn, read_at)


def write_callback(write: Callable[[memoryview], Any]) -> Callback:
    """For dcf_sink. write(data) takes all bytes, which are gone when it returns."""

    def write_all(_ctx: Any, address: int, size: int) -> int:
        if size:
            buffer = (ctypes.c_char * size).from_address(address)
            write(memoryview(buffer).cast("B"))
        return 0

    return Callback(_abi.WriteFn, write_all)
