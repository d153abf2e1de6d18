# SPDX-License-Identifier: Apache-2.0
"""Second moments of what a layer multiplies, summed block by block: never all of its inputs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

# Rows that are multiplied at once. Few of them would spend the time on adding cols x cols sums.
_BLOCK_ROWS = 2048
# What the sums may take of the memory that is free.
_MEMORY_SHARE = 0.4
_BYTES = 8  # of a sum, in float64
# Factoring a matrix takes cols^3 steps: 40 s at this size on one core, a quarter of it at 4096.
_MOST_COLUMNS = 6144


class Weight(NamedTuple):
    """A weight tensor whose inputs are seen.

    As a matrix it is [rows, cols], outputs x inputs; its rows are `groups` equal parts, each of which
    reads `cols` inputs of its own. inputs_first: it is stored as the transpose of that matrix.
    """

    name: str
    groups: int
    cols: int
    inputs_first: bool


class Arrays(Protocol):
    """What a block of inputs is computed with: NumPy, or PyTorch on a device.

    Blocks are [rows, groups, cols], float32. Sums are float64.
    """

    def second(self, block: Any) -> Any:
        """[groups, cols, cols]: sum over the rows of x x^T, products in float32."""

    def vectors(self, block: Any) -> Any:
        """[2, groups, cols]: sums over the rows of x and of x^2."""

    def join(self, blocks: list[Any]) -> Any:
        """Blocks one after the other."""

    def finite(self, values: Any) -> bool:
        """Whether all values of a block, or of sums, are finite."""

    def numpy(self, sums: Any) -> np.ndarray:
        """Sums as an array of NumPy."""


class NumpyBlocks:
    """Arrays of NumPy."""

    def second(self, block: np.ndarray) -> np.ndarray:
        # What is not finite is an error of the caller's, who looks for it: no warnings beside it.
        with np.errstate(all="ignore"):
            if block.shape[1] == 1:  # x.T @ x of one x is half of the work for BLAS
                matrix = block[:, 0]
                return np.asarray((matrix.T @ matrix)[None], np.float64)
            product = np.matmul(block.transpose(1, 2, 0), block.transpose(1, 0, 2))
            return np.asarray(product, np.float64)

    def vectors(self, block: np.ndarray) -> np.ndarray:
        wide = block.astype(np.float64)
        return np.stack([wide.sum(0), np.square(wide).sum(0)])

    def join(self, blocks: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(blocks)

    def finite(self, values: np.ndarray) -> bool:
        return bool(np.isfinite(values).all())

    def numpy(self, sums: np.ndarray) -> np.ndarray:
        return sums


class _Sums:
    """The sums of groups that have the same number of rows."""

    def __init__(self, name: str, arrays: Arrays, full: bool) -> None:
        self.rows = 0
        self._name = name
        self._full = full
        self._arrays = arrays
        self._sums: Any = None
        self._waiting: list[Any] = []
        self._waiting_rows = 0

    def add(self, block: Any) -> None:
        self.rows += block.shape[0]
        self._waiting.append(block)
        self._waiting_rows += block.shape[0]
        if self._waiting_rows >= _BLOCK_ROWS:
            self._multiply()

    def _multiply(self) -> None:
        block = self._arrays.join(self._waiting)
        self._waiting, self._waiting_rows = [], 0
        sums = self._arrays.second(block) if self._full else self._arrays.vectors(block)
        if not self._arrays.finite(sums):
            if self._arrays.finite(block):
                raise _too_large(self._name)
            raise ValueError(f"the inputs of {self._name!r} hold NaN or Inf")
        if self._sums is None:
            self._sums = sums
        else:
            self._sums += sums

    def means(self) -> np.ndarray:
        """[groups, cols, cols], or [2, groups, cols]: means of x, then of x^2. In float32."""
        if self._waiting:
            self._multiply()
        means = self._arrays.numpy(self._sums) / self.rows
        self._sums = None
        if max(means.max(initial=0), -means.min(initial=0)) > np.finfo(np.float32).max:
            raise _too_large(self._name)
        return means.astype(np.float32)


class Moments:
    """The moments of one weight."""

    def __init__(self, weight: Weight, arrays: Arrays, full: bool) -> None:
        self.weight = weight
        self.full = full
        self._arrays = arrays
        self._parts: list[_Sums] = []

    @property
    def rows(self) -> int:
        """How many inputs the moments are the mean of, in the group that has the fewest."""
        return min((part.rows for part in self._parts), default=0)

    def add(self, block: Any) -> None:
        """A block of inputs, [rows, groups, cols] in float32, which the caller leaves alone; or, each
        time, a list of blocks [rows, 1, cols], one for each group, whose rows may differ. ValueError
        where inputs are NaN or Inf, or so large that the moments do not fit float32."""
        blocks = block if isinstance(block, list) else [block]
        if not self._parts:
            self._parts = [_Sums(self.weight.name, self._arrays, self.full) for _ in blocks]
        for part, one in zip(self._parts, blocks):
            part.add(one)

    def means(self) -> dict[str, np.ndarray]:
        """The tensors of the statistics file, in float32: {".moments": ...}, or {".mean": ...,
        ".mean_square": ...}. ValueError as in add()."""
        found = [part.means() for part in self._parts]
        self._parts = []
        if self.full:
            return {".moments": _squeeze(np.concatenate(found))}
        mean, square = np.concatenate(found, axis=1)
        return {".mean": _squeeze(mean), ".mean_square": _squeeze(square)}


def _too_large(name: str) -> ValueError:
    return ValueError(f"the inputs of {name!r} are too large: their products overflow float32")


def _squeeze(sums: np.ndarray) -> np.ndarray:
    one = sums[0] if sums.shape[0] == 1 else sums
    return np.ascontiguousarray(one)


def free_memory() -> int:
    """Bytes that this process may still take: what the machine has free, or the limit of its control
    group leaves."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            free = next(int(line.split()[1]) * 1024 for line in lines if "MemAvailable" in line)
    except (OSError, StopIteration):
        free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            with open(f"/sys/fs/cgroup/{limit}", encoding="ascii") as text:
                most = int(text.read())
            with open(f"/sys/fs/cgroup/{used}", encoding="ascii") as text:
                free = min(free, max(0, most - int(text.read())))
        except (OSError, ValueError):  # no such group, or "max"
            pass
    return free


