# SPDX-License-Identifier: Apache-2.0
"""ONNX models, run by ONNX Runtime with what their weights multiply as further outputs."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ._model import Sink, named
from ._moments import Arrays, NumpyBlocks, Weight
from ._noise import Shape, is_picture
from ._windows import Sampler, columns, windows

# Sizes that a model leaves open, in noise.
_OPEN_PIXELS = 224
_OPEN_STEPS = 32

# Between an input of integers and the table that they are rows of.
_SAME_INTEGERS = {"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose"}


def _need(package: str) -> Any:
    try:
        return __import__(package)
    except ImportError:
        raise ImportError(
            f"statistics of an ONNX model need {package}: pip install {package}"
        ) from None


class _Use(NamedTuple):
    """A node that multiplies a weight. transposed: its vectors are columns of `source`."""

    weight: Weight
    source: str
    node: Any
    transposed: bool
    dims: tuple[int, ...]


def _attributes(node: Any) -> dict[str, Any]:
    onnx = _need("onnx")
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def _graphs(graph: Any) -> Iterator[Any]:
    """A graph and those of its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                if inner.node or inner.output:
                    yield from _graphs(inner)


def _matrix_use(node: Any, at: int, dims: tuple[int, ...]) -> _Use | None:
    """MatMul or Gemm, with the weight as input `at`."""
    if len(dims) != 2 or at > 1:
        return None
    attributes = _attributes(node)
    flip = [bool(attributes.get(name, 0)) for name in ("transA", "transB")]
    # Y = A B: rows of A, or columns of B, are what the other side multiplies.
    inputs_first = not flip[1] if at == 1 else flip[0]
    transposed = flip[0] if at == 1 else not flip[1]
    cols = dims[0] if inputs_first else dims[1]
    weight = Weight(node.input[at], 1, cols, inputs_first)
    return _Use(weight, node.input[1 - at], node, transposed, dims)


def _conv_use(node: Any, at: int, dims: tuple[int, ...]) -> _Use | None:
    if at != 1 or len(dims) < 3:
        return None
    groups = int(_attributes(node).get("group", 1))
    if groups < 1 or dims[0] % groups:
        return None
    weight = Weight(node.input[1], groups, int(np.prod(dims[1:])), False)
    return _Use(weight, node.input[0], node, False, dims)


_USES = {"MatMul": _matrix_use, "Gemm": _matrix_use, "Conv": _conv_use}


def _find_uses(graph: Any, left_out: dict[str, str]) -> list[_Use]:
    """Of float initializers that only these operators use, each in one way."""
    onnx = _need("onnx")
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)
    dims = {
        one.name: tuple(one.dims)
        for one in graph.initializer
        if one.data_type in floats and len(one.dims) >= 2
    }
    uses: dict[str, list[_Use]] = {}
    for inner in _graphs(graph):
        for node in inner.node:
            for at, name in enumerate(node.input):
                if name not in dims or name in left_out:
                    continue
                make = _USES.get(node.op_type) if inner is graph else None
                use = make(node, at, dims[name]) if make is not None else None
                if use is None:
                    where = node.op_type if inner is graph else "a node of a subgraph"
                    left_out[name] = f"used by {where}"
                else:
                    uses.setdefault(name, []).append(use)
    for name, several in uses.items():
        if any(use.weight != several[0].weight for use in several):
            left_out.setdefault(name, "multiplied in two ways")
    return [use for name, several in uses.items() if name not in left_out for use in several]


