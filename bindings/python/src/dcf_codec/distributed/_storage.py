# SPDX-License-Identifier: Apache-2.0
"""Models that lie in any storage fsspec knows. The dcf program gets a folder of files that are as
long as they are there, with holes: only the ranges that it will read are fetched."""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ._engines import missing

Range = tuple[str, int, int]  # file, offset, bytes

_PIECE = 16 << 20
_MOST_HEADER = 100_000_000  # safetensors' own limit


def is_remote(path: str) -> bool:
    """Whether a path is an address for fsspec."""
    return "://" in path


class Storage:
    """The files of a folder in some storage. Belongs to one thread at a time."""

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        try:
            import fsspec
        except ImportError as error:
            raise missing("fsspec", error) from None
        self._fs, self._root = fsspec.core.url_to_fs(url, **dict(options or {}))
        self._root = self._root.rstrip("/")

    def sizes(self) -> dict[str, int]:
        """Name, relative to the folder -> bytes, of all files in it and below."""
        found: dict[str, int] = {}
        for path in self._fs.find(self._root):
            name = path[len(self._root) :].lstrip("/") if path.startswith(self._root) else path
            found[name] = int(self._fs.info(path)["size"])
        return found

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Exactly these bytes."""
        data = self._fs.cat_file(f"{self._root}/{name}", start=offset, end=offset + size)
        if len(data) != size:
            raise OSError(f"{name}: {size} bytes were asked for, {len(data)} came")
        return bytes(data)

    def headers(self, sizes: Mapping[str, int]) -> list[Range]:
        """What a plan reads of a folder of safetensors: headers, and the index."""
        ranges: list[Range] = []
        for name, size in sizes.items():
            if name.endswith(".safetensors.index.json"):
                ranges.append((name, 0, size))
            elif name.endswith(".safetensors") and size >= 8:
                length = int.from_bytes(self.read(name, 0, 8), "little")
                if length > min(_MOST_HEADER, size - 8):
                    raise ValueError(
                        f"{name}: is no safetensors file: its header would be too long"
                    )
                ranges.append((name, 0, 8 + length))
        return ranges

    @contextlib.contextmanager
    def mirror(
        self, sizes: Mapping[str, int], ranges: Iterable[Range], directory: str | None = None
    ) -> Iterator[str]:
        """A folder with all files of which these ranges are there."""
        with tempfile.TemporaryDirectory(prefix="dcf-", dir=directory) as folder:
            for name, size in sizes.items():
                path = _below(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
                os.truncate(path, size)
            for name, offset, size in ranges:
                with open(_below(folder, name), "r+b") as file:
                    file.seek(offset)
                    for at in range(offset, offset + size, _PIECE):
                        file.write(self.read(name, at, min(_PIECE, offset + size - at)))
            yield folder


def _below(folder: str, name: str) -> pathlib.Path:
    """The place of a file, whose name is a stranger's."""
    parts = pathlib.PurePosixPath(name).parts
    if not parts or any(part in ("/", "..") or "\\" in part for part in parts):
        raise ValueError(f"{name!r} is no name of a file below a folder")
    return pathlib.Path(folder, *parts)
