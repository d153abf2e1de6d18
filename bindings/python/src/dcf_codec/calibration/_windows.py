# SPDX-License-Identifier: Apache-2.0
"""The columns that a convolution multiplies (im2col), of some of its positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class Sampler:
    """Draws which vectors of an input count, where it has more than a limit: the same ones in each run."""

    def __init__(self, limit: int, seed: int) -> None:
        self._limit = limit
        self._random = np.random.default_rng(seed)

    def __call__(self, total: int) -> np.ndarray:
        """Indices below total, ascending."""
        if total <= self._limit:
            return np.arange(total)
        return np.sort(self._random.choice(total, self._limit, replace=False, shuffle=False))


def windows(
    x: np.ndarray, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> np.ndarray:
    """A view [n, channels, *positions, *kernel] of a padded input [n, channels, *space]."""
    spans = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilations))
    axes = tuple(range(2, x.ndim))
    view = np.lib.stride_tricks.sliding_window_view(x, spans, axes)
    steps = [slice(None, None, s) for s in (*strides, *dilations)]
    return view[(slice(None), slice(None), *steps)]


def columns(view: Any, space: int, groups: int, sample: Sampler, index: Any = np.asarray) -> Any:
    """A new array [vectors, groups, channels / groups * kernel] of a view [n, channels, *positions,
    *kernel] with `space` dimensions of positions. `index` makes an array of indices the view's kind."""
    shape = tuple(view.shape)
    positions = (shape[0], *shape[2 : 2 + space])
    chosen = np.unravel_index(sample(int(np.prod(positions))), positions)
    first, *others = (index(axis) for axis in chosen)
    # The slice stands between index arrays: their common axis comes first.
    taken = view[(first, slice(None), *others)]
    return taken.reshape(len(chosen[0]), groups, -1)