def _conv_pads(
    attributes: Mapping[str, Any],
    space: Sequence[int],
    spans: Sequence[int],
    strides: Sequence[int],
) -> list[tuple[int, int]]:
    """Zeros before and after each axis of space."""
    count = len(space)
    kind = attributes.get("auto_pad", b"NOTSET")
    if kind in (b"SAME_UPPER", b"SAME_LOWER"):
        pads = []
        for size, span, stride in zip(space, spans, strides):
            total = max(0, (-(-size // stride) - 1) * stride + span - size)
            small, large = total // 2, total - total // 2
            pads.append((small, large) if kind == b"SAME_UPPER" else (large, small))
        return pads
    flat = attributes.get("pads", [0] * 2 * count) if kind == b"NOTSET" else [0] * 2 * count
    return list(zip(flat[:count], flat[count:]))


def _block(use: _Use, x: np.ndarray, sample: Sampler) -> np.ndarray:
    """What a node multiplies: [vectors, groups, cols], float32, a new array."""
    x = np.asarray(x, np.float32)
    if use.node.op_type != "Conv":
        if use.transposed:
            x = np.swapaxes(x, -1, -2) if x.ndim > 1 else x
        rows = x.reshape(-1, use.weight.cols)
        return np.asarray(rows[sample(len(rows))][:, None])
    attributes = _attributes(use.node)
    kernel = use.dims[2:]
    space = len(kernel)
    strides = attributes.get("strides", [1] * space)
    dilations = attributes.get("dilations", [1] * space)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilations)]
    pads = _conv_pads(attributes, x.shape[2:], spans, strides)
    view = windows(np.pad(x, [(0, 0), (0, 0), *pads]), kernel, strides, dilations)
    return np.asarray(columns(view, space, use.weight.groups, sample))


def _make_initializers(graph: Any) -> None:
    """Of the values of Constant nodes, as some exporters keep weights. A .dcf file names them alike."""
    for at in reversed(range(len(graph.node))):
        node = graph.node[at]
        value = next((a.t for a in node.attribute if a.name == "value"), None)
        if node.op_type == "Constant" and value is not None and len(value.dims) >= 2:
            one = graph.initializer.add()
            one.CopyFrom(value)
            one.name = node.output[0]
            del graph.node[at]


class OnnxModel:
    """A path, or an onnx.ModelProto, which is copied."""

    def __init__(self, model: Any) -> None:
        onnx = _need("onnx")
        self._runtime = _need("onnxruntime")
        self._path = None if hasattr(model, "SerializeToString") else os.fspath(model)
        self._model = onnx.ModelProto()
        if self._path is None:
            self._model.CopyFrom(model)
        else:
            self._model = onnx.load(self._path)
        graph = self._model.graph
        _make_initializers(graph)
        self.left_out: dict[str, str] = {}
        self._uses = _find_uses(graph, self.left_out)
        self.usual = set(self.left_out)  # other operators' weights, most of them tables and biases
        self.weights = list({use.weight.name: use.weight for use in self._uses}.values())
        self.arrays: Arrays = NumpyBlocks()
        self._outputs = [one.name for one in graph.output]
        self._initializers = {one.name: one for one in graph.initializer}
        self._inputs = [one.name for one in graph.input if one.name not in self._initializers]
        self._session: Any = None
        self._observing: Any = None
        self._changed: dict[str, np.ndarray] = {}

    def _open(self, model: Any) -> Any:
        """A session. Large values stay outside of the message, which protobuf limits to 2 GB."""
        onnx = _need("onnx")
        options = self._runtime.SessionOptions()
        options.log_severity_level = 3
        outside = []
        for one in model.graph.initializer:
            if one.data_type == onnx.TensorProto.FLOAT and len(one.raw_data) > 1 << 20:
                outside.append((one.name, onnx.numpy_helper.to_array(one)))
                one.ClearField("raw_data")
                one.data_location = onnx.TensorProto.EXTERNAL
                one.external_data.add(key="location", value="memory")
        if outside:
            values = [self._runtime.OrtValue.ortvalue_from_numpy(v) for _, v in outside]
            options.add_external_initializers([name for name, _ in outside], values)
        session = self._runtime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        session._dcf_initializers = outside  # their memory is the session's now
        return session

    def _copy(self) -> Any:
        model = _need("onnx").ModelProto()
        model.CopyFrom(self._model)
        return model

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        yield

    def observe(self, inputs: Any, sink: Sink, sample: Sampler) -> None:
        feed = self._feed(inputs)
        wanted = sorted({use.source for use in self._uses} - set(feed))
        if self._observing is None:
            model = self._copy()
            have = set(self._outputs)
            for name in wanted:
                if name not in have:
                    model.graph.output.add(name=name)
            self._observing = self._open(model)
        found = dict(zip(wanted, self._observing.run(wanted, feed))) if wanted else {}
        found.update(feed)
        for use in self._uses:
            sink(use.weight, _block(use, found[use.source], sample))

    def outputs(self, inputs: Any) -> list[np.ndarray]:
        if self._session is None:
            # Initializers that are inputs, too, may be given other values in a run (IR version 4).
            model = self._copy()
            model.ir_version = max(model.ir_version, 4)
            known = {one.name for one in model.graph.input}
            for one in model.graph.initializer:
                if one.name not in known and len(one.dims) >= 2:
                    value = model.graph.input.add(name=one.name)
                    value.type.tensor_type.elem_type = one.data_type
                    for size in one.dims:
                        value.type.tensor_type.shape.dim.add(dim_value=size)
            self._session = self._open(model)
        found = self._session.run(self._outputs, {**self._feed(inputs), **self._changed})
        return [x for x in found if isinstance(x, np.ndarray) and x.dtype.kind == "f"]

    def _feed(self, inputs: Any) -> dict[str, Any]:
        return {name: np.asarray(value) for name, value in named(inputs, self._inputs).items()}

    def save(self, folder: pathlib.Path) -> pathlib.Path:
        if self._path is not None:
            return pathlib.Path(self._path)
        path = folder / "model.onnx"
        path.write_bytes(self._model.SerializeToString())
        return path

    def tensors(self, names: list[str]) -> Iterator[tuple[str, np.ndarray]]:
        onnx = _need("onnx")
        for name in names:
            if name in self._initializers:
                yield name, onnx.numpy_helper.to_array(self._initializers[name])

    @contextlib.contextmanager
    def replaced(self, name: str, value: np.ndarray) -> Iterator[None]:
        self._changed = {name: value}
        try:
            yield
        finally:
            self._changed = {}

    def noise_shapes(self, given: Any) -> list[Shape]:
        infos = {one.name: one for one in self._model.graph.input if one.name in self._inputs}
        sizes = {} if given is None else dict(named(given, self._inputs))
        for name in sizes:
            if name not in infos:
                raise ValueError(f"input_shapes has {name!r}, which is no input of the model")
        return [self._shape(infos[name], sizes.get(name)) for name in self._inputs]

    def _shape(self, info: Any, given: Sequence[int] | None) -> Shape:
        onnx = _need("onnx")
        kind = info.type.tensor_type
        try:
            dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
        except KeyError:
            dtype = np.dtype(object)
        if dtype.kind not in "fiub":
            raise ValueError(f"there is no noise for the input {info.name!r}: give inputs")
        if given is not None:
            dims = tuple(map(int, given))
        else:
            sizes = [d.dim_value if d.HasField("dim_value") else 0 for d in kind.shape.dim]
            wide = _OPEN_PIXELS if dtype.kind == "f" and is_picture(sizes) else _OPEN_STEPS
            dims = tuple(n or (1 if axis == 0 else wide) for axis, n in enumerate(sizes))
        values = 0 if dtype.kind == "f" else self._table_rows(info.name)
        return Shape(info.name, dims, values, dtype.name)

    def _table_rows(self, name: str) -> int:
        """Rows of the smallest table that an input of integers indexes; 1 where there is none."""
        rows: list[int] = []
        reached = {name}
        for node in self._model.graph.node:  # in topological order
            if node.op_type in _SAME_INTEGERS and node.input and node.input[0] in reached:
                reached.update(node.output)
            elif node.op_type == "Gather" and node.input[1] in reached:
                table = self._initializers.get(node.input[0])
                if table is not None and int(_attributes(node).get("axis", 0)) == 0:
                    rows.append(table.dims[0])
        return min(rows, default=1)
