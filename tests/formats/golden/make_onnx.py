#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_onnx.py: writes onnx/*.onnx with the onnx package (1.23), and in onnx/tensors.tsv what its
numpy_helper reads from them: file, name, shape and bytes of every tensor that has plain values."""
import os

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx")
X = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])
Y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])
expected = []


def tensor(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(values).astype(dtype), name)


def expect(file, name, proto, base=""):
    if proto.data_location == TensorProto.EXTERNAL:
        proto = onnx.TensorProto.FromString(proto.SerializeToString())
        onnx.external_data_helper.load_external_data_for_tensor(proto, base)
    array = numpy_helper.to_array(proto)
    data = proto.raw_data if proto.HasField("raw_data") else array.tobytes()
    expected.append((file, name, ",".join(str(d) for d in array.shape), data.hex()))


def save(file, nodes, initializers=(), sparse=(), functions=()):
    graph = helper.make_graph(nodes, "g", [X], [Y], initializer=list(initializers), sparse_initializer=list(sparse))
    imports = [helper.make_opsetid("", 21)] + [helper.make_opsetid("d", 1)] * bool(functions)
    model = helper.make_model(graph, producer_name="make_onnx", opset_imports=imports, functions=list(functions))
    onnx.save(model, os.path.join(FOLDER, file))


def types():
    add = [helper.make_node("Add", ["x", "f32"], ["y"])]
    tensors = [tensor("f32", [1.5, -2])]
    for name in ("float64", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
                 "bool", "complex64", "complex128"):
        tensors.append(tensor(name, [[0, 1, 2]], np.dtype(name)))
    for name in ("bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"):
        tensors.append(tensor(name, [[0.5, 1, -2]], getattr(ml_dtypes, name)))
    tensors.append(helper.make_tensor("float_data", TensorProto.FLOAT, [2], [1, 2]))
    tensors.append(helper.make_tensor("double_data", TensorProto.DOUBLE, [1], [3]))
    for proto in tensors:
        expect("types.onnx", proto.name, proto)
    # Varints and texts stay in the graph.
    tensors.append(helper.make_tensor("int64_data", TensorProto.INT64, [2], [1, 300]))
    tensors.append(helper.make_tensor("text", TensorProto.STRING, [1], [b"text"]))
    save("types.onnx", add, tensors)


def places():
    file = "places.onnx"

    def constant(name, values):
        proto = tensor("", values)
        expect(file, name, proto)
        return helper.make_node("Constant", [], [name], value=proto)

    def branch(name, values):
        weight = tensor("w_" + name, values)
        nodes = [constant("k_" + name, [len(name)]), helper.make_node("Add", ["w_" + name, "k_" + name], [name])]
        out = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2])]
        graph = helper.make_graph(nodes, name, [], out, initializer=[weight])
        expect(file, weight.name, weight)
        return graph

    sparse = helper.make_sparse_tensor(tensor("sp", [7, 8]), tensor("", [1, 3], np.int64), [5])
    condition = helper.make_node("Constant", [], ["c"], value=tensor("", True, np.bool_))
    expect(file, "c", condition.attribute[0].t)
    nodes = [condition, helper.make_node("If", ["c"], ["i"], then_branch=branch("yes", [1, 2]), else_branch=branch("no", [3, 4]))]
    function = helper.make_function("d", "f", ["a"], ["b"],
                                    [constant("kf", [9]), helper.make_node("Add", ["a", "kf"], ["b"])],
                                    [helper.make_opsetid("", 21)])
    nodes.append(helper.make_node("f", ["i"], ["y"], domain="d"))
    expect(file, "sp.values", sparse.values)
    expect(file, "sp.indices", sparse.indices)
    save(file, nodes, sparse=[sparse], functions=[function])


def external():
    file = "external.onnx"
    nodes = [helper.make_node("Add", ["x", "a"], ["s"]), helper.make_node("Mul", ["s", "b"], ["y"])]
    graph = helper.make_graph(nodes, "g", [X], [Y], initializer=[tensor("a", [1, 2]), tensor("b", [3, 4])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    onnx.save_model(model, os.path.join(FOLDER, file), save_as_external_data=True, location="external.data",
                    size_threshold=0)
    for proto in onnx.load(os.path.join(FOLDER, file), load_external_data=False).graph.initializer:
        expect(file, proto.name, proto, FOLDER)


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    data = os.path.join(FOLDER, "external.data")
    if os.path.exists(data):
        os.remove(data)  # the package would append to it
    types()
    places()
    external()
    with open(os.path.join(FOLDER, "tensors.tsv"), "w", encoding="utf-8") as out:
        for row in sorted(expected):
            out.write("\t".join(row) + "\n")
