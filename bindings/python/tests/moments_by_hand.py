# SPDX-License-Identifier: Apache-2.0
"""Second moments of layers computed the long way, for the tests of collect_stats."""

from __future__ import annotations

import itertools
import json
import pathlib
from collections.abc import Sequence

import numpy as np


def conv_vectors(
    x: np.ndarray,
    kernel: Sequence[int],
    groups: int = 1,
    strides: Sequence[int] = (1, 1),
    pads: Sequence[tuple[int, int]] = ((0, 0), (0, 0)),
    dilations: Sequence[int] = (1, 1),
) -> np.ndarray:
    """[groups, vectors, channels / groups * kernel] of an input [n, channels, height, width]."""
    x = np.pad(x.astype(np.float64), [(0, 0), (0, 0), *pads])
    n, channels, *space = x.shape
    sizes = [
        (size - d * (k - 1) - 1) // s + 1
        for size, k, s, d in zip(space, kernel, strides, dilations)
    ]
    part = channels // groups
    out = []
    for group in range(groups):
        rows = []
        for item, i, j in itertools.product(range(n), *map(range, sizes)):
            vector = [
                x[item, c, i * strides[0] + a * dilations[0], j * strides[1] + b * dilations[1]]
                for c in range(group * part, (group + 1) * part)
                for a in range(kernel[0])
                for b in range(kernel[1])
            ]
            rows.append(vector)
        out.append(rows)
    return np.array(out)


def moments(vectors: np.ndarray) -> np.ndarray:
    """[..., cols, cols] of [..., vectors, cols]."""
    vectors = vectors.astype(np.float64)
    return np.swapaxes(vectors, -1, -2) @ vectors / vectors.shape[-2]


def same(stats: dict, name: str, vectors: np.ndarray) -> bool:
    """Whether the moments are those of the vectors."""
    expected = moments(vectors)
    found = stats[f"{name}.moments"]
    if found.ndim == 2 and expected.ndim == 3:
        assert expected.shape[0] == 1
        expected = expected[0]
    assert found.dtype == np.float32 and found.shape == expected.shape
    assert json.loads(stats["__metadata__"]["dcf.vectors"])[name] == vectors.shape[-2]
    return bool(np.allclose(found, expected, rtol=1e-5, atol=1e-5))


def read_stats(path: pathlib.Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Metadata and tensors of a file of float32, without a library."""
    data = path.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, one in header.items():
        assert one["dtype"] == "F32"
        first, last = (begin + offset for offset in one["data_offsets"])
        tensors[name] = np.frombuffer(data[first:last], "<f4").reshape(one["shape"])
    return metadata, tensors
