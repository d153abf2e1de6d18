# SPDX-License-Identifier: Apache-2.0
"""dcf_codec.onnx: models run from .dcf files as they ran before, and no file is written for it."""

from __future__ import annotations

import os
import pathlib

import numpy as np
import pytest

import dcf_codec
from dcf_codec.errors import DcfError, ModelError

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from dcf_codec.numpy import save_file  # noqa: E402
from dcf_codec.onnx import load, load_session  # noqa: E402


def _model(rng: np.random.Generator) -> onnx.ModelProto:
    """Convolution, reshape by a small initializer, two matrices, one in half precision, a constant
    of a node and a tied weight."""
    w = rng.standard_normal((8, 3, 3, 3)).astype(np.float32) * 8
    fc = rng.standard_normal((512, 64)).astype(np.float32)
    half = rng.standard_normal((64, 64)).astype(np.float16)
    constant = rng.standard_normal((64, 40)).astype(np.float32)
    initializers = [
        numpy_helper.from_array(w, "conv.w"),
        numpy_helper.from_array(np.array([0, 512], np.int64), "shape"),
        numpy_helper.from_array(fc, "fc.w"),
        numpy_helper.from_array(half, "half.w"),
        helper.make_tensor("typed", TensorProto.FLOAT, [64, 64], half.astype(np.float32).ravel()),
    ]
    nodes = [
        helper.make_node("Conv", ["x", "conv.w"], ["a"], strides=[1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Reshape", ["b", "shape"], ["c"]),
        helper.make_node("MatMul", ["c", "fc.w"], ["d"]),
        helper.make_node("Cast", ["half.w"], ["h"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["d", "h"], ["e"]),
        helper.make_node("MatMul", ["e", "typed"], ["f"]),
        helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(constant)),
        helper.make_node("MatMul", ["f", "k"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 10, 10])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 40])],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


@pytest.fixture
def model(tmp_path: pathlib.Path, rng: np.random.Generator) -> pathlib.Path:
    onnx.save(_model(rng), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


@pytest.fixture
def external(tmp_path: pathlib.Path, rng: np.random.Generator) -> pathlib.Path:
    folder = tmp_path / "external"
    folder.mkdir()
    onnx.save(
        _model(rng),
        folder / "model.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=100,
    )
    return folder / "model.onnx"


def _outputs(session: object) -> np.ndarray:
    x = np.random.default_rng(2).standard_normal((2, 3, 10, 10)).astype(np.float32)
    return session.run(None, {"x": x})[0]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["model", "external"])
def test_the_same_outputs(
    kind: str, request: pytest.FixtureRequest, tmp_path: pathlib.Path
) -> None:
    path = request.getfixturevalue(kind)
    packed = tmp_path / "m.dcf"
    dcf_codec.compress(path, packed)
    before = _outputs(runtime.InferenceSession(path))
    original = onnx.load(path)
    listed = sorted(os.listdir(tmp_path))
    assert np.array_equal(_outputs(load_session(packed)), before)
    loaded = load(packed)
    assert sorted(os.listdir(tmp_path)) == listed
    onnx.checker.check_model(loaded)
    for ours, theirs in zip(loaded.graph.initializer, original.graph.initializer):
        assert ours.name == theirs.name
        assert np.array_equal(numpy_helper.to_array(ours), numpy_helper.to_array(theirs))
    if kind == "model":
        again = runtime.InferenceSession(loaded.SerializeToString())
        assert np.array_equal(_outputs(again), before)


def test_values_do_not_pass_through_the_graph(model: pathlib.Path, tmp_path: pathlib.Path) -> None:
    from dcf_codec.onnx import _open

    dcf_codec.compress(model, tmp_path / "m.dcf")
    file, graph = _open(tmp_path / "m.dcf", None, 0)
    assert {one.name for one in graph.initializers} == {"fc.w", "half.w", "typed"}
    assert len(graph.model) < 24_000  # the constant of a node, of 10,240 bytes, and small tensors
    assert os.path.getsize(model) > 150_000
    file.close()


def test_clustered_models_run_within_their_bounds(
    model: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    packed = tmp_path / "m.dcf"
    with pytest.warns(dcf_codec.DcfWarning):
        dcf_codec.compress(model, packed, bits=8)
    assert dcf_codec.compare(model, packed, bounds=True)["ok"]
    before = _outputs(runtime.InferenceSession(model))
    after = _outputs(load_session(packed))
    assert not np.array_equal(after, before)
    assert np.abs(after - before).max() < 0.1 * np.abs(before).max()


def test_types_that_numpy_lacks(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    values = rng.standard_normal((64, 64)).astype(np.float32)
    weight = helper.make_tensor("w", TensorProto.BFLOAT16, [64, 64], values.ravel())
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["w"], ["f"], to=TensorProto.FLOAT),
            helper.make_node("MatMul", ["x", "f"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 64])],
        [weight],
    )
    raw = numpy_helper.to_array(weight).tobytes()
    graph.initializer[0].ClearField("int32_data")
    graph.initializer[0].raw_data = raw
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, tmp_path / "m.onnx")
    dcf_codec.compress(tmp_path / "m.onnx", tmp_path / "m.dcf")
    x = {"x": np.ones((1, 64), np.float32)}
    before = runtime.InferenceSession(tmp_path / "m.onnx").run(None, x)[0]
    assert np.array_equal(load_session(tmp_path / "m.dcf").run(None, x)[0], before)


def test_what_is_no_onnx_model(model: pathlib.Path, tmp_path: pathlib.Path, weights: dict) -> None:
    dcf_codec.compress(model, tmp_path / "bare.dcf", exact_file=False)
    save_file(weights, tmp_path / "arrays.dcf")
    for name in ("bare.dcf", "arrays.dcf"):
        with pytest.raises(DcfError, match="ONNX"):
            load(tmp_path / name)
        with pytest.raises(DcfError, match="ONNX"):
            load_session(tmp_path / name)


def test_hostile_layouts(model: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Any bytes in place of layout and rest are a ModelError, or a model that is another one."""
    import zstandard

    dcf_codec.compress(model, tmp_path / "m.dcf")
    source = dcf_codec.File(tmp_path / "m.dcf")
    sections = {kind: zstandard.decompress(data) for kind, data in source.sections().items()}
    rng = np.random.default_rng(5)
    for _ in range(300):
        changed = dict(sections)
        kind = int(rng.choice([5, 6]))
        data = bytearray(changed[kind])
        for _ in range(int(rng.integers(1, 4))):
            data[int(rng.integers(0, len(data)))] = int(rng.integers(0, 256))
        changed[kind] = bytes(
            data[: int(rng.integers(0, len(data) + 1))] if rng.random() < 0.2 else data
        )
        out = bytearray()
        with dcf_codec.Writer(out.extend) as writer:
            for i in range(source.count()):
                writer.copy(source, i)
            for number, content in changed.items():
                writer.add_section(number, zstandard.compress(content))
        try:
            load(bytes(out))
        except (DcfError, ModelError):
            pass
        except Exception as error:  # protobuf's own refusal of the graph
            assert type(error).__name__ == "DecodeError", error
