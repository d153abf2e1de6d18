#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loading a whole model into arrays of NumPy: time and peak memory of dcf_codec beside safetensors,
NumPy, ZipNN and OpenZL, from the page cache and through a server on loopback of limited speed.

    bench/python_load.py [--megabytes 30 300 1000] [--rounds 5] [--rate 200] [--folder DIR]

Every load runs in a process of its own, whose imports are done before the clock starts; in each round
every competitor has its turn. Numbers are medians over the rounds. "memory" is the growth of the
process's peak resident memory while it loads, over the bytes of the arrays: 1.00 is the arrays alone.
A package that is not installed is left out, and said; bench/python-requirements.txt pins them.
ZipNN and OpenZL have no file of many tensors: theirs is an index and a coded blob for each tensor,
two of which are decoded at a time.

Models are synthetic, of fp32 tensors of 16 MB and some small ones:
    raw        random bits: nothing can be saved
    lossless   weights of normal distributions
    palette    32 values for each tensor, as clustering to 5 bits leaves them
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from range_server import RangeSource, fetch, serve
from torch_stand_in import stand_in_for_torch

THREADS = 2


# ---- Models


def make_model(kind: str, megabytes: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(megabytes)
    tensors = {}
    shape = (4096, 1024)
    for i in range(max(1, round(megabytes * 1e6 / (4 * shape[0] * shape[1])))):
        name = f"layers.{i}.weight"
        if kind == "raw":
            bits = rng.integers(0, 2**32, shape, np.uint32)
            tensors[name] = bits.view(np.float32)
        elif kind == "lossless":
            tensors[name] = rng.standard_normal(shape, np.float32) * np.float32(0.02)
        else:
            values = np.sort(rng.standard_normal(32)).astype(np.float32)
            tensors[name] = values[rng.integers(0, 32, shape)]
        tensors[f"layers.{i}.bias"] = rng.standard_normal(1024).astype(np.float32)
    return tensors


# ---- Competitors: how each writes a model, and how each loads it. `data` is the file's bytes where it
# has come over the network, otherwise None.


def save_safetensors(tensors: dict[str, np.ndarray], path: str) -> None:
    import safetensors.numpy

    safetensors.numpy.save_file(tensors, path)


def load_safetensors(path: str, data: bytes | None) -> Any:
    import safetensors.numpy

    return safetensors.numpy.load_file(path) if data is None else safetensors.numpy.load(data)


def save_numpy(tensors: dict[str, np.ndarray], path: str) -> None:
    with open(path, "wb") as out:
        np.savez(out, **tensors)


def load_numpy(path: str, data: bytes | None) -> Any:
    import io

    with np.load(path if data is None else io.BytesIO(data)) as archive:
        return {name: archive[name] for name in archive.files}


def save_dcf(tensors: dict[str, np.ndarray], path: str) -> None:
    from dcf_codec.numpy import save_file

    save_file(tensors, path)


def load_dcf(path: str, data: Any) -> Any:
    from dcf_codec.numpy import load_file

    return load_file(path if data is None else data, threads=THREADS)


def _save_blobs(blobs: dict[str, tuple[tuple[int, ...], bytes]], path: str) -> None:
    """The least a file of coded tensors can be: an index in JSON, and the tensors."""
    index, at = {}, 0
    for name, (shape, blob) in blobs.items():
        index[name] = (shape, at, at + len(blob))
        at += len(blob)
    text = json.dumps(index).encode()
    with open(path, "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        out.writelines(blob for _, blob in blobs.values())


def _load_blobs(path: str, data: Any, decode: Callable[[Any], np.ndarray]) -> Any:
    data = memoryview(pathlib.Path(path).read_bytes() if data is None else data)
    start = 8 + int.from_bytes(data[:8], "little")
    index = json.loads(bytes(data[8:start]))

    def one(entry: tuple[str, Any]) -> tuple[str, np.ndarray]:
        name, (shape, first, last) = entry
        return name, decode(data[start + first : start + last]).reshape(shape)

    with ThreadPoolExecutor(THREADS) as pool:
        return dict(pool.map(one, index.items()))


def _zipnn(threads: int) -> Any:
    if importlib.util.find_spec("torch") is None:
        stand_in_for_torch()
    from zipnn import ZipNN

    return ZipNN(input_format="byte", bytearray_dtype="float32", threads=threads)


def save_zipnn(tensors: dict[str, np.ndarray], path: str) -> None:
    codec = _zipnn(THREADS)
    blobs = {
        n: (a.shape, bytes(codec.compress(bytearray(a.tobytes())))) for n, a in tensors.items()
    }
    _save_blobs(blobs, path)


def load_zipnn(path: str, data: Any) -> Any:
    # Its own threads work on one tensor; two tensors at a time with one each are as fast or faster.
    return _load_blobs(
        path, data, lambda blob: np.frombuffer(_zipnn(1).decompress(bytes(blob)), np.float32)
    )


def _openzl(array: np.ndarray) -> bytes:
    """The smallest of what its codecs for floats, for few values and for nothing make of a tensor."""
    import openzl.ext as zl

    nodes, graphs = zl.nodes, zl.graphs
    best = None
    for kind in ("floats", "tokens", "store"):
        compressor = zl.Compressor()
        compressor.set_parameter(zl.CParam.FormatVersion, zl.MAX_FORMAT_VERSION)
        store, entropy = graphs.Store(), graphs.Entropy()
        if kind == "floats":
            graph = nodes.Float32Deconstruct()(compressor, sign_frac=store, exponent=entropy)
        elif kind == "tokens":
            graph = nodes.TokenizeNumeric()(compressor, alphabet=store, indices=entropy)
        else:
            graph = store(compressor)
        compressor.select_starting_graph(graph)
        context = zl.CCtx()
        context.ref_compressor(compressor)
        try:
            out = context.compress([zl.Input(zl.Type.Numeric, array.reshape(-1).view(np.uint32))])
        except RuntimeError:  # too many values for tokens
            continue
        best = out if best is None or len(out) < len(best) else best
    assert best is not None
    return best


def save_openzl(tensors: dict[str, np.ndarray], path: str) -> None:
    _save_blobs({name: (array.shape, _openzl(array)) for name, array in tensors.items()}, path)


def load_openzl(path: str, data: Any) -> Any:
    import openzl.ext as zl

    def decode(blob: Any) -> np.ndarray:
        return zl.DCtx().decompress(bytes(blob))[0].content.as_nparray().view(np.float32)

    return _load_blobs(path, data, decode)


class Peer:
    def __init__(self, package: str, save: Callable[..., None], load: Callable[..., Any]) -> None:
        self.package, self.save, self.load = package, save, load


PEERS = {
    "safetensors": Peer("safetensors", save_safetensors, load_safetensors),
    "numpy": Peer("numpy", save_numpy, load_numpy),
    "dcf": Peer("dcf_codec", save_dcf, load_dcf),
    "zipnn": Peer("zipnn", save_zipnn, load_zipnn),
    "openzl": Peer("openzl", save_openzl, load_openzl),
}


# ---- One load, in a process of its own


def resident(field: str) -> int:
    """VmRSS or VmHWM, the peak, in bytes."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def one_load(name: str, path: str, port: int) -> None:
    peer = PEERS[name]
    with tempfile.TemporaryDirectory() as folder:  # imports, and what a first call sets up
        peer.save({"t": np.zeros((64, 64), np.float32)}, f"{folder}/t")
        peer.load(f"{folder}/t", None)
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = resident("VmRSS")
    start = time.perf_counter()
    if port == 0:
        arrays = peer.load(path, None)
    elif name == "dcf":
        arrays = peer.load(path, RangeSource(port, os.path.basename(path)))
    else:
        arrays = peer.load(path, fetch(port, os.path.basename(path)))
    seconds = time.perf_counter() - start
    size = sum(array.nbytes for array in arrays.values())
    print(
        json.dumps(
            {"seconds": seconds, "memory": (resident("VmHWM") - before) / size, "bytes": size}
        )
    )


def measure(name: str, path: str, port: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", name, path, str(port)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


# ---- The table


def check(name: str, path: str, tensors: dict[str, np.ndarray]) -> None:
    """What is loaded is what was saved: a wrong result is no measurement."""
    loaded = PEERS[name].load(path, None)
    for key, array in tensors.items():
        if loaded[key].tobytes() != array.tobytes():
            raise SystemExit(f"{name}: {key} came back wrong")


def report(kind: str, megabytes: int, rounds: int, rate: float, folder: str) -> None:
    tensors = make_model(kind, megabytes)
    present = [n for n, peer in PEERS.items() if importlib.util.find_spec(peer.package)]
    paths = {}
    for name in present:
        paths[name] = f"{folder}/model.{name}"
        PEERS[name].save(tensors, paths[name])
        check(name, paths[name], tensors)
    del tensors
    server = serve(folder, rate * 1e6)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    results: dict[tuple[str, bool], list[dict[str, float]]] = {}
    for _ in range(rounds):
        for name in present:
            for remote in (False, True):
                port = server.server_address[1] if remote else 0
                results.setdefault((name, remote), []).append(measure(name, paths[name], port))
    server.shutdown()
    median = lambda name, remote, key: statistics.median(r[key] for r in results[name, remote])  # noqa: E731
    for name in present:
        size = os.path.getsize(paths[name])
        row = [f"{kind:9}", f"{megabytes:6}", f"{name:11}", f"{size / 1e6:8.1f}"]
        for remote in (False, True):
            seconds = median(name, remote, "seconds")
            row.append(f"{seconds:9.3f} {seconds / median('safetensors', remote, 'seconds'):6.2f}x")
            row.append(f"{median(name, remote, 'memory'):6.2f}")
        print(" ".join(row), flush=True)
        os.remove(paths[name])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, nargs="+", default=[30, 300, 1000])
    parser.add_argument("--kinds", nargs="+", default=["raw", "lossless", "palette"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=200, help="MB/s of the server")
    parser.add_argument("--folder", default=None, help="where the files go (default: $TMPDIR)")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        name, path, port = arguments.one
        return one_load(name, path, int(port))
    for name, peer in PEERS.items():
        if not importlib.util.find_spec(peer.package):
            print(f"left out: {name} (pip install {peer.package})")
    print(
        f"{THREADS} threads; load average {os.getloadavg()[0]:.1f}; server {arguments.rate:.0f} MB/s"
    )
    print("                                           from the page cache       through the server")
    print("model         MB format       MB file   seconds  ratio memory    seconds  ratio memory")
    for kind in arguments.kinds:
        for megabytes in arguments.megabytes:
            with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
                report(kind, megabytes, arguments.rounds, arguments.rate, folder)


if __name__ == "__main__":
    main()
