#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program dcf beside zstd -3: from file to file, with all that a run takes.

    programs.py [--dcf PROGRAM] [--rounds N] MODEL...

Writing is told by processor time, of one thread each; then what --quality balanced takes, in parts of it, and how
much sooner two threads are done. Restoring is told by the clock, as both programs use several threads. In each round
every command has its turn; numbers are medians. Files lie where TMPDIR says: a disk measures the disk. A file that does
not come back is an error.
"""

from __future__ import annotations

import argparse
import dataclasses
import filecmp
import os
import pathlib
import resource
import statistics
import subprocess
import tempfile
import time

DCF = pathlib.Path(__file__).resolve().parents[2] / "build" / "release" / "bin" / "dcf"
COLUMNS = (
    "model",
    "MB",
    "write",
    "zstd",
    "of zstd's speed",
    "balanced",
    "2 threads",
    "restore",
    "zstd",
    "of zstd's time",
)


@dataclasses.dataclass
class Command:
    words: list[str]
    processor: list[float] = dataclasses.field(default_factory=list)
    clock: list[float] = dataclasses.field(default_factory=list)

    def run(self) -> None:
        """Once; seconds of the processor and of the clock."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        subprocess.run(self.words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.clock.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.processor.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def in_turns(commands: dict[str, Command], rounds: int) -> None:
    for _ in range(rounds):
        for command in commands.values():
            command.run()


def measure(dcf: str, model: str, rounds: int, folder: str) -> tuple[str, ...]:
    packed, zst, back, other = (f"{folder}/{name}" for name in ("m.dcf", "m.zst", "back", "other"))
    compress = [dcf, "compress", "-q", "-f", model]
    back += pathlib.Path(model).suffix
    commands = {
        "balanced": Command(
            [*compress, "-T", "1", "--quality", "balanced", "-o", f"{folder}/b.dcf"]
        ),
        "two": Command([*compress, "-T", "2", "-o", packed]),
        "one": Command([*compress, "-T", "1", "-o", packed]),
        "zstd": Command(["zstd", "-q", "-f", "-3", "--single-thread", model, "-o", zst]),
        "restore": Command([dcf, "decompress", "-q", "-f", packed, "-o", back]),
        "unzstd": Command(["zstd", "-q", "-f", "-d", zst, "-o", other]),
    }
    in_turns(commands, rounds)
    if not filecmp.cmp(model, back, shallow=False):
        raise SystemExit(f"{model}: does not come back")
    clock = {name: statistics.median(command.clock) for name, command in commands.items()}
    cpu = {name: statistics.median(command.processor) for name, command in commands.items()}
    return (
        pathlib.Path(model).stem,
        f"{os.path.getsize(model) / 1e6:.1f}",
        f"{cpu['one'] * 1e3:.0f} ms",
        f"{cpu['zstd'] * 1e3:.0f} ms",
        f"{cpu['zstd'] / cpu['one']:.2f}",
        f"{cpu['balanced'] / cpu['one']:.2f}",
        f"{clock['one'] / clock['two']:.2f}x",
        f"{clock['restore'] * 1e3:.0f} ms",
        f"{clock['unzstd'] * 1e3:.0f} ms",
        f"{clock['restore'] / clock['unzstd']:.2f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dcf", default=str(DCF))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    args = parser.parse_args()
    starts = {name: Command([name, "--version"]) for name in (args.dcf, "zstd")}
    in_turns(starts, 20 * args.rounds)
    print(
        "start: "
        + ", ".join(
            f"{pathlib.Path(name).name} {statistics.median(c.clock) * 1e3:.1f} ms"
            for name, c in starts.items()
        )
    )
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
    with tempfile.TemporaryDirectory() as folder:
        for model in args.models:
            print(
                "| " + " | ".join(measure(args.dcf, model, args.rounds, folder)) + " |", flush=True
            )


if __name__ == "__main__":
    main()
