# SPDX-License-Identifier: Apache-2.0
"""Writes the golden files of NumPy, SciPy, safetensors and CTranslate2, with what those libraries find in them.

Needs numpy, scipy, ml_dtypes, safetensors and ctranslate2. tensors.tsv has a row for each tensor: file, name, dims, the
bytes in row-major order."""
import json
import os

import ctranslate2
import ml_dtypes
import numpy as np
import safetensors.numpy
import scipy.sparse

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "others")
expected = []


def expect(file, name, array):
    array = np.asarray(array)
    if array.dtype.byteorder == ">" and array.dtype.kind in "iuf":
        array = array.astype(array.dtype.newbyteorder("<"))
    expected.append((file, name, ",".join(map(str, array.shape)), array.tobytes("C").hex()))


def path(file):
    return os.path.join(FOLDER, file)


def arrays():
    a = np.arange(6, dtype="f4").reshape(2, 3)
    numbers = {"f4": a, "f2": a.astype("f2"), "i8": -a.astype("i8"), "bool": a > 2, "c8": a * 1j, "scalar": np.float64(3),
               "empty": np.zeros((0, 4), "u2")}
    numbers["c8"] = numbers["c8"].astype("c8")
    others = {"s": np.array([b"abc", b"d"]), "u": np.array([["a"], ["\u00e4"]]), "date": np.array(["2020-01-02"], "M8[D]"),
              "c16": a * 1j, "record": np.array([(1, 2.5, "x")], dtype=[("i", "u1"), ("f", "<f8"), ("t", "U1")]),
              "bf16": a.astype(ml_dtypes.bfloat16), "f8": a.astype(ml_dtypes.float8_e5m2)}
    np.savez(path("numbers.npz"), **numbers)
    np.savez(path("others.npz"), **others)
    np.savez_compressed(path("packed.npz"), **others)
    np.save(path("fortran.npy"), np.asfortranarray(a))
    np.save(path("big.npy"), a.astype(">f4"))
    for file, content in (("numbers.npz", numbers), ("others.npz", others), ("packed.npz", others),
                          ("fortran.npy", {"fortran": a}), ("big.npy", {"big": a})):
        for name, array in content.items():
            expect(file, name, array)
    matrix = scipy.sparse.csr_matrix(np.array([[0, 1, 0], [0, 0, 0], [2, 0, 3]], "f4"))
    scipy.sparse.save_npz(path("csr.npz"), matrix)
    expect("csr.npz", "csr", matrix.toarray())


def shards():
    weight_map = {}
    for i in (1, 2):
        tensors = {f"w{i}": np.full((2, 2), i, "f4"), f"b{i}": np.full(3, i, "i2")}
        file = f"model-{i:05d}-of-00002.safetensors"
        safetensors.numpy.save_file(tensors, path(file), {"format": "np"})
        for name, array in tensors.items():
            weight_map[name] = file
            expect("model.safetensors.index.json", name, array)
    with open(path("model.safetensors.index.json"), "w", encoding="utf-8") as out:
        json.dump({"metadata": {"total_size": 44}, "weight_map": weight_map}, out, indent=2)


class Layer(ctranslate2.specs.model_spec.LayerSpec):
    def __init__(self):
        self.weight = np.arange(-4, 4, dtype="f4").reshape(2, 4)
        self.weight_scale = "__optional"
        self.bias = np.ones(2, "f4")


class Spec(ctranslate2.specs.model_spec.ModelSpec):
    def __init__(self):
        super().__init__()
        self.first = Layer()
        self.second = Layer()
        self.flag = True

    @property
    def name(self):
        return "GoldenSpec"


def ctranslate2_model():
    spec = Spec()
    spec.validate()
    spec.optimize("int8_float16")
    spec.save(FOLDER)
    for name, value in spec.variables(ordered=True):
        if not isinstance(value, str):  # which is an alias
            expect("model.bin", name, value.numpy())


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    arrays()
    shards()
    ctranslate2_model()
    with open(path("tensors.tsv"), "w", encoding="utf-8") as out:
        for row in sorted(expected):
            out.write("\t".join(row) + "\n")
