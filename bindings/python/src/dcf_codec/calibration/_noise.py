# SPDX-License-Identifier: Apache-2.0
"""Inputs for a model of which there are no data: noise of the shapes that it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

# Inputs that are drawn: pictures have many positions each, of which a convolution reads every one.
_PICTURES = 16
_OTHERS = 256
_FINEST = 8  # pixels from point to point of a smooth picture


class Shape(NamedTuple):
    """What an input is. values: 0 of floats, else integers are drawn below it (1: all are ones)."""

    name: str | int  # or the position among the arguments
    dims: tuple[int, ...]
    values: int = 0
    dtype: str = "float32"


def is_picture(dims: Sequence[int]) -> bool:
    """[n, channels, height, width] or [n, height, width, channels]."""
    return len(dims) == 4


def default_count(shapes: Sequence[Shape]) -> int:
    """How many inputs are drawn."""
    pictures = any(is_picture(one.dims) and one.values == 0 for one in shapes)
    return _PICTURES if pictures else _OTHERS


def _smooth(dims: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """A picture from -1 to 1, linear between random points."""
    coarse = tuple(n if n <= _FINEST else n // _FINEST + 1 for n in dims)
    x = random.uniform(-1, 1, coarse)
    for axis, (n, points) in enumerate(zip(dims, coarse)):
        if n != points:
            at = np.linspace(0, points - 1, n)
            low = np.minimum(at.astype(int), points - 2)
            weight = (at - low).reshape([-1 if i == axis else 1 for i in range(len(dims))])
            x = np.take(x, low, axis) * (1 - weight) + np.take(x, low + 1, axis) * weight
    return x


def _draw(one: Shape, number: int, random: np.random.Generator) -> np.ndarray:
    if one.values == 1:
        return np.ones(one.dims, one.dtype)
    if one.values:
        return random.integers(0, one.values, one.dims).astype(one.dtype)
    if not is_picture(one.dims):
        return random.standard_normal(one.dims).astype(one.dtype)
    x = _smooth(one.dims, random) if number % 2 else random.uniform(-1, 1, one.dims)
    return x.astype(one.dtype)


def draw(shapes: Sequence[Shape], count: int, seed: int) -> Iterator[dict[str | int, np.ndarray]]:
    """`count` inputs. Integers are uniform; pictures are uniform from -1 to 1, smooth and rough in
    turn; other floats are normal."""
    random = np.random.default_rng(seed)
    for number in range(count):
        yield {one.name: _draw(one, number, random) for one in shapes}
