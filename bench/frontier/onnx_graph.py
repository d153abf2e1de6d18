# SPDX-License-Identifier: Apache-2.0
"""The constants of ONNX graphs: which there are, and others in their place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import coders
import numpy as np
from coders import Arrays
from safetensors_file import Tensor

# Which axis of their second input has the output channels. That of MatMul has them last.
CHANNELS = {"Conv": 0, "ConvTranspose": 1, "MatMul": -1, "Gather": 0}


def _constants(graph: Any) -> Iterator[tuple[str, Any]]:
    """Initializers and Constant nodes, in subgraphs too: names, and tensors that can be replaced."""
    for one in graph.initializer:
        yield one.name, one
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _constants(attribute.g)
            elif node.op_type == "Constant" and attribute.name == "value":
                yield node.output[0], attribute.t


def tensors_of(graph: Any) -> list[Tensor]:
    """The constants of types that coders know."""
    from onnx import numpy_helper

    found = {}
    for name, constant in _constants(graph):
        values = numpy_helper.to_array(constant)
        if values.dtype in map(np.dtype, coders.TYPES.values()):
            found[name] = coders.tensor(name, values)
    return list(found.values())


def replace(graph: Any, weights: Arrays) -> None:
    """Puts weights in the place of the constants of the same name."""
    from onnx import numpy_helper

    for name, constant in _constants(graph):
        if name in weights:
            constant.CopyFrom(numpy_helper.from_array(np.array(weights[name], order="C"), name))


def channel_axes(graph: Any) -> dict[str, int]:
    """By name of a constant that a layer multiplies by."""
    axes = {}
    for node in graph.node:
        if node.op_type == "Gemm":
            transposed = any(a.name == "transB" and a.i for a in node.attribute)
            axes[node.input[1]] = 0 if transposed else -1
        elif node.op_type in CHANNELS and len(node.input) > 1:
            axes[node.input[0 if node.op_type == "Gather" else 1]] = CHANNELS[node.op_type]
    return axes
