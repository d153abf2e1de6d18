# SPDX-License-Identifier: Apache-2.0
"""Who does the work: threads of this process, Dask or Ray. Each engine calls a function for jobs
that do not depend on each other, and calls it again where a worker dies."""

from __future__ import annotations

import concurrent.futures
import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

_RETRIES = 3


def missing(package: str, error: ImportError) -> ImportError:
    """What to say where an optional package is not there."""
    return ImportError(f"{package} is needed for this: pip install {package} ({error})")


def _package(name: str, requirement: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise missing(requirement, error) from None


class Engine(Protocol):
    """Calls function(job) for every job, on any worker; yields results as they come, in any order.

    A function that raises ends the iteration with its exception.
    """

    def map(self, function: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Any]: ...


class _Local:
    def __init__(self, workers: int) -> None:
        self._workers = workers

    def map(self, function: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Any]:
        pool = concurrent.futures.ThreadPoolExecutor(self._workers)
        try:
            futures = [pool.submit(function, job) for job in jobs]
            for future in concurrent.futures.as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


class _Dask:
    def __init__(self, client: Any, retries: int) -> None:
        self._client = client
        self._retries = retries

    def map(self, function: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Any]:
        # Jobs write files, so that Dask must not take two of them for one.
        futures = self._client.map(function, jobs, pure=False, retries=self._retries)
        try:
            for future in _package("distributed", "dask[distributed]").as_completed(futures):
                yield future.result()
        finally:
            self._client.cancel(futures)


class _Ray:
    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options

    def map(self, function: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Any]:
        ray_package = _package("ray", "ray")
        remote = ray_package.remote(**self._options)(function)
        waiting = [remote.remote(job) for job in jobs]
        try:
            while waiting:
                done, waiting = ray_package.wait(waiting, num_returns=1)
                yield from ray_package.get(done)
        finally:
            for reference in waiting:
                ray_package.cancel(reference, force=True)


def local(workers: int = 0) -> Engine:
    """This computer: `workers` processes at a time; 0: one for each processor."""
    return _Local(workers or os.cpu_count() or 1)


def dask(client: Any = None, *, retries: int = _RETRIES) -> Engine:
    """The workers of a Dask client, by default the current one. A job whose worker dies, or that
    fails, is done again up to `retries` times."""
    package = _package("distributed", "dask[distributed]")
    return _Dask(client if client is not None else package.get_client(), retries)


def ray(*, num_cpus: float = 1, max_retries: int = _RETRIES, **options: Any) -> Engine:
    """The cluster that Ray is connected to; without one, Ray starts on this computer. num_cpus,
    max_retries and other options of ray.remote are those of a job."""
    ray_package = _package("ray", "ray")
    if not ray_package.is_initialized():
        ray_package.init()
    return _Ray({"num_cpus": num_cpus, "max_retries": max_retries, **options})
