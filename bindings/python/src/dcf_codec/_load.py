# SPDX-License-Identifier: Apache-2.0
"""All tensors of a file at once, decoded straight into memory that a framework allocated."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ._cancel import Cancellation, run_all
from ._file import File, TensorInfo
from ._progress import open_progress

# What decodes in less time is not worth a thread of its own, nor a look at Ctrl-C.
SMALL_BYTES = 1 << 20


class Target(NamedTuple):
    """Where a tensor goes: `size` bytes at `address`, which `value` owns."""

    value: Any
    address: int | None
    size: int


Allocate = Callable[[TensorInfo], Target]


def thread_count(threads: int) -> int:
    """Threads of `threads`: 0 is one for each processor that this process may use."""
    if threads > 0:
        return threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _tasks(
    file: File,
    indices: Sequence[int],
    allocate: Allocate,
    cancel: Cancellation,
    out: dict[int, Any],
) -> list[Callable[[], None]]:
    """The largest first, each alone; small ones in groups, so that threads do not wait for each
    other over them."""

    def decode(index: int, watched: bool) -> None:
        info = file.tensor(index)
        target = allocate(info)
        progress = cancel.part(info.dense_bytes) if watched else None
        file.decode_into(index, target.address, target.size, progress=progress)
        out[index] = target.value
        if progress is None:
            cancel.add(info.dense_bytes)
        else:
            progress(1, 1)  # a tensor that takes no bytes in the file has not reported

    def group(members: Sequence[int]) -> Callable[[], None]:
        def work() -> None:
            for index in members:
                if cancel.requested:
                    return
                decode(index, watched=False)

        return work

    tasks: list[Callable[[], None]] = []
    small: list[int] = []
    bytes_of = {i: file.tensor(i).dense_bytes for i in indices}
    for index in sorted(indices, key=lambda i: -bytes_of[i]):
        if bytes_of[index] > SMALL_BYTES:
            tasks.append(lambda index=index: decode(index, watched=True))  # type: ignore[misc]
        else:
            small.append(index)
    members: list[int] = []
    size = 0
    for index in small:
        members.append(index)
        size += bytes_of[index]
        if size > SMALL_BYTES or len(members) == 256:
            tasks.append(group(members))
            members, size = [], 0
    if members:
        tasks.append(group(members))
    return tasks


def load_all(
    file: File,
    allocate: Allocate,
    *,
    threads: int = 0,
    progress: Any = None,
    indices: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Name -> tensor, in the order of the file. Several tensors, and the chunks of large ones, are
    decoded at the same time. Ctrl-C and an exception of the callback end it."""
    chosen = range(file.count()) if indices is None else indices
    total = sum(file.tensor(i).dense_bytes for i in chosen)
    out: dict[int, Any] = {}
    with open_progress(progress, "loading") as report:
        cancel = Cancellation(total, report)
        tasks = _tasks(file, chosen, allocate, cancel, out)
        workers = thread_count(threads)
        if len(tasks) == 1 and total <= SMALL_BYTES:
            tasks[0]()
        elif tasks:
            run_all(tasks, workers, cancel)
    return {file.tensor(i).name: out[i] for i in chosen}


def load_one(file: File, index: int, allocate: Allocate, *, as_dtype: int = 0) -> Any:
    """One tensor, which Ctrl-C ends if it takes a while."""
    info = file.tensor(index)
    target = allocate(info)
    if info.dense_bytes <= SMALL_BYTES:
        file.decode_into(index, target.address, target.size, as_dtype=as_dtype)
        return target.value
    cancel = Cancellation()
    progress = cancel.part(info.dense_bytes)
    task = lambda: file.decode_into(  # noqa: E731
        index, target.address, target.size, as_dtype=as_dtype, progress=progress
    )
    run_all([task], 1, cancel)
    return target.value


def verify(file: File, index: int | None, progress: Any) -> None:
    """dcf_file_verify or dcf_tensor_verify, which Ctrl-C ends."""
    with open_progress(progress, "verifying") as report:
        whole = 0

        def step(done: int, total: int) -> bool:
            nonlocal whole
            whole = total
            if report is not None and not cancel.requested:
                report(done, total)
            return cancel.requested

        cancel = Cancellation()
        run_all([lambda: file.verify(index, step)], 1, cancel)
        if report is not None:
            report(whole, whole)  # what is checked after the last chunk has no step
