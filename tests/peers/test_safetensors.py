# SPDX-License-Identifier: Apache-2.0
"""Files of the safetensors library come back as they were; those that dcf writes are read by it."""
import json
import unittest

import ml_dtypes
import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from dcf_tool import FormatTest, run

RANDOM = np.random.default_rng(1)


def tensors(count, prefix=""):
    return {f"{prefix}layer.{i}.weight": RANDOM.normal(size=(32, 16)).astype("f4")
            for i in range(count)}


class Safetensors(FormatTest):
    def test_file(self):
        model = self.dir / "model.safetensors"
        save_file({**tensors(3), "b": np.arange(5, dtype=ml_dtypes.bfloat16), "n": np.array(3),
                   "e": np.zeros((0, 2), "f2")}, model, metadata={"format": "np", "a": "é"})
        self.comes_back(model)

    def test_conversion_is_readable(self):
        model = self.dir / "model.npz"
        arrays = tensors(3)
        np.savez(model, **arrays)
        packed = self.dir / "m.dcf"
        run("compress", model, "-o", packed)
        run("decompress", packed, "-o", self.dir / "out.safetensors")
        for name, array in load_file(self.dir / "out.safetensors").items():
            np.testing.assert_array_equal(arrays[name], array)

    def checkpoint(self):
        folder = self.dir / "checkpoint"
        folder.mkdir()
        weight_map = {}
        for i in (1, 2, 3):
            name = f"model-{i:05}-of-00003.safetensors"
            part = tensors(2, f"part{i}.")
            save_file(part, folder / name)
            weight_map.update({tensor: name for tensor in part})
        (folder / "model.safetensors.index.json").write_text(
            json.dumps({"metadata": {"total_size": 12288}, "weight_map": weight_map}, indent=2))
        return folder

    def test_shards(self):
        folder = self.checkpoint()
        self.folder_comes_back(folder / "model.safetensors.index.json", folder)
        run("decompress", self.dir / "packed.dcf", "-o", self.dir / "one.safetensors")
        with safe_open(self.dir / "one.safetensors", "np") as one:
            self.assertEqual(len(one.keys()), 6)

    def test_folder(self):
        folder = self.checkpoint()
        (folder / "config.json").write_text('{"hidden": 16}')
        (folder / "tokenizer.json").write_text(json.dumps({str(i): i for i in range(2000)}))
        self.folder_comes_back(folder, folder)


if __name__ == "__main__":
    unittest.main()
