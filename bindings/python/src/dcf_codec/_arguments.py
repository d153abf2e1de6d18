# SPDX-License-Identifier: Apache-2.0
"""Arguments as the C ABI takes them. ctypes itself cuts integers to their width and text at its
first NUL, without a word."""

from __future__ import annotations

import operator
import os
from typing import Any

import numpy as np

__all__ = ["narrow", "path_bytes", "terminated", "whole"]


def whole(value: Any, what: str, bits: int = 64, least: int = 0) -> int:
    """An integer of at least `least` that an unsigned one of so many bits holds. TypeError for what
    is no integer (4.7, too), ValueError out of that range; `what` names it."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} is an integer, not {value!r}") from None
    if number < least or number >> bits:
        raise ValueError(f"{what} is at least {least} and less than 2**{bits}, not {number}")
    return number


def terminated(text: bytes) -> bytes:
    """Bytes that end at their first NUL in C. ValueError where that is not their end."""
    if b"\0" in text:
        raise ValueError("embedded null byte")
    return text


def path_bytes(path: str | bytes | os.PathLike[Any]) -> bytes:
    """A path as the library takes it. ValueError for one with a NUL, as open() has it."""
    return terminated(os.fsencode(path))


def narrow(values: Any, dtype: type[np.unsignedinteger[Any]], what: str) -> np.ndarray:
    """A contiguous array of one dimension, of an unsigned type. TypeError for values that are no
    integers, ValueError for those that the type does not hold and for more dimensions."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{what} have one dimension, not {array.ndim}")
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"{what} are integers, not {array.dtype}")
    most = np.iinfo(dtype).max
    if array.size and (array.min() < 0 or int(array.max()) > most):
        raise ValueError(f"{what} are from 0 to {most}, not {array.min()} to {array.max()}")
    return np.ascontiguousarray(array, dtype)
