# SPDX-License-Identifier: Apache-2.0
"""Pictures of a seeded generator, for models that take one, and how much their outputs change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np


def pictures(dims: Sequence[int], count: int, seed: int) -> Iterator[np.ndarray]:
    """Strokes and boxes on a smooth ground, from -1 to 1, in the shape of a model's input: channels first
    where its second dimension is one of channels."""
    random = np.random.default_rng(seed)
    channels_first = dims[1] <= 4
    height, width = dims[2:] if channels_first else dims[1:3]
    rows, cols = np.mgrid[0:height, 0:width]
    for _ in range(count):
        tilt = random.uniform(-1, 1, (2, 3, 1, 1)) / [[[[height]]], [[[width]]]]
        x = random.uniform(-1, 1, (3, 1, 1)) + tilt[0] * rows + tilt[1] * cols
        for _ in range(random.integers(20, 60)):
            top, left = random.integers(0, height), random.integers(0, width)
            size = random.integers(3, max(4, height // 3))
            colour = random.uniform(-1, 1, (3, 1)) if random.random() < 0.5 else -np.ones((3, 1))
            kind = random.integers(0, 4)
            slope = random.uniform(-1, 1)
            across = np.abs(cols - left - slope * (rows - top)) < 1 + size // 8
            inside = (np.abs(rows - top) < size) & (across if kind else np.abs(cols - left) < size)
            x[:, inside] = colour
        x = np.clip(x, -1, 1).astype(np.float32)
        channels = dims[1] if channels_first else dims[3]
        x = x[:channels]
        yield (x if channels_first else x.transpose(1, 2, 0))[None]


def relative_change(before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> float:
    """The sum of the changes of an output by that of its magnitudes, in the mean of the inputs."""
    return float(np.mean([np.abs(a - b).sum() / np.abs(a).sum() for a, b in zip(before, after)]))
