# SPDX-License-Identifier: Apache-2.0
"""TensorFlow Lite models come back as the same file, and run in LiteRT after lossy work."""
import unittest

import flatbuffers
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from dcf_tool import FormatTest, run

FULLY_CONNECTED = 9
FULLY_CONNECTED_OPTIONS = 8
FLOAT32 = 0


def vector_of_offsets(builder, offsets):
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def table(builder, fields):
    """fields: slot -> (kind, value); kinds "offset", "u32", "i32", "i8"."""
    builder.StartObject(max(fields, default=-1) + 1)
    for slot, (kind, value) in fields.items():
        if kind == "offset":
            builder.PrependUOffsetTRelativeSlot(slot, value, 0)
        elif kind == "u32":
            builder.PrependUint32Slot(slot, value, 0)
        elif kind == "i32":
            builder.PrependInt32Slot(slot, value, 0)
        else:
            builder.PrependInt8Slot(slot, value, 0)
    return builder.EndObject()


def fully_connected(path, weights, bias):
    """y = weights x + bias, as the converter lays such a model out."""
    builder = flatbuffers.Builder(0)
    buffers = [table(builder, {})]
    for array in (weights, bias):
        data = builder.CreateNumpyVector(np.frombuffer(array.tobytes(), np.uint8))
        buffers.append(table(builder, {0: ("offset", data)}))
    tensors = []
    rows, cols = weights.shape
    for name, shape, buffer in (("x", (1, cols), 0), ("w", (rows, cols), 1), ("b", (rows,), 2),
                                ("y", (1, rows), 0)):
        text = builder.CreateString(name)
        dims = builder.CreateNumpyVector(np.array(shape, np.int32))
        tensors.append(table(builder, {0: ("offset", dims), 1: ("i8", FLOAT32),
                                       2: ("u32", buffer), 3: ("offset", text)}))
    options = table(builder, {})
    operator = table(builder, {
        0: ("u32", 0), 1: ("offset", builder.CreateNumpyVector(np.array([0, 1, 2], np.int32))),
        2: ("offset", builder.CreateNumpyVector(np.array([3], np.int32))),
        3: ("i8", FULLY_CONNECTED_OPTIONS), 4: ("offset", options)})
    graph = table(builder, {
        0: ("offset", vector_of_offsets(builder, tensors)),
        1: ("offset", builder.CreateNumpyVector(np.array([0], np.int32))),
        2: ("offset", builder.CreateNumpyVector(np.array([3], np.int32))),
        3: ("offset", vector_of_offsets(builder, [operator]))})
    code = table(builder, {0: ("i8", FULLY_CONNECTED), 2: ("i32", 1), 3: ("i32", FULLY_CONNECTED)})
    model = table(builder, {
        0: ("u32", 3), 1: ("offset", vector_of_offsets(builder, [code])),
        2: ("offset", vector_of_offsets(builder, [graph])),
        4: ("offset", vector_of_offsets(builder, buffers))})
    builder.Finish(model, b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def evaluate(path, x):
    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


class Tflite(FormatTest):
    def test_comes_back_and_runs(self):
        random = np.random.default_rng(1)
        weights = random.normal(size=(64, 48)).astype("f4")
        model = fully_connected(self.dir / "model.tflite", weights,
                                random.normal(size=64).astype("f4"))
        self.comes_back(model)
        run("cat", model, "w", "-o", self.dir / "w.npy")
        np.testing.assert_array_equal(np.load(self.dir / "w.npy"), weights)
        x = random.normal(size=(1, 48)).astype("f4")
        before = evaluate(model, x)
        after = evaluate(self.lossy(model, "lossy.tflite", "--bits", "8"), x)
        cosine = (before * after).sum() / np.sqrt((before**2).sum() * (after**2).sum())
        self.assertGreater(cosine, 0.999)


if __name__ == "__main__":
    unittest.main()
