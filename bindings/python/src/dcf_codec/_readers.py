# SPDX-License-Identifier: Apache-2.0
"""What a .dcf file may be read from besides a path: an object of Python that reads."""

from __future__ import annotations

import io
import mmap
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from ._blocks import BlockReader

__all__ = ["ReadRange", "is_reader", "range_reader"]


class ReadRange(NamedTuple):
    """`size` bytes, read by position: read_into(offset, buffer) fills the buffer or raises. It may
    run on several threads at once."""

    size: int
    read_into: Callable[[int, memoryview], None]
    close: Callable[[], None]


def _fill(buffer: memoryview, data: Any, offset: int) -> None:
    if len(data) != len(buffer):
        raise EOFError(f"{len(buffer)} bytes at {offset} were asked for, {len(data)} came")
    buffer[:] = data


def _of_ranges(source: Any) -> ReadRange:
    blocks = BlockReader(int(source.size), source.read_range)
    return ReadRange(int(source.size), blocks.read_into, blocks.close)


def _of_stream(source: Any) -> ReadRange:
    lock = threading.Lock()
    size = source.seek(0, io.SEEK_END)

    def read_into(offset: int, buffer: memoryview) -> None:
        # One position for all: reads take turns, and decoding goes on beside them.
        with lock:
            source.seek(offset)
            parts = []
            left = len(buffer)
            while left:
                part = source.read(left)
                if not part:
                    break
                if len(part) > left:
                    raise ValueError(f"read({left}) of the source gave {len(part)} bytes")
                parts.append(part)
                left -= len(part)
        _fill(buffer, b"".join(parts), offset)

    return ReadRange(int(size), read_into, lambda: None)


def is_reader(source: Any) -> bool:
    """Whether an object reads, rather than being memory: mmap, which does both, is memory."""
    if isinstance(source, mmap.mmap):
        return False
    return hasattr(source, "read_range") or (hasattr(source, "read") and hasattr(source, "seek"))


def range_reader(source: Any) -> ReadRange:
    """For an object with `size` and read_range(offset, size) -> bytes, which may be called by several
    threads at once and is asked for blocks of 1 MiB, ahead where they are read in order; or for a
    binary file: open(path, "rb"), io.BytesIO, a file of fsspec. TypeError for anything else."""
    if hasattr(source, "read_range") and hasattr(source, "size"):
        return _of_ranges(source)
    if hasattr(source, "read") and hasattr(source, "seek"):
        return _of_stream(source)
    raise TypeError(f"a .dcf file cannot be read from {type(source).__name__}")
