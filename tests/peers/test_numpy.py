# SPDX-License-Identifier: Apache-2.0
"""Arrays that NumPy, ml_dtypes and SciPy write are read, and those that dcf writes are read back."""
import unittest
import zipfile

import ml_dtypes
import numpy as np
import scipy.sparse

from dcf_tool import FormatTest, run

ARRAYS = {
    "f": np.arange(12, dtype="<f4").reshape(3, 4),
    "big": np.arange(6, dtype=">f8").reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(12, dtype="<i4").reshape(3, 4)),
    "scalar": np.float32(3),
    "empty": np.zeros((0, 3), "<f2"),
    "bool": np.array([True, False]),
}


class Numpy(FormatTest):
    def restored(self, model):
        packed = self.dir / "m.dcf"
        run("compress", "-q", "-f", model, "-o", packed)
        run("verify", packed)
        run("decompress", "-f", packed, "-o", self.dir / "restored.npz")
        return np.load(self.dir / "restored.npz")

    def test_npz(self):
        for write in (np.savez, np.savez_compressed):
            model = self.dir / "model.npz"
            write(model, **ARRAYS)
            restored = self.restored(model)
            for name, array in ARRAYS.items():
                np.testing.assert_array_equal(restored[name], array)

    def test_stored_npz_comes_back(self):
        model = self.dir / "model.npz"
        np.savez(model, a=ARRAYS["f"], b=ARRAYS["bool"])
        self.comes_back(model)

    def test_npy_comes_back(self):
        model = self.dir / "model.npy"
        np.save(model, ARRAYS["f"])
        self.comes_back(model)

    def test_other_members_are_no_refusal(self):
        model = self.dir / "model.npz"
        np.savez(model, w=ARRAYS["f"], text=np.array(["a", "bc"]), raw=np.array([b"xyz"]),
                 record=np.zeros(2, [("x", "f4"), ("y", "i4")]))
        with zipfile.ZipFile(model, "a") as archive:
            archive.writestr("config.json", "{}")
            archive.writestr("__MACOSX/._w.npy", b"\0\5")
        np.testing.assert_array_equal(self.restored(model)["w"], ARRAYS["f"])

    def test_objects_are_left_out(self):
        model = self.dir / "model.npz"
        np.savez(model, w=ARRAYS["f"], o=np.array([{}, []], dtype=object))
        np.testing.assert_array_equal(self.restored(model)["w"], ARRAYS["f"])

    def test_ml_dtypes(self):
        model = self.dir / "model.npz"
        np.savez(model, b=np.arange(6).astype(ml_dtypes.bfloat16),
                 e=np.arange(6).astype(ml_dtypes.float8_e4m3fn))
        restored = self.restored(model)
        self.assertEqual(restored["b"].tobytes(),
                         np.arange(6).astype(ml_dtypes.bfloat16).tobytes())

    def test_scipy_sparse(self):
        matrix = scipy.sparse.random(64, 64, 0.1, format="csr", dtype="f4", random_state=1)
        for form in ("csr", "csc", "coo"):
            model = self.dir / "model.npz"
            scipy.sparse.save_npz(model, matrix.asformat(form))
            packed = self.dir / "m.dcf"
            run("compress", "-q", "-f", model, "-o", packed)
            run("verify", packed)


if __name__ == "__main__":
    unittest.main()
