#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Size, writing and reading speed of dcf and of other lossless coders: a table for each model.

sizes.py [--quick] [--peers NAME...] [--rounds N] [--results FILE [--kept]] MODEL.safetensors|FOLDER...

dcf is the program that $DCF names, as a whole: processor time of its process, files read and written, the
exact file hashed. The .dcf counts header, manifest and names. "write" is `dcf compress -T 1`; "read" is
`dcf verify -T 1`, which decodes and checks everything and writes nothing, then `dcf decompress -T 1`.

Peers code bytes in memory and get no container: a tensor at a time, or all tensors of a type as one stream,
what is smaller (slow peers: the stream alone). Their time is processor time of the calls. Each competitor has
a process of its own. Speeds are MB of tensors for each second of one processor, medians of the rounds.
What does not come back bit by bit is an error. Rounds end when writing has taken 20 s.
"""

from __future__ import annotations

import argparse
import filecmp
import functools
import importlib.util
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import safetensors_file
from peers import PEERS, Coder, Run

Result = dict[str, Any]  # bytes, write, read, maybe file_read (seconds); or error
PATIENCE = 20.0  # seconds of writing, after which no round begins


def runs_of(path: str, joined: bool) -> list[Run]:
    tensors = [tensor for tensor in safetensors_file.read(path) if len(tensor.data) > 0]
    if not joined:
        return [Run(tensor.dtype, tensor.shape, bytes(tensor.data)) for tensor in tensors]
    streams: dict[str, list[memoryview]] = {}
    for tensor in tensors:
        streams.setdefault(tensor.dtype, []).append(tensor.data)
    joins = [(dtype, b"".join(parts)) for dtype, parts in streams.items()]
    return [Run(dtype, [len(data)], data) for dtype, data in joins]


# ---- One competitor, in a process of its own


def encode_all(coder: Coder, runs: list[Run]) -> list[bytes]:
    return [coder.encode(run) for run in runs]


def decode_all(coder: Coder, blobs: list[bytes], runs: list[Run]) -> list[bytes]:
    return [coder.decode(blob, run) for blob, run in zip(blobs, runs, strict=True)]


def timed(call: Callable[[], list[bytes]]) -> tuple[float, list[bytes]]:
    start = time.process_time()
    value = call()
    return time.process_time() - start, value


def peer_result(name: str, path: str, joined: bool, rounds: int) -> Result:
    coder = PEERS[name].make()
    runs = runs_of(path, joined)
    coded = [run for run in runs if coder.lossless(run)]
    size = sum(len(run.data) for run in runs if not coder.lossless(run))  # kept as they are
    if size > sum(len(run.data) for run in coded):
        return {"error": "no lossless mode for floats"}
    for run in coded:
        coder.choose(run)
    writing: list[float] = []
    reading: list[float] = []
    while len(writing) < rounds and sum(writing) < PATIENCE:
        seconds, blobs = timed(functools.partial(encode_all, coder, coded))
        writing.append(seconds)
        seconds, decoded = timed(functools.partial(decode_all, coder, blobs, coded))
        reading.append(seconds)
        if any(bytes(data) != run.data for data, run in zip(decoded, coded)):
            return {"error": "came back different"}
    size += sum(map(len, blobs))
    return {"bytes": size, "write": statistics.median(writing), "read": statistics.median(reading)}


def program_seconds(*command: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def dcf_result(path: str, options: list[str], rounds: int) -> Result:
    dcf = os.environ["DCF"]
    with tempfile.TemporaryDirectory() as folder:
        out, again = f"{folder}/m.dcf", f"{folder}/m.safetensors"
        times: dict[str, list[float]] = {"write": [], "read": [], "file_read": []}
        for _ in range(rounds):
            quiet = ["-q", "-T", "1"]
            times["write"].append(
                program_seconds(dcf, "compress", *quiet, "-f", path, "-o", out, *options)
            )
            times["read"].append(program_seconds(dcf, "verify", *quiet, out))
            times["file_read"].append(
                program_seconds(dcf, "decompress", *quiet, "-f", out, "-o", again)
            )
        if not filecmp.cmp(path, again, shallow=False):
            return {"error": "came back different"}
        medians = {key: statistics.median(values) for key, values in times.items()}
        return {"bytes": os.path.getsize(out), **medians}


def dcf_modes() -> dict[str, list[str]]:
    text = subprocess.run(
        [os.environ["DCF"], "compress", "--help"], capture_output=True, text=True, check=True
    )
    modes: dict[str, list[str]] = {"dcf": []}
    if "--small" in text.stdout:
        modes["dcf --small"] = ["--small"]
    return modes


def measured(name: str, path: str, rounds: int) -> Result:
    modes = dcf_modes()
    if name in modes:
        return dcf_result(path, modes[name], rounds)
    if importlib.util.find_spec(PEERS[name].package) is None:
        return {"error": "not installed"}
    tries = []
    for joined in [True] if PEERS[name].slow and name != "NNCodec" else [True, False]:
        command = [sys.executable, __file__, "--one", name, str(int(joined)), str(rounds), path]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines()
            tries.append({"error": lines[-1][:100] if lines else f"ended with {done.returncode}"})
        else:
            tries.append({**json.loads(done.stdout), "way": "by type" if joined else "by tensor"})
    return min(tries, key=lambda result: result.get("bytes", float("inf")))


# ---- Tables


def speed(raw: int, seconds: float) -> str:
    return f"{raw / 1e6 / seconds:,.0f}" if seconds > 0 else "-"


def model_table(name: str, raw: int, results: dict[str, Result]) -> str:
    lines = [f"### {name}: {raw:,} bytes of tensors", ""]
    lines += ["| coder | bytes | ratio | write MB/s | read MB/s |", "|---|--:|--:|--:|--:|"]
    for coder, result in results.items():
        if "error" in result:
            lines.append(f"| {coder} | - | {result['error']} | | |")
            continue
        read = speed(raw, result["read"])
        if "file_read" in result:
            read += " / " + speed(raw, result["file_read"])
        cells = [
            coder,
            f"{result['bytes']:,}",
            f"{raw / result['bytes']:.3f}",
            speed(raw, result["write"]),
            read,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def summary_table(models: dict[str, tuple[int, dict[str, Result]]]) -> str:
    lines = ["### Beside the smallest peer", ""]
    lines += ["| model | dcf | dcf --small | smallest peer | against it |", "|---|--:|--:|--:|--:|"]
    for name, (_, results) in models.items():
        sizes = {coder: result["bytes"] for coder, result in results.items() if "bytes" in result}
        ours = [sizes[mode] for mode in ("dcf", "dcf --small") if mode in sizes]
        peers = [(size, coder) for coder, size in sizes.items() if coder in PEERS]
        if not ours or not peers:
            continue
        size, coder = min(peers)
        small = f"{sizes['dcf --small']:,}" if "dcf --small" in sizes else "-"
        cells = [name, f"{ours[0]:,}", small, f"{coder} {size:,}", f"{min(ours) / size - 1:+.2%}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def model_files(paths: list[str]) -> list[pathlib.Path]:
    files: list[pathlib.Path] = []
    for path in map(pathlib.Path, paths):
        files += sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    return files


def one(name: str, joined: str, rounds: str, path: str) -> None:
    print(json.dumps(peer_result(name, path, joined == "1", int(rounds))))


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        return one(*sys.argv[2:])
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "models", nargs="+", metavar="MODEL", help="safetensors file, or a folder of them"
    )
    parser.add_argument("--quick", action="store_true", help="one round, and fast peers only")
    parser.add_argument(
        "--peers", nargs="+", choices=PEERS, metavar="NAME", help=f"of {', '.join(PEERS)}"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--results",
        help="JSON file that keeps results; peers that are there are not measured again",
    )
    parser.add_argument(
        "--kept", action="store_true", help="measure dcf, and take peers from --results alone"
    )
    arguments = parser.parse_args()
    rounds = 1 if arguments.quick else arguments.rounds
    peers = arguments.peers or [
        name for name, peer in PEERS.items() if not (arguments.quick and peer.slow)
    ]
    kept: dict[str, dict[str, Result]] = {}
    if arguments.results and os.path.exists(arguments.results):
        kept = json.loads(pathlib.Path(arguments.results).read_text())
    version = subprocess.run(
        [os.environ["DCF"], "--version"], capture_output=True, text=True, check=True
    ).stdout
    print(
        f"{version.strip()}; load average {os.getloadavg()[0]:.1f} of {os.cpu_count()} processors\n",
        flush=True,
    )
    models: dict[str, tuple[int, dict[str, Result]]] = {}
    for path in model_files(arguments.models):
        raw = sum(len(tensor.data) for tensor in safetensors_file.read(path))
        before, results = kept.get(path.stem, {}), {}
        for name in [
            *dcf_modes(),
            *(name for name in peers if name in before or not arguments.kept),
        ]:
            known = name in PEERS and name in before
            results[name] = before[name] if known else measured(name, str(path), rounds)
        models[path.stem] = (raw, results)
        print(model_table(path.stem, raw, results), flush=True)
        if arguments.results:
            kept[path.stem] = {**before, **results}
            pathlib.Path(arguments.results).write_text(json.dumps(kept, indent=1))
    print(summary_table(models), flush=True)


if __name__ == "__main__":
    main()
