# SPDX-License-Identifier: Apache-2.0
"""The files that a model came from, as a .dcf file keeps them: spec/dcf-format.md, section 10.1."""

from __future__ import annotations

import bisect
from typing import NamedTuple

from ._file import File
from .errors import ModelError

LAYOUT_KIND = 5
REST_KIND = 6

# Of the unpacked layout and rest: graphs, headers, tokenizers.
MAX_BYTES = 1 << 30


class Segment(NamedTuple):
    """Bytes of an original file: of a tensor, or of the rest."""

    start: int  # in the file
    size: int
    tensor: int | None
    offset: int  # in the tensor or the rest


class OriginalFile:
    """One file: where each of its bytes is."""

    def __init__(self, name: str, segments: list[Segment]) -> None:
        self.name = name
        self.segments = segments
        self.size = segments[-1].start + segments[-1].size if segments else 0
        self._starts = [segment.start for segment in segments]

    def at(self, position: int) -> Segment:
        """The segment of a byte, which the file must have."""
        return self.segments[bisect.bisect_right(self._starts, position) - 1]

    def whole_tensor(self, start: int, size: int) -> int | None:
        """The tensor that these bytes are, all of it."""
        if size == 0 or start >= self.size:
            return None
        segment = self.at(start)
        matches = segment.start == start and segment.size == size and segment.offset == 0
        return segment.tensor if matches else None


class Layout(NamedTuple):
    """What kinds 5 and 6 hold. The main file comes first."""

    format: str
    files: list[OriginalFile]
    rest: bytes


def _unpack(data: bytes) -> bytes:
    """One zstd frame that tells its size."""
    try:
        import zstandard
    except ImportError:
        raise ImportError(
            "the original files in a .dcf file need zstandard: pip install zstandard"
        ) from None
    try:
        size = zstandard.frame_content_size(data)
        if size < 0 or size > MAX_BYTES:
            raise ModelError(f"a section of the original files has {size} bytes")
        return bytes(zstandard.ZstdDecompressor(max_window_size=1 << 23).decompress(data))
    except zstandard.ZstdError as error:
        raise ModelError(f"a section of the original files is no zstd frame: {error}") from None


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def is_at_end(self) -> bool:
        return self._at == len(self._data)

    def take(self, size: int) -> bytes:
        if size > len(self._data) - self._at:
            raise ModelError("the layout of the original files ends too early")
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ModelError("the layout of the original files holds a number of too many bytes")

    def text(self) -> str:
        return self.take(self.number()).decode("utf-8", "surrogateescape")


def _read_file(cursor: _Cursor, rest: int, tensors: dict[int, int]) -> tuple[OriginalFile, int]:
    name = cursor.text()
    size = cursor.number()
    cursor.take(32)  # SHA-256
    segments = []
    at = 0
    while at < size:
        value = cursor.number()
        kind, n = value & 3, value >> 2
        if kind == 0:
            segment = Segment(at, n, None, rest)
            rest += n
        elif kind == 1:
            segment = Segment(at, cursor.number(), n, tensors.get(n, 0))
            tensors[n] = segment.offset + segment.size
        else:
            raise ModelError("the original files interleave tensors, as no file of ONNX does")
        if segment.size == 0 or segment.size > size - at:
            raise ModelError("the layout of the original files has a segment past its file")
        segments.append(segment)
        at += segment.size
    return OriginalFile(name, segments), rest


def read_layout(file: File) -> Layout | None:
    """The original files of an open .dcf file; None where it keeps none. ModelError where the layout
    does not fit the file. What a file of ONNX cannot have is refused, too."""
    sections = file.sections()
    if LAYOUT_KIND not in sections:
        return None
    cursor = _Cursor(_unpack(sections[LAYOUT_KIND]))
    if cursor.take(1) != b"\0":
        raise ModelError("the layout of the original files has an unknown version")
    name = cursor.text()
    for _ in range(cursor.number()):
        cursor.number()
        cursor.text()
    files = []
    rest = 0
    tensors: dict[int, int] = {}
    while not cursor.is_at_end():
        one, rest = _read_file(cursor, rest, tensors)
        files.append(one)
    content = _unpack(sections[REST_KIND]) if REST_KIND in sections else b""
    count = file.count()
    complete = all(n < count and size == file.tensor(n).dense_bytes for n, size in tensors.items())
    if rest != len(content) or not files or not complete:
        raise ModelError("the layout of the original files does not fit what the file holds")
    return Layout(name, files, content)
