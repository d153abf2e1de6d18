# SPDX-License-Identifier: Apache-2.0
"""A dict of tensors as a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ._cancel import Cancellation, run_all
from ._encoding import Encoding, encoding_of
from ._progress import open_progress
from ._sources import Source
from ._writer import Writer

MakeSource = Callable[[Any], Source]

# Tensors that are encoded side by side. What a source copies is kept until its group is done.
_GROUP_BYTES = 64 << 20


def _size_of(value: Any) -> int:
    """What a tensor counts for in progress: its dense bytes, as far as they are known at once."""
    if hasattr(value, "element_size"):
        return int(value.numel() * value.element_size())
    return int(getattr(value, "nbytes", 0))


def _write(
    writer: Writer,
    tensors: Mapping[str, Any],
    make_source: MakeSource,
    metadata: Mapping[str, str] | None,
    encoding: Encoding | Mapping[str, Encoding] | None,
    cancel: Cancellation,
) -> None:
    group: list[tuple[str, Source, Encoding | None]] = []
    sizes = 0

    def add_group() -> None:
        nonlocal sizes
        writer.add_sources(group)
        cancel.add(sizes)
        group.clear()
        sizes = 0

    for name, value in tensors.items():
        source = make_source(value)
        group.append((name, source, encoding_of(encoding, name, source.dtype)))
        sizes += _size_of(value)
        if sizes >= _GROUP_BYTES:
            add_group()
    add_group()
    for key, text in (metadata or {}).items():
        writer.add_metadata(key, text)
    writer.finish()


def _save(
    target: Any,
    tensors: Mapping[str, Any],
    make_source: MakeSource,
    metadata: Mapping[str, str] | None,
    *,
    encoding: Encoding | Mapping[str, Encoding] | None,
    threads: int,
    max_memory: int | None,
    progress: Any,
) -> None:
    total = sum(map(_size_of, tensors.values()))
    with open_progress(progress, "saving") as report:
        cancel = Cancellation(total, report)
        writer = Writer(
            target,
            overwrite=True,
            max_memory=max_memory,
            threads=threads,
            progress=lambda _done, _total: cancel.requested,
        )
        try:
            task = lambda: _write(  # noqa: E731
                writer, tensors, make_source, metadata, encoding, cancel
            )
            run_all([task], 1, cancel)
        finally:
            writer.close()


def save_path(
    filename: str | os.PathLike[str],
    tensors: Mapping[str, Any],
    make_source: MakeSource,
    metadata: Mapping[str, str] | None,
    **options: Any,
) -> None:
    """Writes a file, replacing one of that name. Ctrl-C leaves the old one."""
    _save(filename, tensors, make_source, metadata, **options)


def save_bytes(
    tensors: Mapping[str, Any],
    make_source: MakeSource,
    metadata: Mapping[str, str] | None,
    **options: Any,
) -> bytes:
    """The bytes of the file."""
    out = bytearray()
    _save(out.extend, tensors, make_source, metadata, progress=None, **options)
    return bytes(out)
