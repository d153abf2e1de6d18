# SPDX-License-Identifier: Apache-2.0
"""ONNX models come back as the same file, and run in ONNX Runtime after lossy work."""
import json
import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from dcf_tool import FormatTest, run

RANDOM = np.random.default_rng(1)


def weights(*shape, dtype=np.float32):
    return (RANDOM.normal(size=shape) * 0.1).astype(dtype)


def save(path, nodes, initializers, x_shape, y_rank, x_type=TensorProto.FLOAT):
    graph = helper.make_graph(
        nodes, "graph", [helper.make_tensor_value_info("x", x_type, x_shape)],
        [helper.make_tensor_value_info("y", x_type, [None] * y_rank)],
        [numpy_helper.from_array(array, name) for name, array in initializers.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def evaluate(path, x):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def convolutional(path):
    return save(path, [
        helper.make_node("Conv", ["x", "w1", "b1"], ["h1"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["h1"], ["h2"]),
        helper.make_node("Conv", ["h2", "w2"], ["h3"], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["h3"], ["y"])],
        {"w1": weights(32, 3, 3, 3), "b1": weights(32), "w2": weights(64, 32, 3, 3)},
        [1, 3, 16, 16], 4)


def recurrent(path):
    """An LSTM whose weights lie in the branches of an If."""
    def branch(name):
        nodes = [helper.make_node("LSTM", ["x", "w", "r"], ["", "h"], hidden_size=32, name=name),
                 helper.make_node("Identity", ["h"], ["out_" + name])]
        return helper.make_graph(
            nodes, name, [], [helper.make_tensor_value_info("out_" + name, TensorProto.FLOAT, [1, 1, 32])],
            [numpy_helper.from_array(weights(1, 128, 16), "w"),
             numpy_helper.from_array(weights(1, 128, 32), "r")])
    constant = helper.make_node("Constant", [], ["c"],
                                value=numpy_helper.from_array(np.array(True), "c"))
    choice = helper.make_node("If", ["c"], ["y"], then_branch=branch("then"),
                              else_branch=branch("else"))
    return save(path, [constant, choice], {}, [5, 1, 16], 3)


def attention(path, dtype=np.float32):
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return save(path, [
        helper.make_node("MatMul", ["x", "wq"], ["q"]), helper.make_node("MatMul", ["x", "wk"], ["k"]),
        helper.make_node("Transpose", ["k"], ["kt"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["q", "kt"], ["s"]), helper.make_node("Softmax", ["s"], ["a"]),
        helper.make_node("MatMul", ["x", "wv"], ["v"]), helper.make_node("MatMul", ["a", "v"], ["y"])],
        {name: weights(64, 64, dtype=dtype) for name in ("wq", "wk", "wv")}, [1, 8, 64], 3, kind)


def quantized(path):
    w = weights(64, 64)
    scale = (np.abs(w).max(axis=0) / 127).astype(np.float32)
    return save(path, [
        helper.make_node("DequantizeLinear", ["w", "scale", "zero"], ["d"], axis=1),
        helper.make_node("MatMul", ["x", "d"], ["y"])],
        {"w": np.round(w / scale).astype(np.int8), "scale": scale,
         "zero": np.zeros(64, np.int8)}, [1, 64], 2)


class Onnx(FormatTest):
    def test_models_come_back_and_run(self):
        for make, x in ((convolutional, weights(1, 3, 16, 16)), (recurrent, weights(5, 1, 16)),
                        (attention, weights(1, 8, 64)), (quantized, weights(1, 64))):
            with self.subTest(make.__name__):
                model = make(self.dir / "model.onnx")
                self.comes_back(model)
                before = evaluate(model, x)
                after = evaluate(self.lossy(model, "lossy.onnx", "--bits", "8"), x)
                cosine = (before * after).sum() / np.sqrt((before**2).sum() * (after**2).sum())
                self.assertGreater(cosine, 0.999)

    def test_half_precision(self):
        model = attention(self.dir / "model.onnx", np.float16)
        self.comes_back(model)
        evaluate(self.lossy(model, "lossy.onnx", "--bits", "8"), weights(1, 8, 64, dtype=np.float16))

    def test_external_data(self):
        folder = self.dir / "model"
        folder.mkdir()
        model = attention(folder / "model.onnx")
        onnx.save(onnx.load(model), model, save_as_external_data=True, all_tensors_to_one_file=True,
                  location="model.onnx.data", size_threshold=0)
        self.folder_comes_back(model, folder)
        packed = self.dir / "lossy.dcf"
        run("compress", "-q", model, "-o", packed, "--bits", "8")
        run("decompress", packed, "-o", self.dir / "lossy/renamed.onnx")
        evaluate(self.dir / "lossy/renamed.onnx", weights(1, 8, 64))

    def test_every_initializer_is_read(self):
        model = convolutional(self.dir / "model.onnx")
        names = {tensor["name"] for tensor in json.loads(run("info", model, "--json"))["tensors"]}
        self.assertLessEqual({"w1", "b1", "w2"}, names)

    def test_typed_data(self):
        w = weights(32, 32)
        tensor = helper.make_tensor("w", TensorProto.FLOAT, w.shape, w.ravel())
        graph = helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["y"])], "graph",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 32])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 32])], [tensor])
        model = self.dir / "model.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)],
                                    ir_version=8), model)
        self.comes_back(model)
        run("cat", model, "w", "-o", self.dir / "w.npy")
        np.testing.assert_array_equal(np.load(self.dir / "w.npy"), w)


if __name__ == "__main__":
    unittest.main()
