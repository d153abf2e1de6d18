# SPDX-License-Identifier: Apache-2.0
"""The dcf program (environment variable DCF) and what every test of a format asks of it."""
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

DCF = os.environ["DCF"]


def run(*arguments, ok=True):
    """Runs dcf; returns its standard output. With ok=False expects exit code 1 or 2 and one line."""
    result = subprocess.run([DCF, *map(str, arguments)], capture_output=True, text=True, timeout=600)
    if ok:
        if result.returncode != 0:
            raise AssertionError(f"dcf {arguments}: {result.returncode}: {result.stderr}")
        return result.stdout
    if result.returncode not in (1, 2) or result.stderr.count("\n") != 1:
        raise AssertionError(f"dcf {arguments}: {result.returncode}: {result.stderr}")
    return result.stderr


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def tree(folder):
    """The digest of every file below a folder."""
    folder = pathlib.Path(folder)
    return {str(p.relative_to(folder)): sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}


class FormatTest(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.dir = pathlib.Path(self._folder.name)

    def comes_back(self, model):
        """compress, verify, decompress: the same file. Returns the .dcf."""
        model = pathlib.Path(model)
        packed = self.dir / "packed.dcf"
        run("compress", "-f", model, "-o", packed)
        run("verify", packed)
        run("verify", model)
        run("info", model)
        restored = self.dir / ("restored" + model.suffix)
        report = json.loads(run("decompress", "-f", packed, "-o", restored, "--json"))
        self.assertTrue(report["same_sha256"])
        self.assertEqual(sha256(model), sha256(restored))
        return packed

    def folder_comes_back(self, model, folder):
        """The same of a model of several files, whose main file is `model` and which are `folder`."""
        packed = self.dir / "packed.dcf"
        run("compress", "-f", model, "-o", packed)
        run("verify", packed)
        restored = self.dir / "restored"
        run("decompress", packed, "-o", str(restored) + "/")
        self.assertEqual(tree(folder), tree(restored))
        return packed

    def lossy(self, model, name, *options):
        """The model after lossy work, as a file of its own format."""
        packed = self.dir / "lossy.dcf"
        run("compress", "-q", "-f", model, "-o", packed, *options)
        restored = self.dir / name
        run("decompress", "-f", packed, "-o", restored)
        return restored
