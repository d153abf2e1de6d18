# SPDX-License-Identifier: Apache-2.0
"""Addresses and sizes of what Python calls bytes-like, without a copy."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Memory(NamedTuple):
    """Bytes that `owner` keeps in place. No address where there are none."""

    address: int | None
    size: int
    owner: Any


def borrow(data: Any) -> Memory:
    """The memory of bytes, bytearray, memoryview, mmap, or a contiguous array. TypeError otherwise."""
    if isinstance(data, np.ndarray):
        array = data
    else:
        view = memoryview(data)
        array = np.frombuffer(view, np.uint8) if view.nbytes else np.empty(0, np.uint8)
    if not array.flags.c_contiguous:
        raise TypeError("the memory is not contiguous")
    return Memory(address_of(array), array.nbytes, array)


def address_of(array: np.ndarray | None) -> int | None:
    """The address of an array's first element; None for no array or one without elements."""
    return None if array is None or array.size == 0 else array.ctypes.data
