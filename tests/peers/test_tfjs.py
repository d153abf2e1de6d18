# SPDX-License-Identifier: Apache-2.0
"""TensorFlow.js models come back with their graph, manifest and shards."""
import json
import unittest

import numpy as np

from dcf_tool import FormatTest, run


class Tfjs(FormatTest):
    def model(self, quantized):
        random = np.random.default_rng(1)
        folder = self.dir / "model"
        folder.mkdir()
        codes = random.integers(0, 256, (64, 64), np.uint8)
        weights = random.normal(size=(64, 64)).astype("f4")
        data = (codes if quantized else weights).tobytes() + weights.tobytes()
        shards = [data[at:at + 5001] for at in range(0, len(data), 5001)]  # cut inside elements
        for i, shard in enumerate(shards):
            (folder / f"group1-shard{i + 1}of{len(shards)}.bin").write_bytes(shard)
        first = {"name": "dense/kernel", "shape": [64, 64], "dtype": "float32"}
        if quantized:
            first["quantization"] = {"dtype": "uint8", "scale": 0.5, "min": -1.0}
        model = {"format": "graph-model", "modelTopology": {"node": [{"name": "x"}] * 50},
                 "weightsManifest": [{
                     "paths": [f"group1-shard{i + 1}of{len(shards)}.bin" for i in range(len(shards))],
                     "weights": [first, {"name": "w2", "shape": [64, 64], "dtype": "float32"}]}]}
        (folder / "model.json").write_text(json.dumps(model))
        return folder, codes

    def test_comes_back(self):
        for quantized in (False, True):
            with self.subTest(quantized=quantized):
                folder, _ = self.model(quantized)
                self.folder_comes_back(folder / "model.json", folder)
                self.doCleanups()
                self.setUp()

    def test_dequantize(self):
        folder, codes = self.model(True)
        packed = self.dir / "m.dcf"
        run("compress", "-q", folder / "model.json", "-o", packed, "--dequantize")
        run("cat", packed, "dense/kernel", "-o", self.dir / "w.npy")
        np.testing.assert_array_equal(np.load(self.dir / "w.npy"),
                                      (codes * np.float32(0.5) + np.float32(-1)).astype("f4"))


if __name__ == "__main__":
    unittest.main()
