# SPDX-License-Identifier: Apache-2.0
"""The steps from a model to its file, of which the long ones are done by workers."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pathlib
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, Callable

from .._program import run
from ._engines import Engine, local
from ._jobs import Job, Model, run_job
from ._storage import Range, Storage, is_remote


class _Plan:
    """What the JSON of a plan says, as far as it is needed here."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.json: dict[str, Any] = json.loads(path.read_text())

    def sizes(self) -> dict[str, int]:
        return {file["name"]: file["bytes"] for file in self.json["files"]}

    def _ranges(self, ranges: list[list[int]]) -> list[Range]:
        files = self.json["files"]
        return [(files[file]["name"], offset, size) for file, offset, size in ranges]

    def opens(self) -> list[Range]:
        return self._ranges(self.json["opens"])

    def jobs(
        self, verb: str, kind: str, folder: pathlib.Path, ending: str, model: Model
    ) -> list[Job]:
        """One for each entry of the list `kind`."""
        opens = self.opens()
        return [
            Job(
                verb,
                str(self.path),
                number,
                str(folder / f"{number:06d}{ending}"),
                model,
                self.sizes(),
                opens + self._ranges(entry["reads"]),
            )
            for number, entry in enumerate(self.json[kind])
        ]

    def others(self) -> list[Range]:
        """The files without tensors, whole."""
        known = {name for name, _, _ in self.opens()}
        return [(name, 0, size) for name, size in self.sizes().items() if name not in known]


@contextlib.contextmanager
def _folder(path: str | os.PathLike[str] | None) -> Iterator[pathlib.Path]:
    if path is None:
        with tempfile.TemporaryDirectory(prefix="dcf-work-") as temporary:
            yield pathlib.Path(temporary)
    else:
        folder = pathlib.Path(path).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        yield folder


def _report(
    progress: Callable[[str, int, int], None] | None, step: str, done: int, total: int
) -> None:
    if progress is not None:
        progress(step, done, total)


def _run_all(engine: Engine, jobs: list[Job], step: str, progress: Any) -> None:
    _report(progress, step, 0, len(jobs))
    for done, _ in enumerate(engine.map(run_job, jobs), 1):
        _report(progress, step, done, len(jobs))


def compress(
    src: str | os.PathLike[str],
    dst: str | os.PathLike[str],
    *,
    engine: Engine | None = None,
    work_dir: str | os.PathLike[str] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    storage_options: Mapping[str, Any] | None = None,
    force: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Writes a model as a .dcf file, item by item, on the workers of an engine.

    src: as of dcf_codec.compress; or the address of a folder of safetensors in any storage that
        fsspec knows ("s3://...", "https://.../", "file://..."), of which a worker fetches only what
        its item needs, into files with holes in its temporary folder.
    dst: the file, written by this process.
    engine: dask(), ray() or local(), the default.
    work_dir: a folder that all workers and this process see under the same path; plan, statistics
        and parts lie in it. One that was used before for the same model and options is taken up
        where it was left. Default: a temporary one, for engines on this computer.
    progress: called with a step, what is done and the whole: items of "stats" and of "compress", then
        bytes of "merge", which has steps of its own.
    storage_options: for fsspec.
    options: those of `dcf plan`: item_bytes="256M", bits=5, recipe={...}, max_memory="4G", threads=2.
    Returns the report of `dcf merge --json`. Raises DcfError, what fsspec raises, and FileExistsError
    where dst exists and force is False.
    """
    path = os.fspath(src)
    if not is_remote(path):
        path = os.path.abspath(path)
    if not force and os.path.lexists(dst):
        raise FileExistsError(f"{os.fspath(dst)} exists; force=True replaces it")
    model = Model(path, dict(storage_options or {}))
    engine = engine if engine is not None else local()
    with _folder(work_dir) as work:
        _check_request(work / "request.json", {"src": path, **options})
        plan = _Plan(_settled(model, work, engine, progress, options))
        parts = work / "parts"
        parts.mkdir(exist_ok=True)
        _run_all(engine, plan.jobs("compress", "items", parts, ".dcf", model), "compress", progress)
        with model.at_hand(plan.sizes(), plan.opens() + plan.others()) as source:
            merged = {"plan": plan.path, "source": source, "force": force}
            seen = None if progress is None else functools.partial(progress, "merge")
            return run("merge", [str(parts)], seen, merged, os.fspath(dst))


def _check_request(path: pathlib.Path, request: Mapping[str, Any]) -> None:
    """A folder of work belongs to one model and its options."""
    text = json.dumps(request, sort_keys=True, default=str)
    if not path.exists():
        path.write_text(text)
    elif path.read_text() != text:
        raise ValueError(f"{path.parent} holds work with other model or options")


def _settled(
    model: Model, work: pathlib.Path, engine: Engine, progress: Any, options: Mapping[str, Any]
) -> pathlib.Path:
    """The settled plan of the model in the folder."""
    plan_path = work / "plan.json"
    if not plan_path.exists():
        _make_plan(model, plan_path, options)
    plan = _Plan(plan_path)
    if plan.json["settled"]:
        return plan_path
    settled = work / "settled.json"
    if not settled.exists():
        stats = work / "stats"
        stats.mkdir(exist_ok=True)
        _run_all(engine, plan.jobs("stats", "stats", stats, ".json", model), "stats", progress)
        with model.at_hand(plan.sizes(), plan.opens()) as source:
            chosen = {"plan": plan_path, "settle": stats, "source": source}
            run("stats", [], None, chosen, str(settled))
    return settled


def _make_plan(model: Model, path: pathlib.Path, options: Mapping[str, Any]) -> None:
    sizes: dict[str, int] = {}
    headers: list[Range] = []
    if is_remote(model.path):
        storage = Storage(model.path, model.storage_options)
        sizes = storage.sizes()
        headers = storage.headers(sizes)
    with model.at_hand(sizes, headers) as source:
        run("plan", [source], None, options, str(path))
