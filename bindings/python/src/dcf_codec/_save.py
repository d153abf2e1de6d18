# SPDX-License-Identifier: Apache-2.0
"""A dict of tensors as a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ._cancel import Cancellation, run_all
from ._encoding import Encoding, check_encoding, encoding_of
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


class _Job:
    """A writer whose calls report to a cancellation, each as a part of the whole."""

    def __init__(self, target: Any, cancel: Cancellation, threads: int, memory: int | None) -> None:
        self._cancel = cancel
        self._progress: Callable[[int, int], bool] = self._nothing
        self.writer = Writer(
            target,
            overwrite=True,
            max_memory=memory,
            threads=threads,
            progress=lambda done, total: self._progress(done, total),
        )

    def _nothing(self, _done: int, _total: int) -> bool:
        return self._cancel.requested

    def add(self, sources: list[tuple[str, Source, Encoding | None]], size: int) -> None:
        """Adds tensors that count for `size`."""
        self._progress = self._cancel.part(size)
        self.writer.add_sources(sources)
        self._progress(1, 1)
        self._progress = self._nothing


def _check(tensors: Any, metadata: Any) -> None:
    """TypeError for what are no dicts, or have keys or texts that are no str."""
    if not isinstance(tensors, Mapping):
        remedy = ""
        if callable(getattr(tensors, "state_dict", None)):
            remedy = ": save_model() saves a model, or give its .state_dict()"
        raise TypeError(
            f"tensors are a dict, name -> tensor, not a {type(tensors).__name__}{remedy}"
        )
    for name in tensors:
        if not isinstance(name, str):
            raise TypeError(f"a tensor's name is a str, not {name!r}")
    if metadata is None:
        return
    if not isinstance(metadata, Mapping):
        raise TypeError(f"metadata is a dict of str, not a {type(metadata).__name__}")
    for key, text in metadata.items():
        if not isinstance(key, str) or not isinstance(text, str):
            raise TypeError(f"metadata is a dict of str, and has {key!r}: {text!r}")


def _source(make_source: MakeSource, name: str, value: Any) -> Source:
    """Of a tensor, whose name failures say."""
    try:
        return make_source(value)
    except TypeError as error:
        raise TypeError(f"tensor {name!r}: {error}") from error
    except ValueError as error:
        raise ValueError(f"tensor {name!r}: {error}") from error


def _write(
    job: _Job,
    tensors: Mapping[str, Any],
    make_source: MakeSource,
    metadata: Mapping[str, str] | None,
    encoding: Encoding | Mapping[str, Encoding] | None,
) -> None:
    group: list[tuple[str, Source, Encoding | None]] = []
    size = 0
    for name, value in tensors.items():
        source = _source(make_source, name, value)
        one = (name, source, encoding_of(encoding, name, source.dtype))
        if source.is_sparse:
            job.add([one], _size_of(value))
            continue
        group.append(one)
        size += _size_of(value)
        if size >= _GROUP_BYTES:
            job.add(group, size)
            group, size = [], 0
    job.add(group, size)
    for key, text in (metadata or {}).items():
        job.writer.add_metadata(key, text)
    job.writer.finish()


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
    _check(tensors, metadata)
    check_encoding(encoding, tensors)
    total = sum(map(_size_of, tensors.values()))
    with open_progress(progress, "saving") as report:
        cancel = Cancellation(total, report)
        job = _Job(target, cancel, threads, max_memory)
        with job.writer:
            task = lambda: _write(job, tensors, make_source, metadata, encoding)  # noqa: E731
            run_all([task], 1, cancel)


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
