# SPDX-License-Identifier: Apache-2.0
"""A tensor that is read when it is sliced."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from ._dtypes import SAFETENSORS_NAMES, is_packed
from ._file import File
from ._frameworks import Framework


class TensorSlice:
    """What get_slice() gives: shape and type at once, elements on indexing.

    Takes integers, slices, Ellipsis and whatever else arrays of the framework take. If the first
    index is an integer or a slice, only its rows are decoded; the others act on these. A tensor that
    is stored transposed is decoded whole.
    """

    def __init__(self, file: File, index: int, framework: Framework) -> None:
        self._file = file
        self._index = index
        self._framework = framework
        self._info = file.tensor(index)

    def get_shape(self) -> list[int]:
        """The tensor's shape."""
        return list(self._info.shape)

    def get_dtype(self) -> str:
        """The name that safetensors has for the type: "F32", "BF16", ...; or the opaque name."""
        return SAFETENSORS_NAMES.get(self._info.dtype.number, self._info.dtype_name)

    def __getitem__(self, key: Any) -> Any:
        info = self._info
        if is_packed(info.dtype):
            raise TypeError(f"{info.name!r} has elements that are no whole number of bytes")
        keys = key if isinstance(key, tuple) else (key,)
        rows, first, rest = self._split(keys)
        shape = (rows[1] - rows[0], *info.shape[1:]) if info.shape else ()
        target = self._framework.allocate(shape, info.dtype)
        self._file.decode_into(
            self._index, target.address, target.size, rows=rows if info.shape else None
        )
        value = self._framework.finish(target.value)
        return value[(first, *rest)] if info.shape else value[keys]

    def _split(self, keys: tuple[Any, ...]) -> tuple[tuple[int, int], Any, tuple[Any, ...]]:
        """The rows to decode, the index of the first dimension within them, the other indices."""
        if not self._info.shape:
            return (0, 1), None, ()
        count = self._info.shape[0]
        first = keys[0] if keys else slice(None)
        rest = keys[1:]
        if isinstance(first, slice):
            chosen = range(count)[first]
            if not chosen:
                return (0, 0), slice(None), rest
            low, high = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1]) + 1
            # Of these rows a negative step begins at the last one.
            return (low, high), slice(None, None, chosen.step), rest
        if isinstance(first, Integral) and not isinstance(first, bool):
            at = range(count)[int(first)]  # IndexError beyond the tensor
            return (at, at + 1), 0, rest
        return (0, count), first, rest
