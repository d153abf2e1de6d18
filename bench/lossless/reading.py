#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Decoding in memory, on one thread: dcf_codec beside a copy of the bytes, ZipNN and OpenZL.

    reading.py [--rounds N] [--quality LEVEL...] MODEL.safetensors|FOLDER...

dcf_codec and the copy write into arrays that were written before; the peers return arrays of their own.
dcf_codec decodes all tensors of a model in one call and checks its hashes; the peers decode all tensors of a
type as one stream. In each round every competitor has its turn, in one process. Numbers are medians: MB of tensors
for each second of the clock, and in parts of what the copy does. What does not come back is an error. With --quality there is a column for what
`dcf compress --quality LEVEL` rounds, where the bounds that the file records must hold.
"""

from __future__ import annotations

import argparse
import pathlib
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable

import numpy as np
import safetensors_file
from dcf_codec._file import File
from dcf_codec._library import program_path
from peers import PEERS, Coder, Run, Zstd
from sizes import runs_of

NAMES = ("ZipNN", "OpenZL")


def by_dcf(path: str, quality: str | None = None) -> Callable[[], object]:
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/m.dcf"
        level = ["--quality", quality] if quality else []
        subprocess.run([program_path(), "compress", "-q", *level, path, "-o", out], check=True)
        if quality:
            subprocess.run([program_path(), "compare", "-q", "--bounds", path, out], check=True)
        data = pathlib.Path(out).read_bytes()
    file = File(data, threads=1)
    expected = {tensor.name: bytes(tensor.data) for tensor in safetensors_file.read(path)}
    arrays = [np.zeros(file.tensor(i).dense_bytes, np.uint8) for i in range(file.count())]

    def run() -> None:
        file.decode_all([(i, array.ctypes.data, array.size) for i, array in enumerate(arrays)])

    run()
    for i, array in enumerate(arrays):
        if not quality and array.tobytes() != expected[file.tensor(i).name]:
            raise SystemExit(f"{path}: dcf_codec gave back other bytes")
    return run


def by_copy(runs: list[Run]) -> Callable[[], object]:
    pairs = [(np.zeros(len(r.data), np.uint8), np.frombuffer(r.data, np.uint8)) for r in runs]

    def run() -> None:
        for to, data in pairs:
            np.copyto(to, data)

    run()
    return run


def by_peer(coder: Coder, runs: list[Run]) -> Callable[[], object]:
    # What is no float or integer of some bytes takes no part in these tables: it is a few bytes.
    coders = [coder if run.dtype in ("F32", "F16", "BF16", "U8", "I8", "I16") else Zstd(3) for run in runs]
    for one, run in zip(coders, runs):
        one.choose(run)
    blobs = [one.encode(run) for one, run in zip(coders, runs)]

    def call() -> list[bytes]:
        return [one.decode(blob, run) for one, blob, run in zip(coders, blobs, runs)]

    if [bytes(data) for data in call()] != [run.data for run in runs]:
        raise SystemExit("a peer gave back other bytes")
    return call


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quality", action="append", default=[], metavar="LEVEL")
    parser.add_argument("models", nargs="+", metavar="MODEL.safetensors|FOLDER", type=pathlib.Path)
    arguments = parser.parse_args()
    rounded = {f"dcf_codec, {level}": level for level in arguments.quality}
    columns = ["copy MB/s", "dcf_codec", *rounded, *NAMES]
    print(f"| model | {' | '.join(columns)} |")
    print(f"|---|{'--:|' * len(columns)}")
    for given in arguments.models:
        for path in sorted(given.glob("*.safetensors")) if given.is_dir() else [given]:
            runs = runs_of(str(path), joined=True)
            calls = {"copy": by_copy(runs), "dcf_codec": by_dcf(str(path))}
            calls |= {name: by_dcf(str(path), level) for name, level in rounded.items()}
            calls |= {name: by_peer(PEERS[name].make(), runs) for name in NAMES}
            seconds: dict[str, list[float]] = {name: [] for name in calls}
            for _ in range(arguments.rounds):
                for name, call in calls.items():
                    start = time.perf_counter()
                    call()
                    seconds[name].append(time.perf_counter() - start)
            size = sum(len(run.data) for run in runs)
            speed = {name: size / 1e6 / statistics.median(took) for name, took in seconds.items()}
            cells = [f"{speed['copy']:,.0f}"]
            cells += [f"{s:,.0f} ({s / speed['copy']:.2f})" for n, s in speed.items() if n != "copy"]
            print(f"| {path.stem} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
