# SPDX-License-Identifier: Apache-2.0
"""All tensors of a file at once, decoded straight into memory that a framework allocated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ._cancel import Cancellation, run_all
from ._file import File, TensorInfo
from ._progress import open_progress

# What is decoded so soon is not worth a thread of its own, nor a look at Ctrl-C.
SMALL_BYTES = 1 << 20


class Target(NamedTuple):
    """Where a tensor goes: `size` bytes at `address`, which `value` owns."""

    value: Any
    address: int | None
    size: int


Allocate = Callable[[TensorInfo], Target]


def load_all(
    file: File,
    allocate: Allocate,
    *,
    progress: Any = None,
    indices: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Name -> tensor, in the order of the file, decoded by as many threads as the file has. Ctrl-C and
    an exception of the callback end it."""
    infos = [file.tensor(i) for i in (range(file.count()) if indices is None else indices)]
    chosen = range(len(infos)) if indices is None else indices
    total = sum(info.dense_bytes for info in infos)
    with open_progress(progress, "loading") as report:
        targets = [allocate(info) for info in infos]
        outputs = [(index, to.address, to.size) for index, to in zip(chosen, targets)]
        if total <= SMALL_BYTES and report is None:
            file.decode_all(outputs)
        else:
            cancel = Cancellation(total, report)
            step = cancel.part(total)
            run_all([lambda: file.decode_all(outputs, step)], 1, cancel)
            step(1, 1)  # tensors that take no bytes in the file have not reported
    return {info.name: to.value for info, to in zip(infos, targets)}


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
