# SPDX-License-Identifier: Apache-2.0
"""The graph of an ONNX model whose large initializers are left out, as external data.

The model's own file is never put together: its messages (onnx.proto of ONNX, in the wire format of
Protocol Buffers) are read where they are, and those around a tensor get new lengths.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import NamedTuple

from ._dtypes import is_packed
from ._file import TensorInfo
from ._layout import Layout, OriginalFile
from .errors import ModelError

# Small tensors stay in the graph: shapes and axes, which a runtime looks at before it runs.
EXTERNAL_BYTES = 4096

_MODEL_GRAPH = 7
_GRAPH_INITIALIZER = 5
_DIMS, _TYPE, _NAME, _RAW, _EXTERNAL, _LOCATION = 1, 2, 8, 9, 13, 14
_LOCATION_EXTERNAL = 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Initializer(NamedTuple):
    """A tensor that is left out of the graph."""

    name: str
    tensor: int  # index in the .dcf file
    type: int  # TensorProto.DataType
    dims: tuple[int, ...]


class Graph(NamedTuple):
    """A ModelProto without its large tensors, and which these are."""

    model: bytes
    initializers: list[Initializer]


class _Field(NamedTuple):
    number: int
    wire: int
    start: int  # of the tag
    value: int  # of a varint
    payload: int  # start of the bytes
    end: int


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _message(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


class _Builder:
    def __init__(
        self,
        layout: Layout,
        info: Callable[[int], TensorInfo],
        decode: Callable[[int], bytes],
    ) -> None:
        self._layout = layout
        self._main: OriginalFile = layout.files[0]
        self._info = info
        self._decode = decode
        self._others = {posixpath.normpath(one.name): one for one in layout.files[1:]}
        self.initializers: list[Initializer] = []

    # ---- Bytes of the model's own file

    def _rest(self, start: int, end: int) -> bytes:
        """Bytes that are no tensor's."""
        segment = self._main.at(start)
        if segment.tensor is not None or end > segment.start + segment.size:
            raise ModelError("the ONNX model has a tensor where its graph should be")
        at = segment.offset + start - segment.start
        return self._layout.rest[at : at + end - start]

    def _copy(self, start: int, end: int) -> bytes:
        """Any bytes, those of tensors decoded."""
        parts = []
        while start < end:
            segment = self._main.at(start)
            stop = min(end, segment.start + segment.size)
            if segment.tensor is None:
                parts.append(self._rest(start, stop))
            else:
                at = segment.offset + start - segment.start
                parts.append(self._decode(segment.tensor)[at : at + stop - start])
            start = stop
        return b"".join(parts)

    def _number(self, at: int, end: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            if at >= end:
                break
            byte = self._rest(at, at + 1)[0]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, at
        raise ModelError("the ONNX model ends inside a number")

    def _fields(self, at: int, end: int) -> list[_Field]:
        fields = []
        while at < end:
            start = at
            tag, at = self._number(at, end)
            wire, value, payload = tag & 7, 0, at
            if wire == _VARINT:
                value, at = self._number(at, end)
            elif wire == _BYTES:
                size, payload = self._number(at, end)
                at = payload + size
            elif wire in (_FIXED32, _FIXED64):
                at += 4 if wire == _FIXED32 else 8
            else:
                raise ModelError("the ONNX model has a field of an unknown wire type")
            if at > end:
                raise ModelError("the ONNX model has a field that does not end in its message")
            fields.append(_Field(tag >> 3, wire, start, value, payload, at))
        return fields

    # ---- Messages

    def model(self) -> bytes:
        parts = []
        for field in self._fields(0, self._main.size):
            if field.number == _MODEL_GRAPH and field.wire == _BYTES:
                parts.append(_message(_MODEL_GRAPH, self._graph(field.payload, field.end)))
            else:
                parts.append(self._copy(field.start, field.end))
        return b"".join(parts)

    def _graph(self, start: int, end: int) -> bytes:
        parts = []
        for field in self._fields(start, end):
            if field.number == _GRAPH_INITIALIZER and field.wire == _BYTES:
                content = self._tensor(field.payload, field.end)
                parts.append(_message(_GRAPH_INITIALIZER, content))
            else:
                parts.append(self._copy(field.start, field.end))
        return b"".join(parts)

    def _tensor(self, start: int, end: int) -> bytes:
        """A TensorProto; one whose values are a large tensor of the .dcf file without them."""
        fields = self._fields(start, end)
        values, tensor = self._own_values(fields)
        external = tensor is None and self._is_external(fields)
        if external:
            tensor = self._external_values(fields)
        if tensor is None:
            return self._copy(start, end)
        dropped = (_EXTERNAL, _LOCATION)
        kept = [f for f in fields if f is not values and f.number not in dropped]
        parts = [self._copy(f.start, f.end) for f in kept]
        one = self._describe(fields, tensor)
        if self._can_leave_out(one):
            self.initializers.append(one)
            entry = _message(1, b"location") + _message(2, b"dcf")
            parts.append(_message(_EXTERNAL, entry))
            parts.append(_varint(_LOCATION << 3 | _VARINT) + _varint(_LOCATION_EXTERNAL))
        elif external:
            parts.append(_message(_RAW, self._decode(tensor)))
        else:
            return self._copy(start, end)
        return b"".join(parts)

    def _own_values(self, fields: list[_Field]) -> tuple[_Field | None, int | None]:
        """The field whose bytes are a large tensor."""
        for field in fields:
            size = field.end - field.payload
            if field.wire == _BYTES and size >= EXTERNAL_BYTES:
                tensor = self._main.whole_tensor(field.payload, size)
                if tensor is not None:
                    return field, tensor
        return None, None

    def _is_external(self, fields: list[_Field]) -> bool:
        return any(
            f.number == _LOCATION and f.wire == _VARINT and f.value == _LOCATION_EXTERNAL
            for f in fields
        )

    def _external_values(self, fields: list[_Field]) -> int:
        """The tensor in another file of the model."""
        entries: dict[bytes, str] = {}
        for field in fields:
            if field.number == _EXTERNAL and field.wire == _BYTES:
                pair = {f.number: f for f in self._fields(field.payload, field.end)}
                if 1 in pair and 2 in pair:
                    key = self._copy(pair[1].payload, pair[1].end)
                    value = self._copy(pair[2].payload, pair[2].end)
                    entries[key] = value.decode("utf-8", "replace")
        location = entries.get(b"location", "")
        offset = entries.get(b"offset", "") or "0"
        other = self._others.get(posixpath.normpath(location))
        at = int(offset) if offset.isascii() and offset.isdigit() and len(offset) < 20 else -1
        if other is not None and 0 <= at < other.size:
            segment = other.at(at)
            if segment.start == at and segment.tensor is not None and segment.offset == 0:
                return segment.tensor
        raise ModelError(f"the ONNX model has values in {location!r} that are no tensor there")

    def _can_leave_out(self, one: Initializer) -> bool:
        """Whether a runtime can take the tensor as an array: large, of its own shape, whole bytes."""
        info = self._info(one.tensor)
        fits = info.shape == one.dims and not is_packed(info.dtype)
        return fits and info.dense_bytes >= EXTERNAL_BYTES

    def _describe(self, fields: list[_Field], tensor: int) -> Initializer:
        name, kind = "", 0
        dims: list[int] = []
        for field in fields:
            if field.number == _NAME and field.wire == _BYTES:
                name = self._copy(field.payload, field.end).decode("utf-8", "replace")
            elif field.number == _TYPE and field.wire == _VARINT:
                kind = field.value
            elif field.number == _DIMS and field.wire == _VARINT:
                dims.append(field.value)
            elif field.number == _DIMS and field.wire == _BYTES:
                at = field.payload
                while at < field.end:
                    dim, at = self._number(at, field.end)
                    dims.append(dim)
        return Initializer(name, tensor, kind, tuple(dims))


def read_graph(
    layout: Layout, info: Callable[[int], TensorInfo], decode: Callable[[int], bytes]
) -> Graph:
    """The graph of a model. info(index) describes a tensor, decode(index) gives the dense bytes of
    one that stays in the graph."""
    builder = _Builder(layout, info, decode)
    return Graph(builder.model(), builder.initializers)
