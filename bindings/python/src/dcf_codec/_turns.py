# SPDX-License-Identifier: Apache-2.0
"""The lifetime of a writer of the library, which one call at a time may use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from ctypes import c_void_p
from typing import Any, TypeVar

from . import _abi
from ._cancel import Cancellation
from .errors import CallError

_Result = TypeVar("_Result")


def _bad_state(message: str) -> CallError:
    return CallError(message, code=11, name="BadState")


class WriterHandle:
    """`with` it for each call: calls of several threads follow each other. A handle that is closed
    meanwhile is freed when the call in progress returns.
    """

    def __init__(self) -> None:
        self.pointer = c_void_p()
        self.cancel = Cancellation()  # of the call in progress
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._is_used = False
        self._closing = True  # until it is open
        self._local = threading.local()

    @property
    def is_closed(self) -> bool:
        """Whether calls are refused."""
        return self._closing

    def opened(self) -> None:
        self._closing = False

    def callback(self, function: Callable[..., _Result]) -> Callable[..., _Result]:
        """A function for the library to call, from which this handle refuses calls: they would wait
        for the one that they are a part of."""

        def inside(*arguments: Any) -> _Result:
            self._local.inside = True
            try:
                return function(*arguments)
            finally:
                self._local.inside = False

        return inside

    def close(self) -> None:
        with self._lock:
            now = not self._closing and not self._is_used
            self._closing = True
        if now:
            self._free()

    def _free(self) -> None:
        _abi.lib.dcf_writer_close(self.pointer)

    def check(self) -> None:
        """CallError (BadState) where a call would be refused."""
        if getattr(self._local, "inside", False):
            raise _bad_state("a callback of a writer cannot call that writer")
        if self._closing:
            raise _bad_state("the writer is closed")

    def __enter__(self) -> c_void_p:
        self.check()
        self._turn.acquire()
        with self._lock:
            if not self._closing:
                self._is_used = True
                return self.pointer
        self._turn.release()
        raise _bad_state("the writer is closed")

    def __exit__(self, *_unused: Any) -> None:
        with self._lock:
            self._is_used = False
            last = self._closing
        if last:
            self._free()
        self._turn.release()
