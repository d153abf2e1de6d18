# SPDX-License-Identifier: Apache-2.0
"""GGUF files come back as they were, whatever their tensors' types."""
import json
import unittest

import gguf
import numpy as np

from dcf_tool import FormatTest, run

RANDOM = np.random.default_rng(1)
TYPES = gguf.GGMLQuantizationType


def write(path, types):
    writer = gguf.GGUFWriter(path, "test")
    writer.add_name("random")
    writer.add_array("tokenizer.ggml.tokens", [f"token{i}" for i in range(1000)])
    for kind in types:
        values = RANDOM.normal(size=(64, 256)).astype("f4")
        writer.add_tensor(f"blk.{kind.name}.weight", gguf.quantize(values, kind), raw_dtype=kind)
    writer.add_tensor("output_norm.weight", np.ones(256, "f4"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


class Gguf(FormatTest):
    def test_every_type_comes_back(self):
        kinds = [TYPES[name] for name in ("F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0")]
        model = write(self.dir / "model.gguf", kinds)
        packed = self.comes_back(model)
        types = [t.get("original_type", "") for t in
                 json.loads(run("info", packed, "--json"))["tensors"]]
        for name in ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"):
            self.assertTrue(any(name in text for text in types), name)

    def test_lossy_work_leaves_blocks_alone(self):
        model = write(self.dir / "model.gguf", [TYPES.F32, TYPES.Q8_0])
        after = gguf.GGUFReader(self.lossy(model, "lossy.gguf", "--bits", "4"))
        before = gguf.GGUFReader(model)
        for a, b in zip(before.tensors, after.tensors):
            same = np.array_equal(a.data, b.data)
            self.assertEqual(same, a.name != "blk.F32.weight", a.name)


if __name__ == "__main__":
    unittest.main()