def column_limit(weights: list[Weight], free: int) -> int:
    """The most columns with which the matrices of all these weights fit a share of `free` bytes."""
    left = free * _MEMORY_SHARE
    limit = 0
    by_columns: dict[int, int] = {}
    for weight in weights:
        by_columns[weight.cols] = by_columns.get(weight.cols, 0) + weight.groups
    for cols, count in sorted(by_columns.items()):
        left -= _BYTES * count * cols * cols
        if left < 0 or cols > _MOST_COLUMNS:
            break
        limit = cols
    return limit


def output_error(weight: Weight, statistics: Mapping[str, Any], change: np.ndarray) -> float:
    """E[|D x|^2] of a change D of a weight, stored as the weight is, over its inputs x: the sum over
    rows of d M d^T. Without statistics M is the unit matrix."""
    matrix = change.astype(np.float64)
    matrix = matrix.reshape(matrix.shape[0], -1)
    if weight.inputs_first:
        matrix = matrix.T
    rows = matrix.reshape(weight.groups, -1, weight.cols)
    moments = statistics.get(weight.name + ".moments")
    if moments is not None:
        full = np.asarray(moments, np.float64).reshape(weight.groups, weight.cols, weight.cols)
        return float((np.matmul(rows, full) * rows).sum())
    square = statistics.get(weight.name + ".mean_square")
    if square is None:
        return float(np.square(rows).sum())
    mean = np.asarray(statistics[weight.name + ".mean"], np.float64)
    mean = mean.reshape(weight.groups, 1, weight.cols)
    variance = np.asarray(square, np.float64).reshape(mean.shape) - np.square(mean)
    shift = np.square((rows * mean).sum(2)).sum()
    return float((np.square(rows) * np.maximum(variance, 0)).sum() + shift)
