#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""json_page.py DCF [PAGE]: runs the commands that print JSON and compares their members and types with
docs/reference/json.md: each is listed, and each that is listed occurs."""

import json
import math
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile

TREE = pathlib.Path(__file__).resolve().parents[2]
PAGE = TREE / "docs" / "reference" / "json.md"
TYPES = {
    "text": (str,),
    "truth": (bool,),
    "count": (int,),
    "bytes": (int,),
    "seconds": (int, float),
    "ratio": (int, float),
    "dB": (int, float),
    "number": (int, float),
    "object": (dict,),
}
ROW = re.compile(r"^\| (`[^|]+`) \| (\w+)( or null)? \| (.+) \|$", re.M)
BESIDE = {"dcf compress": "dcf info"}  # sections whose members a section has, too


class Member:
    """A line of the page."""

    def __init__(self, kind, nullable, meaning):
        self.kind, self.nullable = TYPES[kind], nullable
        self.optional = meaning.startswith("Only ")
        self.seen = 0


def read_page(text):
    """{section: {path: Member}}"""
    sections = {}
    for section in text.split("\n## ")[1:]:
        title, body = section.split("\n", 1)
        members = sections.setdefault(title, {})
        for paths, kind, nullable, meaning in ROW.findall(body):
            for path in re.findall(r"`([^`]+)`", paths):
                assert path not in members, f"{title}: {path} is listed twice"
                members[path] = Member(kind, bool(nullable), meaning)
    return sections


class Checker:
    """What the commands print, against the page."""

    def __init__(self, sections):
        self.sections = sections
        self.wrong = set()

    def see(self, title, value):
        members = self.sections[title]
        if title in BESIDE:
            members = self.sections[BESIDE[title]] | members
        self._walk(title, members, "", value)

    def finish(self):
        for title, members in self.sections.items():
            for path, member in members.items():
                if member.seen == 0:
                    self.wrong.add(f"{title}: {path} is listed and never occurs")
        return sorted(self.wrong)

    def _walk(self, title, members, path, value):
        member = members.get(path)
        if member is not None:
            member.seen += 1
            good = value is None if member.nullable and value is None else type(value) in member.kind
            if not good:
                self.wrong.add(f"{title}: {path} is {json.dumps(value)[:60]}")
        if isinstance(value, dict):
            self._see_absent(title, members, path, value)
            for key, inner in value.items():
                inner_path = f"{path}.{key}" if path else key
                if f"{path}.*" in members:
                    inner_path = f"{path}.*"
                self._walk(title, members, inner_path, inner)
        elif isinstance(value, list):
            for inner in value:
                self._walk(title, members, f"{path}[]", inner)
        elif member is None:
            self.wrong.add(f"{title}: {path} is not listed")

    def _see_absent(self, title, members, path, value):
        """Members of this object that are to be there."""
        for listed, member in members.items():
            prefix, _, name = listed.rpartition(".")
            # An array that is empty has no elements to see, but is there.
            if prefix == path and not member.optional and name != "*":
                if name.removesuffix("[]") not in value:
                    self.wrong.add(f"{title}: {listed} is missing")


# ---- Models


def save(path, tensors, metadata=None):
    """A safetensors file of (name, dtype, shape, bytes)."""
    header, at = {}, 0
    for name, dtype, shape, data in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    if metadata:
        header["__metadata__"] = metadata
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(t[3] for t in tensors))
    return path


def floats(values):
    return struct.pack(f"<{len(values)}f", *values)


def weights(seed, rows, cols, zeros=0.0):
    rng = random.Random(seed)
    values = [0.0 if rng.random() < zeros else rng.gauss(0, 1) for _ in range(rows * cols)]
    return ("F32", [rows, cols], floats(values))


def model(path, names=("a", "b")):
    tensors = [(name, *weights(i, 40, 50)) for i, name in enumerate(names)]
    tensors += [
        ("sparse", *weights(8, 60, 50, zeros=0.9)),
        ("copy", *weights(0, 40, 50)),  # of the first
        ("bias", "F32", [3], floats([1, 2, 3])),
        ("scalar", "I64", [], struct.pack("<q", 7)),
        ("none", "F32", [0, 4], b""),
    ]
    return save(path, tensors, {"key": "value"})


def gguf(path):
    """A file with a tensor of a type of its own, and one of another such type that stays opaque."""

    def text(value):
        return struct.pack("<Q", len(value)) + value.encode()

    head = b"GGUF" + struct.pack("<IQQ", 3, 2, 1)
    head += text("general.architecture") + struct.pack("<I", 8) + text("llama")
    head += text("q") + struct.pack("<IQQIQ", 2, 64, 2, 2, 0)  # Q4_0: 4 blocks of 18 bytes
    head += text("k") + struct.pack("<IQQIQ", 2, 256, 1, 12, 96)  # Q4_K: one of 144
    head += bytes(-len(head) % 32)
    rng = random.Random(1)
    path.write_bytes(head + bytes(rng.randrange(256) for _ in range(72)) + bytes(24) +
                     bytes(rng.randrange(256) for _ in range(144)) + bytes(16))
    return path


def calibration(path):
    """Moments of "a" and "b", of which one has a matrix beyond a small limit of memory."""
    eye = floats([float(i == j) for i in range(50) for j in range(50)])
    return save(path, [("a.moments", "F32", [50, 50], eye),
                       ("b.mean", "F32", [50], floats([0.0] * 50)),
                       ("b.mean_square", "F32", [50], floats([1.0] * 50))],
                {"dcf.calibration": "1"})


def large_calibration(path, cols):
    eye = bytearray(4 * cols * cols)
    for i in range(cols):
        struct.pack_into("<f", eye, 4 * (i * cols + i), 1.0)
    return save(path, [("wide.moments", "F32", [cols, cols], bytes(eye))], {"dcf.calibration": "1"})


def network(path):
    layers = '{"input":[1,2,2],"scale":0.5,"mean":2,"layers":["linear a 2"]}'
    return save(path, [("a.bias", "F32", [2], floats([1, 0])),
                       ("a.weight", "F32", [2, 4], floats([1, 0, 0, -1, 0, 2, 0, 0]))],
                {"dcf.network": layers})


def npy(path, dtype="<f4"):
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': (1, 4), }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode() +
                     floats([1, 2, 3, 4]))
    return path


def test_set(folder):
    folder.mkdir()
    (folder / "t10k-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 0, 1]))
    (folder / "t10k-images-idx3-ubyte").write_bytes(
        bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 9, 2, 2, 2, 2, 9, 2, 2]))
    return folder


# ---- Commands


class Runs:
    def __init__(self, program, folder, checker):
        self.program, self.folder, self.checker = program, folder, checker

    def __call__(self, title, *words, status=0):
        command = [self.program, words[0], "--json", *map(str, words[1:])]
        done = subprocess.run(command, capture_output=True, check=False)
        shown = " ".join(command)
        assert done.returncode == status, f"{shown}: {done.returncode}: {done.stdout}{done.stderr}"
        value = json.loads(done.stdout.decode("ascii"), parse_constant=lambda text: math.nan)
        self.checker.see(title, value)
        return value


def run_all(run, folder):
    first = model(folder / "model.safetensors")
    other = model(folder / "other.safetensors", ("a", "c"))
    small, lossy, parts = folder / "m.dcf", folder / "lossy.dcf", folder / "parts"
    compress = ("dcf compress", "compress", first, "-f", "-o")
    run(*compress, small)
    run(*compress, lossy, "--quality", "30", "--eval", "echo 1 # {}")
    run(*compress, lossy, "--quality", "30", "--calibration", calibration(folder / "stats"))
    run(*compress, lossy, "--sparsity", "0.9998", "--bits", "5", "--profile", "paper")
    wide = save(folder / "wide.safetensors", [("wide", *weights(3, 8, 560)), ("a", *weights(4, 40, 50))])
    run("dcf compress", "compress", wide, "-o", folder / "w.dcf", "--quality", "30", "-M", "4M",
        "--calibration", large_calibration(folder / "large", 560))
    notes = folder / "quantised.gguf"
    run("dcf compress", "compress", gguf(notes), "-o", folder / "q.dcf")
    swapped = npy(folder / "swapped.npy", ">f4")
    run("dcf compress", "compress", swapped, "-o", folder / "swapped.dcf")
    for file in (small, lossy, folder / "q.dcf"):
        run("dcf info", "info", file)
    run("dcf info of another model", "info", first)
    run("dcf info of another model", "info", notes)
    run("dcf decompress", "decompress", small, "-o", folder / "back.safetensors")
    run("dcf cat", "cat", small, "a", "-o", folder / "a.npy")
    run("dcf verify", "verify", small)
    run("dcf verify of another model", "verify", first)
    run("dcf compare", "compare", first, small)
    run("dcf compare", "compare", first, lossy, "--bounds")
    run("dcf compare", "compare", first, other, status=1)
    run("dcf report", "report", lossy, "-o", folder / "r.html", "--original", first)
    run("dcf report", "report", lossy, "-f", "-o", folder / "r.html", "--original", other, status=1)
    run("dcf bench", "bench", small)
    run("dcf bench --against", "bench", small, "--against", "zstd,shuffle+zstd")

    plan, settled = folder / "plan.json", folder / "settled.json"
    (folder / "stats_of").mkdir()
    parts.mkdir()
    report = run("dcf plan", "plan", first, "-o", plan)
    for item in range(report["stats"]):
        run("dcf stats --item", "stats", "--plan", plan, "--item", item,
            "-o", folder / "stats_of" / f"{item}.json")
    report = run("dcf stats --settle", "stats", "--plan", plan, "--settle", folder / "stats_of", "-o", settled)
    for item in range(report["items"]):
        run("dcf compress --plan --item", "compress", "--plan", settled, "--item", item,
            "-o", parts / f"{item}.dcf")
    run("dcf merge", "merge", "--plan", settled, parts, "-o", folder / "merged.dcf")

    run("dcf compress", "compress", network(folder / "net.safetensors"), "-o", folder / "net.dcf")
    run("dcf run --input", "run", folder / "net.dcf", "--input", npy(folder / "x.npy"), "-o", folder / "y.npy")
    run("dcf run --test", "run", folder / "net.dcf", "--test", test_set(folder / "data"))

    damaged = bytearray(small.read_bytes())
    damaged[-100] ^= 1
    (folder / "damaged.dcf").write_bytes(damaged)
    run("Failures", "verify", folder / "damaged.dcf", status=1)
    run("Failures", "info", folder / "none.dcf", status=2)
    run("Failures", "compress", first, "--quality", "7000", "-o", folder / "x.dcf", status=2)
    taken = run("Failures", "compress", first, "-o", small, status=2)
    assert taken["error"]["name"] == "FileExists" and taken["error"]["system_error"] == 17, taken


def main():
    program = sys.argv[1]
    page = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else PAGE
    checker = Checker(read_page(page.read_text()))
    with tempfile.TemporaryDirectory() as folder:
        run_all(Runs(program, folder, checker), pathlib.Path(folder))
    wrong = checker.finish()
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
