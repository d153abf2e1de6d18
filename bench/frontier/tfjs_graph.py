# SPDX-License-Identifier: Apache-2.0
"""Runs a graph model of TensorFlow.js in NumPy, as far as the operations of OPERATIONS go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]
TYPES = {1: np.float32, 3: np.int32, 9: np.int64, 10: np.bool_, "DT_FLOAT": np.float32, "DT_INT32": np.int32,
         "DT_INT64": np.int64, "DT_BOOL": np.bool_}  # fmt: skip


class Node:
    """An operation with its attributes."""

    def __init__(self, node: dict[str, Any]) -> None:
        self.name, self.op = node["name"], node["op"]
        self.inputs = [name for name in node.get("input", []) if not name.startswith("^")]
        self._attributes = node.get("attr", {})

    def flag(self, name: str) -> bool:
        return bool(self._attributes.get(name, {}).get("b", False))

    def number(self, name: str) -> int:
        return int(self._attributes.get(name, {}).get("i", 0))

    def numbers(self, name: str) -> list[int]:
        return [int(i) for i in self._attributes.get(name, {}).get("list", {}).get("i", [])]

    def dtype(self, name: str) -> Any:
        return TYPES[self._attributes[name]["type"]]


def strided_slice(node: Node, x: np.ndarray, begin, end, strides) -> np.ndarray:
    """With the masks begin, end and shrink_axis."""
    where: list[Any] = []
    for i, (first, last, stride) in enumerate(zip(begin, end, strides)):
        if node.number("shrink_axis_mask") >> i & 1:
            where.append(int(first))
            continue
        no_begin, no_end = (node.number(mask) >> i & 1 for mask in ("begin_mask", "end_mask"))
        where.append(
            slice(None if no_begin else int(first), None if no_end else int(last), int(stride))
        )
    return x[tuple(where)]


def scatter_nd(indices: np.ndarray, updates: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Zeros, and each update added where its index, the last axis of indices, says."""
    out = np.zeros(tuple(shape), updates.dtype)
    np.add.at(out, tuple(np.moveaxis(indices, -1, 0)), updates)
    return out


def sparse_to_dense(indices, shape, values, default) -> np.ndarray:
    out = np.full(tuple(shape), default, np.asarray(values).dtype)
    out[tuple(np.moveaxis(indices, -1, 0))] = values
    return out


def reduced(function: Callable) -> Callable:
    return lambda node, x, axes: function(
        x, axis=tuple(np.atleast_1d(axes)), keepdims=node.flag("keep_dims")
    )


def softmax(x: np.ndarray) -> np.ndarray:
    exponentials = np.exp(x - x.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def split(node: Node, x: np.ndarray, sizes: np.ndarray, axis: np.ndarray) -> list[np.ndarray]:
    return np.split(x, np.cumsum(sizes)[:-1], int(axis))


def conv_1x1(node: Node, x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """[..., in] by [1, 1, in, out], of stride 1."""
    if kernel.shape[:2] != (1, 1) or set(node.numbers("strides")) - {1}:
        raise ValueError(f"{node.name}: only 1 x 1 kernels of stride 1 are known here")
    return x @ kernel[0, 0]


def matmul(node: Node, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    left = a.swapaxes(-1, -2) if node.flag("transpose_a") or node.flag("adj_x") else a
    return left @ (b.swapaxes(-1, -2) if node.flag("transpose_b") or node.flag("adj_y") else b)


def sliced(x: np.ndarray, begin: np.ndarray, size: np.ndarray) -> np.ndarray:
    ends = [None if n < 0 else first + n for first, n in zip(begin, size)]
    return x[tuple(slice(first, end) for first, end in zip(begin, ends))]


OPERATIONS: dict[str, Callable] = {
    "Add": lambda node, a, b: a + b,
    "BatchMatMul": matmul,
    "BiasAdd": lambda node, a, b: a + b,
    "Cast": lambda node, x: x.astype(node.dtype("DstT")),
    "ConcatV2": lambda node, *x: np.concatenate(x[:-1], int(x[-1])),
    "Conv2D": conv_1x1,
    "Cos": lambda node, x: np.cos(x),
    "ExpandDims": lambda node, x, axis: np.expand_dims(x, int(axis)),
    "GatherNd": lambda node, x, indices: x[tuple(np.moveaxis(indices, -1, 0))],
    "GatherV2": lambda node, x, indices, axis: np.take(x, indices, int(axis)),
    "Greater": lambda node, a, b: a > b,
    "Less": lambda node, a, b: a < b,
    "LogicalNot": lambda node, x: ~x,
    "MatMul": matmul,
    "Max": reduced(np.max),
    "Maximum": lambda node, a, b: np.maximum(a, b),
    "Mean": reduced(np.mean),
    "Mul": lambda node, a, b: a * b,
    "Pack": lambda node, *x: np.stack(x, node.number("axis")),
    "Prod": reduced(np.prod),
    "Range": lambda node, first, last, step: np.arange(first, last, step, np.int32),
    "RealDiv": lambda node, a, b: a / b,
    "Relu": lambda node, x: np.maximum(x, 0),
    "Reshape": lambda node, x, shape: x.reshape(tuple(shape)),
    "Rsqrt": lambda node, x: 1 / np.sqrt(x),
    "ScatterNd": lambda node, indices, updates, shape: scatter_nd(indices, updates, shape),
    "Shape": lambda node, x: np.array(x.shape, np.int32),
    "Sin": lambda node, x: np.sin(x),
    "Slice": lambda node, x, begin, size: sliced(x, begin, size),
    "Softmax": lambda node, x: softmax(x),
    "SparseToDense": lambda node, *x: sparse_to_dense(*x),
    "SplitV": split,
    "Square": lambda node, x: x * x,
    "Squeeze": lambda node, x: np.squeeze(x, tuple(node.numbers("squeeze_dims")) or None),
    "StridedSlice": strided_slice,
    "Sub": lambda node, a, b: a - b,
    "Sum": reduced(np.sum),
    "Tanh": lambda node, x: np.tanh(x),
    "Transpose": lambda node, x, axes: np.transpose(x, tuple(axes)),
    "Where": lambda node, x: np.argwhere(x),
}


def run(nodes: list[Node], values: Arrays) -> np.ndarray:
    """The output of the last node in the order of a graph file. VALUES holds weights and inputs by name and
    is not changed. Raises ValueError for what is not known here."""
    known: dict[str, Any] = dict(values)
    for node in nodes:
        if node.name in known:
            continue
        if node.op not in OPERATIONS:
            raise ValueError(f"{node.name}: an operation {node.op} is not known here")
        inputs = []
        for name in node.inputs:
            source, _, output = name.partition(":")
            value = known[source]
            inputs.append(value[int(output or 0)] if isinstance(value, list) else value)
        known[node.name] = OPERATIONS[node.op](node, *inputs)
    return known[nodes[-1].name]
