# SPDX-License-Identifier: Apache-2.0
"""collect_stats of ONNX models: moments are those computed the long way."""

from __future__ import annotations

import json
import pathlib
import sys

import numpy as np
import pytest
from moments_by_hand import conv_vectors, read_stats, same

import dcf_codec

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402


def _model(nodes: list, inputs: dict, weights: dict[str, np.ndarray], outputs: str = "y") -> object:
    infos = [
        helper.make_tensor_value_info(name, kind, dims) for name, (kind, dims) in inputs.items()
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        infos,
        [helper.make_empty_tensor_value_info(name) for name in outputs.split()],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    for one in graph.output:
        one.type.tensor_type.elem_type = TensorProto.FLOAT
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def _normal(*dims: int) -> np.ndarray:
    return np.random.default_rng(sum(dims)).standard_normal(dims).astype(np.float32)


@pytest.mark.parametrize("flip", [(0, 0), (1, 0), (0, 1), (1, 1)], ids=str)
@pytest.mark.parametrize("side", [0, 1])
def test_gemm(flip: tuple[int, int], side: int) -> None:
    """Whichever side the weight is on and however it is turned."""
    inputs_first = bool(flip[side]) == (side == 0)
    weight = _normal(4, 6) if inputs_first else _normal(6, 4)
    x = _normal(4, 9) if bool(flip[1 - side]) == (side == 1) else _normal(9, 4)
    names = ["w", "x"] if side == 0 else ["x", "w"]
    model = _model(
        [helper.make_node("Gemm", names, ["y"], transA=flip[0], transB=flip[1])],
        {"x": (TensorProto.FLOAT, list(x.shape))},
        {"w": weight},
    )
    stats = dcf_codec.collect_stats(model, [x])
    vectors = x if x.shape == (9, 4) else x.T
    assert same(stats, "w", vectors)
    first = json.loads(stats["__metadata__"].get("dcf.inputs_first", "[]"))
    assert first == (["w"] if inputs_first else [])


def test_matmul() -> None:
    """Of stacked inputs, after another layer; as the left side; of a vector."""
    w, v = _normal(8, 5), _normal(3, 7)
    model = _model(
        [
            helper.make_node("MatMul", ["x", "w"], ["a"]),
            helper.make_node("Relu", ["a"], ["b"]),
            helper.make_node("MatMul", ["v", "b"], ["y"]),
        ],
        {"x": (TensorProto.FLOAT, ["n", 7, 8])},
        {"w": w, "v": v},
    )
    inputs = [_normal(2, 7, 8), _normal(1, 7, 8)]
    stats = dcf_codec.collect_stats(model, ({"x": one} for one in inputs))
    x = np.concatenate(inputs)
    assert same(stats, "w", x.reshape(-1, 8))
    hidden = np.maximum(x @ w, 0)
    assert same(stats, "v", hidden.transpose(0, 2, 1).reshape(-1, 7))
    assert json.loads(stats["__metadata__"]["dcf.inputs_first"]) == ["w"]
    vector = _model(
        [helper.make_node("MatMul", ["w", "x"], ["y"])], {"x": (TensorProto.FLOAT, [5])}, {"w": w}
    )
    assert same(dcf_codec.collect_stats(vector, [x[0, 0, :5]]), "w", x[0, :1, :5])


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"group": 2, "strides": [2, 1], "pads": [1, 0, 2, 3]},
        {"group": 4, "dilations": [1, 2], "pads": [0, 1, 0, 1]},
        {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
        {"auto_pad": "SAME_LOWER", "group": 2},
        {"auto_pad": "VALID"},
    ],
    ids=str,
)
def test_conv(attributes: dict) -> None:
    groups = attributes.get("group", 1)
    w = _normal(8, 4 // groups, 2, 3)
    model = _model(
        [helper.make_node("Conv", ["x", "w"], ["y"], **attributes)],
        {"x": (TensorProto.FLOAT, ["n", 4, "h", "w"])},
        {"w": w},
    )
    x = _normal(2, 4, 7, 8)
    stats = dcf_codec.collect_stats(model, [(x,)])
    pads = [(0, 0), (0, 0)]
    if "pads" in attributes:
        flat = attributes["pads"]
        pads = [(flat[0], flat[2]), (flat[1], flat[3])]
    elif attributes.get("auto_pad") == "SAME_UPPER":  # 7 x 8 by steps of 2 is 4 x 4
        pads = [(0, 1), (0, 1)]
    elif attributes.get("auto_pad") == "SAME_LOWER":
        pads = [(1, 0), (1, 1)]
    vectors = conv_vectors(
        x,
        (2, 3),
        groups,
        attributes.get("strides", (1, 1)),
        pads,
        attributes.get("dilations", (1, 1)),
    )
    assert same(stats, "w", vectors)
    y = runtime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
    product = np.concatenate(vectors @ np.swapaxes(w.reshape(groups, 8 // groups, -1), -1, -2), -1)
    assert np.allclose(product, y.transpose(0, 2, 3, 1).reshape(product.shape), atol=1e-4)


def _sentences() -> object:
    """Tokens and their mask, a table, a layer, its table again as a layer."""
    return _model(
        [
            helper.make_node("Cast", ["ids"], ["rows"], to=TensorProto.INT32),
            helper.make_node("Gather", ["table", "rows"], ["a"]),
            helper.make_node("Cast", ["mask"], ["m"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["m", "axes"], ["n"]),
            helper.make_node("Mul", ["a", "n"], ["b"]),
            helper.make_node("MatMul", ["b", "w"], ["c"]),
            helper.make_node("Transpose", ["table"], ["t"], perm=[1, 0]),
            helper.make_node("MatMul", ["c", "t"], ["y"]),
        ],
        {
            "ids": (TensorProto.INT64, ["batch", "length"]),
            "mask": (TensorProto.INT64, ["batch", "length"]),
        },
        {
            "table": _normal(40, 24),
            "w": _normal(24, 24),
            "axes": np.array([2], np.int64),
        },
    )


def test_noise() -> None:
    model = _sentences()
    stats = dcf_codec.collect_stats(model, count=30)
    assert set(stats) == {"w.moments", "__metadata__"}
    assert json.loads(stats["__metadata__"]["dcf.vectors"]) == {"w": 30 * 32}
    table = _normal(40, 24)  # rows are drawn alike, and the mask is all ones
    assert np.abs(stats["w.moments"] - table.T @ table / 40).max() < 0.5
    again = dcf_codec.collect_stats(model, count=30)
    assert np.array_equal(stats["w.moments"], again["w.moments"])
    shapes = {"ids": (2, 5), "mask": (2, 5)}
    few = dcf_codec.collect_stats(model, count=3, input_shapes=shapes)
    assert json.loads(few["__metadata__"]["dcf.vectors"]) == {"w": 30}
    with pytest.raises(ValueError, match="'idz'"):
        dcf_codec.collect_stats(model, input_shapes={"idz": (2, 5)})


def test_the_file_and_external_values(tmp_path: pathlib.Path) -> None:
    path, outside = tmp_path / "m.onnx", tmp_path / "outside.onnx"
    onnx.save(_sentences(), path)
    onnx.save(
        _sentences(), outside, save_as_external_data=True, location="w.bin", size_threshold=100
    )
    inputs = [{"ids": np.arange(6)[None], "mask": np.ones((1, 6), np.int64)}]
    stats = dcf_codec.collect_stats(path, inputs, tmp_path / "s.safetensors")
    metadata, tensors = read_stats(tmp_path / "s.safetensors")
    assert json.loads(metadata["dcf.inputs_first"]) == ["w"]
    assert np.array_equal(tensors["w.moments"], stats["w.moments"])
    other = dcf_codec.collect_stats(outside, inputs)
    assert np.array_equal(other["w.moments"], stats["w.moments"])


def test_weights_of_subgraphs_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    branch = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["z"])],
        "branch",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
    )
    model = _model(
        [
            helper.make_node("If", ["flag"], ["a"], then_branch=branch, else_branch=branch),
            helper.make_node("MatMul", ["a", "v"], ["y"]),
        ],
        {"x": (TensorProto.FLOAT, [3, 4]), "flag": (TensorProto.BOOL, [])},
        {"w": _normal(4, 5), "v": _normal(5, 6)},
    )
    with caplog.at_level("INFO", "dcf_codec"):
        stats = dcf_codec.collect_stats(model, [{"x": _normal(3, 4), "flag": np.array(True)}])
    assert set(stats) == {"v.moments", "__metadata__"}
    assert "w: no statistics: used by a node of a subgraph" in caplog.text


def test_weights_of_constant_nodes() -> None:
    w = _normal(40, 30)
    model = _model(
        [
            helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(w, "other")),
            helper.make_node("MatMul", ["x", "w"], ["y"]),
        ],
        {"x": (TensorProto.FLOAT, ["n", 40])},
        {},
    )
    before = model.SerializeToString()
    x = _normal(7, 40)
    assert same(dcf_codec.collect_stats(model, [x]), "w", x)
    assert model.SerializeToString() == before


@pytest.mark.parametrize("kind", ["path", "proto"])
def test_sensitivity(kind: str, tmp_path: pathlib.Path) -> None:
    w, faint = _normal(40, 30), _normal(40, 30) * np.float32(0.5)
    model = _model(
        [
            helper.make_node("MatMul", ["x", "w"], ["a"]),
            helper.make_node("MatMul", ["x", "faint"], ["b"]),
            helper.make_node("Mul", ["b", "small"], ["c"]),
            helper.make_node("Add", ["a", "c"], ["y"]),
        ],
        {"x": (TensorProto.FLOAT, ["n", 40])},
        {"w": w, "faint": faint, "small": np.array(0.01, np.float32)},
    )
    onnx.save(model, tmp_path / "m.onnx")
    random = np.random.default_rng(5)
    inputs = [random.standard_normal((200, 40)).astype(np.float32) for _ in range(8)]
    source = tmp_path / "m.onnx" if kind == "path" else model
    stats = dcf_codec.collect_stats(source, inputs, sensitivity=True)
    expected = 1 / np.square(np.concatenate(inputs) @ w).sum(1).mean()
    assert stats["w.sensitivity"][0] == pytest.approx(expected, rel=0.1)
    assert stats["faint.sensitivity"][0] == pytest.approx(1e-4 * expected, rel=0.2)
    assert json.loads(stats["__metadata__"]["dcf.vectors"]) == {"w": 1200, "faint": 1200}


def test_large_weights_stay_outside_of_the_message() -> None:
    w = _normal(600, 500)
    model = _model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        {"x": (TensorProto.FLOAT, ["n", 600])},
        {"w": w},
    )
    inputs = [_normal(n, 600) for n in range(1000, 1004)]
    stats = dcf_codec.collect_stats(model, inputs, sensitivity=True)
    assert same(stats, "w", np.concatenate(inputs[:3]))
    expected = 1 / np.square(inputs[3] @ w).sum(1).mean()
    assert stats["w.sensitivity"][0] == pytest.approx(expected, rel=0.3)


