# SPDX-License-Identifier: Apache-2.0
"""The lifetime of an open file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from ctypes import c_void_p
from typing import Any

from . import _abi
from ._callbacks import ReadCallback
from .errors import CallError


class Handle:
    """The library's handle, which is closed once nobody uses it: `with` it, on any thread, for each
    call. No generator, as a small tensor is decoded in less time than one takes.
    """

    def __init__(self) -> None:
        self.pointer = c_void_p()
        self.kept: list[Any] = []  # what the library reads from
        # Of a file that Python reads: what its function raised is raised by the call.
        self.reading: ReadCallback | None = None
        self.end_reading: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._users = 0
        self._closing = True  # until it is open

    def opened(self) -> None:
        self._closing = False

    def close(self) -> None:
        with self._lock:
            now = not self._closing and self._users == 0
            self._closing = True
        if now:
            self._free()

    def _free(self) -> None:
        _abi.lib.dcf_file_close(self.pointer)
        self.kept.clear()
        self.end_reading()

    def __enter__(self) -> c_void_p:
        with self._lock:
            if self._closing:
                raise CallError("the file is closed", code=11, name="BadState")
            self._users += 1
        if self.reading is not None:
            self.reading.__enter__()
        return self.pointer

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        try:
            if self.reading is not None:
                self.reading.__exit__(kind, error, traceback)
        finally:
            with self._lock:
                self._users -= 1
                last = self._closing and self._users == 0
            if last:
                self._free()
