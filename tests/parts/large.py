#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""large.py FOLDER [BYTES]: a checkpoint of 8 GB, or so many bytes, through one process, Dask and Ray.

Two workers each, of which one is killed in each pass. The three files must be equal, and no process may
take more memory than the plan states. Takes three times BYTES of disk, and processors for as long as
the three runs take; prints a log. Needs dcf_codec, dask[distributed], ray and numpy.
"""

from __future__ import annotations

import filecmp
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dcf_codec
from dcf_codec import distributed

HERE = pathlib.Path(__file__).resolve().parent
# One thread for each of two workers.
OPTIONS: dict[str, Any] = {"threads": 1, "item_bytes": "256M"}


class Watched:
    """An engine that kills a worker in the third item of each pass, and knows the peak memory of all
    dcf processes."""

    def __init__(self, engine: distributed.Engine, folder: pathlib.Path) -> None:
        self.engine = engine
        self.folder = folder
        self.peak = 0
        folder.mkdir()

    def map(self, function: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Any]:
        folder = str(self.folder)

        def watched(job: Any) -> int:
            mark = f"{folder}/{job.verb}"
            if job.item == 2 and not os.path.exists(mark):
                with open(mark, "x"):
                    os.kill(os.getpid(), signal.SIGKILL)
            function(job)
            return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024

        for peak in self.engine.map(watched, jobs):
            self.peak = max(self.peak, peak)
            yield peak


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def run(name: str, engine: distributed.Engine, model: pathlib.Path, folder: pathlib.Path) -> bool:
    """Compresses the model into NAME.dcf; tells whether all is as it should be."""
    start = time.monotonic()
    watched = Watched(engine, folder / f"{name}-killed")
    work = folder / f"{name}-work"
    output = folder / f"{name}.dcf"
    distributed.compress(model, output, engine=watched, work_dir=work, **OPTIONS)
    seconds = time.monotonic() - start
    plans = [json.loads((work / file).read_text()) for file in ("plan.json", "settled.json")]
    planned = max(e["peak_memory"] for e in plans[0]["stats"] + plans[1]["items"])
    equal = filecmp.cmp(folder / "whole.dcf", output, shallow=False)
    killed = len(list(watched.folder.iterdir()))
    ranges = sum("elements" in item for item in plans[1]["items"])
    say(
        f"{name}: {seconds:.0f} s, {len(plans[1]['items'])} items ({ranges} ranges), {killed} workers "
        f"killed, peak memory of a worker {watched.peak / 1e6:.0f} MB of {planned / 1e6:.0f} MB planned, "
        f"{'the file of one process' if equal else 'ANOTHER FILE'}"
    )
    output.unlink()
    subprocess.run(["rm", "-r", work], check=True)
    return equal and killed == 2 and watched.peak <= planned


def main(folder: pathlib.Path, size: int) -> bool:
    model = folder / "model"
    if not model.exists():
        subprocess.run([sys.executable, HERE / "checkpoint.py", model, str(size)], check=True)
    whole = folder / "whole.dcf"
    say(f"{sum(path.stat().st_size for path in model.iterdir())} bytes in {model}")
    if not whole.exists():
        start = time.monotonic()
        dcf_codec.compress(model, whole, threads=2)
        say(f"one process, two threads: {time.monotonic() - start:.0f} s")
    say(f"one process: {whole.stat().st_size} bytes")

    from distributed import Client, LocalCluster

    # Dask's own limit of memory sees the worker, not the dcf processes.
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            good = run("dask", distributed.dask(client), model, folder)

    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    good &= run("ray", distributed.ray(), model, folder)
    ray.shutdown()
    return good


if __name__ == "__main__":
    sys.exit(
        0
        if main(pathlib.Path(sys.argv[1]), int(float(sys.argv[2] if sys.argv[2:] else 8e9)))
        else 1
    )