def test_cancelling(tmp_path: pathlib.Path) -> None:
    def progress(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dcf_codec.collect_stats(_sentences(), None, tmp_path / "s", progress=progress)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_package_that_is_not_there(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = _sentences()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=f"need {package}: pip install {package}$"):
        dcf_codec.collect_stats(model, [])
    with pytest.raises(ImportError, match=f"need {package}: pip install {package}$"):
        dcf_codec.collect_stats("model.onnx", [])


@pytest.mark.filterwarnings("error")
def test_inputs_that_are_too_large() -> None:
    """They are finite, and so is the error of another kind."""
    model = _model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        {"x": (TensorProto.FLOAT, ["n", 4])},
        {"w": _normal(4, 5)},
    )
    for value, text in ((1e25, "too large: their products overflow float32"), (np.nan, "hold NaN")):
        x = np.full((3, 4), value, np.float32)
        for most in (None, 0):
            with pytest.raises(ValueError, match=f"'w' (are )?{text}"):
                dcf_codec.collect_stats(model, [x], max_columns=most)


def test_inputs_that_are_none() -> None:
    for wrong in ({"ids": _normal(2, 5)}, "ids.npy"):
        with pytest.raises(TypeError, match="^inputs is an iterable"):
            dcf_codec.collect_stats(_sentences(), wrong)
    empty = {"ids": np.zeros((0, 5), np.int64), "mask": np.zeros((0, 5), np.int64)}
    with pytest.raises(ValueError, match="nothing was measured: .*w .no input reached it"):
        dcf_codec.collect_stats(_sentences(), [empty])


@pytest.mark.filterwarnings("error")
def test_other_operators_weights_are_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "dcf_codec"):
        dcf_codec.collect_stats(_sentences(), count=2)
    assert "table: no statistics: used by Gather" in caplog.text


def test_what_is_no_model(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError):
        dcf_codec.collect_stats(tmp_path / "none.onnx", [])
    with pytest.raises(ValueError, match="the model takes 2"):
        dcf_codec.collect_stats(_sentences(), [[np.zeros((1, 2), np.int64)] * 3])
    with pytest.raises(TypeError, match="int"):
        dcf_codec.collect_stats(3, [])
