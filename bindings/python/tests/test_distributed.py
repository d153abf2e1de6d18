# SPDX-License-Identifier: Apache-2.0
"""A checkpoint that many workers compress: the file of one process, whoever dies."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from conftest import TREE
from range_server import serving

import dcf_codec
from dcf_codec import distributed

BYTES = 24 << 20
OPTIONS = {"item_bytes": "2M", "threads": 1, "fast": True}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("checkpoint") / "model"
    script = TREE / "tests" / "parts" / "checkpoint.py"
    subprocess.run([sys.executable, script, folder, str(BYTES)], check=True)
    return folder


@pytest.fixture(scope="module")
def whole(model: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """By one process."""
    path = tmp_path_factory.mktemp("whole") / "whole.dcf"
    dcf_codec.compress(model, path, fast=True)
    return path.read_bytes()


class Killing:
    """An engine whose worker dies in the middle of one item of each kind."""

    def __init__(self, engine: distributed.Engine, folder: pathlib.Path) -> None:
        self.engine = engine
        self.folder = folder

    def map(self, function: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Any]:
        folder = str(self.folder)

        def kill_once(job: Any) -> Any:
            mark = f"{folder}/{job.verb}"
            if job.item == 2 and not os.path.exists(mark):
                with open(mark, "x"):
                    os.kill(os.getpid(), signal.SIGKILL)
            return function(job)

        return self.engine.map(kill_once, jobs)

    def killed(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


def test_local(model: pathlib.Path, whole: bytes, tmp_path: pathlib.Path) -> None:
    steps: list[tuple[str, int, int]] = []
    report = distributed.compress(
        model,
        tmp_path / "m.dcf",
        engine=distributed.local(2),
        work_dir=tmp_path / "work",
        progress=lambda *step: steps.append(step),
        **OPTIONS,
    )
    assert (tmp_path / "m.dcf").read_bytes() == whole
    assert report["output_bytes"] == len(whole)
    assert {step for step, _, _ in steps} == {"stats", "compress", "merge"}
    assert ("compress", report["parts"], report["parts"]) in steps and report["parts"] > 5
    assert steps[-1][0] == "merge" and steps[-1][1] <= steps[-1][2]


def test_work_is_taken_up(model: pathlib.Path, whole: bytes, tmp_path: pathlib.Path) -> None:
    work = tmp_path / "work"
    distributed.compress(model, tmp_path / "m.dcf", work_dir=work, **OPTIONS)
    parts = sorted((work / "parts").iterdir())
    times = {part: part.stat().st_mtime_ns for part in parts}
    parts[1].unlink()
    with pytest.raises(FileExistsError):
        distributed.compress(model, tmp_path / "m.dcf", work_dir=work, **OPTIONS)
    distributed.compress(model, tmp_path / "m.dcf", work_dir=work, force=True, **OPTIONS)
    assert (tmp_path / "m.dcf").read_bytes() == whole
    assert [p for p in parts if p.stat().st_mtime_ns != times[p]] == [parts[1]]
    with pytest.raises(ValueError, match="with other model or options"):
        distributed.compress(model, tmp_path / "n.dcf", work_dir=work, bits=4)


def test_failures_are_exceptions(model: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with pytest.raises(dcf_codec.DcfError, match="no such file"):
        distributed.compress(tmp_path / "gone", tmp_path / "m.dcf")
    with pytest.raises(TypeError, match="no option 'colour'"):
        distributed.compress(model, tmp_path / "m.dcf", colour=1)

    class Stopped(Exception):
        pass

    def stop(*_: Any) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        distributed.compress(model, tmp_path / "m.dcf", progress=stop, **OPTIONS)
    assert not (tmp_path / "m.dcf").exists()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("distributed", "ray", "fsspec"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r"pip install dask\[distributed\]"):
        distributed.dask()
    with pytest.raises(ImportError, match="pip install ray"):
        distributed.ray()
    with pytest.raises(ImportError, match="pip install fsspec"):
        distributed.compress("file:///model", "m.dcf")


def test_dask_with_a_killed_worker(
    model: pathlib.Path, whole: bytes, tmp_path: pathlib.Path
) -> None:
    pytest.importorskip("distributed")
    from distributed import Client, LocalCluster

    (tmp_path / "killed").mkdir()
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            engine = Killing(distributed.dask(client), tmp_path / "killed")
            distributed.compress(
                model, tmp_path / "m.dcf", engine=engine, work_dir=tmp_path / "w", **OPTIONS
            )
    assert engine.killed() == {"stats", "compress"}
    assert (tmp_path / "m.dcf").read_bytes() == whole


def test_ray_with_a_killed_worker(
    model: pathlib.Path, whole: bytes, tmp_path: pathlib.Path
) -> None:
    ray = pytest.importorskip("ray")
    (tmp_path / "killed").mkdir()
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        engine = Killing(distributed.ray(), tmp_path / "killed")
        distributed.compress(
            model, tmp_path / "m.dcf", engine=engine, work_dir=tmp_path / "w", **OPTIONS
        )
    finally:
        ray.shutdown()
    assert engine.killed() == {"stats", "compress"}
    assert (tmp_path / "m.dcf").read_bytes() == whole


def test_file_system(model: pathlib.Path, whole: bytes, tmp_path: pathlib.Path) -> None:
    pytest.importorskip("fsspec")
    distributed.compress(f"file://{model}", tmp_path / "m.dcf", **OPTIONS)
    assert (tmp_path / "m.dcf").read_bytes() == whole


def test_http_reads_only_what_is_needed(
    model: pathlib.Path, whole: bytes, tmp_path: pathlib.Path
) -> None:
    pytest.importorskip("fsspec")
    pytest.importorskip("aiohttp")
    total = sum(path.stat().st_size for path in model.iterdir())
    sent_after: dict[str, int] = {}
    with serving(model.parent) as server:

        def see(step: str, done: int, _: int) -> None:
            if done == 0:
                sent_after[step] = server.sent

        url = f"{server.url}/{model.name}/"
        distributed.compress(url, tmp_path / "m.dcf", progress=see, **OPTIONS)
        sent = server.sent
        with serving(model.parent) as second:
            url = f"{second.url}/{model.name}/"
            distributed.compress(url, tmp_path / "n.dcf", exact_file=False, **OPTIONS)
            without_files = second.sent
    assert (tmp_path / "m.dcf").read_bytes() == whole
    assert sent_after["stats"] < total / 100  # the plan: headers
    # Every file once for its digest, every tensor once but for the tied one, headers for each item.
    assert sent_after["compress"] < 1.02 * total
    assert sent < 2.05 * total
    assert without_files < 1.02 * sent  # tensors of which each could equal another
