# SPDX-License-Identifier: Apache-2.0
"""ONNX models from .dcf files, without a temporary file.

    import dcf_codec
    from dcf_codec.onnx import load, load_session

    dcf_codec.compress("model.onnx", "model.dcf", bits=8)
    model = load("model.dcf")              # onnx.ModelProto
    session = load_session("model.dcf")    # onnxruntime.InferenceSession

The file must have been made of an ONNX model, and keep its graph (exact_file, the default). Large
initializers never pass through a ModelProto on the way to a session: they are decoded in parallel
into arrays that the session takes as external initializers.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ._file import File, TensorInfo
from ._layout import read_layout
from ._load import Target, load_all, load_one
from ._memory import address_of
from ._onnx_graph import Graph, Initializer, read_graph
from .errors import DcfError

__all__ = ["load", "load_session"]


def _need(package: str) -> Any:
    try:
        return __import__(package)
    except ImportError:
        raise ImportError(f"dcf_codec.onnx needs {package}: pip install {package}") from None


def _bytes_target(info: TensorInfo) -> Target:
    array = np.empty(info.dense_bytes, np.uint8)
    return Target(array, address_of(array), array.nbytes)


def _open(source: Any, max_memory: int | None, threads: int) -> tuple[File, Graph]:
    file = File(source, max_memory=max_memory, threads=threads)
    layout = read_layout(file)
    if layout is None or layout.format != "onnx":
        what = "no original files" if layout is None else f"those of a {layout.format} model"
        raise DcfError(f"the .dcf file keeps {what}: dcf_codec.onnx needs an ONNX graph")

    @functools.lru_cache(maxsize=1)  # a tensor that the file has in many pieces is decoded once
    def decode(index: int) -> bytes:
        return bytes(load_one(file, index, _bytes_target))

    return file, read_graph(layout, file.tensor, decode)


def load(source: Any, *, max_memory: int | None = None, threads: int = 0) -> Any:
    """The model as an onnx.ModelProto, with all values in it.

    source: a path, or what `dcf_codec.File` takes. max_memory, threads: as in `dcf_codec.File`.
    """
    onnx = _need("onnx")
    file, graph = _open(source, max_memory, threads)
    try:
        model = onnx.ModelProto.FromString(graph.model)
        left_out = {one.name: one for one in graph.initializers}
        for tensor in model.graph.initializer:
            one = left_out.get(tensor.name)
            if one is None or tensor.data_location != onnx.TensorProto.EXTERNAL:
                continue
            # One at a time: the message holds a copy, and the array goes.
            tensor.raw_data = load_one(file, one.tensor, _bytes_target).tobytes()
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")
        return model
    finally:
        file.close()


def _value(runtime: Any, one: Initializer, info: TensorInfo, data: np.ndarray) -> Any:
    """An OrtValue on the memory of an array of bytes."""
    names = {1: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "?"}
    names |= {10: "<f2", 11: "<f8", 12: "<u4", 13: "<u8"}
    if one.type in names:
        array = data.view(names[one.type]).reshape(one.dims)
        return runtime.OrtValue.ortvalue_from_numpy(array), array
    # bfloat16 and 8-bit floats, of which NumPy knows the bits only.
    array = data.view(f"<u{info.dtype.bits // 8}").reshape(one.dims)
    return runtime.OrtValue.ortvalue_from_numpy_with_onnx_type(array, one.type), array


def load_session(
    source: Any,
    sess_options: Any = None,
    providers: Any = None,
    *,
    max_memory: int | None = None,
    threads: int = 0,
    progress: Any = None,
    **arguments: Any,
) -> Any:
    """The model as an onnxruntime.InferenceSession.

    sess_options: an onnxruntime.SessionOptions, which gets the initializers added; None: a new one.
    providers and further arguments: those of InferenceSession. The session keeps the arrays alive.
    progress: True, or a function of (bytes done, bytes of all).
    """
    runtime = _need("onnxruntime")
    file, graph = _open(source, max_memory, threads)
    try:
        indices = sorted({one.tensor for one in graph.initializers})
        names = {file.tensor(index).name: index for index in indices}
        found = load_all(file, _bytes_target, progress=progress, indices=indices)
        arrays = {names[name]: array for name, array in found.items()}
        infos = {index: file.tensor(index) for index in indices}
    finally:
        file.close()
    options = runtime.SessionOptions() if sess_options is None else sess_options
    values = [
        (one.name, *_value(runtime, one, infos[one.tensor], arrays[one.tensor]))
        for one in graph.initializers
    ]
    if values:
        options.add_external_initializers([v[0] for v in values], [v[1] for v in values])
    session = runtime.InferenceSession(graph.model, options, providers=providers, **arguments)
    session._dcf_initializers = values  # their memory is the session's now
    return session
