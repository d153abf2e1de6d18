# SPDX-License-Identifier: Apache-2.0
"""Any ONNX model that takes one picture, through ONNX Runtime: what its outputs are for 16 of a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_graph
from coders import Arrays
from pictures import pictures, relative_change
from safetensors_file import Tensor

PICTURES, SEED = 16, 2


class OnnxPictures:
    """Stands for a module of a model of bench/fetch.sh."""

    ERROR = "mean change of the outputs"
    TARGETS = (0.003, 0.01, 0.03)

    def __init__(self, path: Path, dims: list[int]) -> None:
        import onnx

        self.TITLE = path.name
        self._dims = dims
        self._model = onnx.load(path)
        self._axes = onnx_graph.channel_axes(self._model.graph)

    def tensors(self, _folder: Path) -> list[Tensor]:
        return onnx_graph.tensors_of(self._model.graph)

    def channel_axis(self, name: str, shape: tuple[int, ...]) -> int:
        return self._axes.get(name, 0) % len(shape)

    def outputs(self, _folder: Path, weights: Arrays) -> list[np.ndarray]:
        import onnx
        import onnxruntime

        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        onnx_graph.replace(model.graph, weights)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        (picture,) = session.get_inputs()
        found = []
        for x in pictures(self._dims, PICTURES, SEED):
            found.append(np.concatenate([y.ravel() for y in session.run(None, {picture.name: x})]))
        return found

    def error(self, before: list[np.ndarray], after: list[np.ndarray]) -> float:
        return relative_change(before, after)
