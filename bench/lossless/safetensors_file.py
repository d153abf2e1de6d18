# SPDX-License-Identifier: Apache-2.0
"""safetensors files as raw bytes: bfloat16 has no type in NumPy, and the order of tensors is kept."""

from __future__ import annotations

import json
import pathlib
import struct
from collections.abc import Iterator
from typing import NamedTuple


class Tensor(NamedTuple):
    name: str
    dtype: str  # as safetensors names it: F32, BF16, ...
    shape: list[int]
    data: memoryview


def read(path: str | pathlib.Path) -> Iterator[Tensor]:
    """The tensors in the order of their data. Raises ValueError where the header makes no sense."""
    file = memoryview(pathlib.Path(path).read_bytes())
    (length,) = struct.unpack_from("<Q", file)
    header = json.loads(bytes(file[8 : 8 + length]))
    header.pop("__metadata__", None)
    body = file[8 + length :]
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        if not 0 <= begin <= end <= len(body):
            raise ValueError(f"{path}: {name} lies outside the file")
        yield Tensor(name, entry["dtype"], entry["shape"], body[begin:end])


def write(path: str | pathlib.Path, tensors: list[Tensor]) -> None:
    """Tensors without metadata, in the order given."""
    header, at = {}, 0
    for tensor in tensors:
        end = at + len(tensor.data)
        header[tensor.name] = {
            "dtype": tensor.dtype,
            "shape": tensor.shape,
            "data_offsets": [at, end],
        }
        at = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors:
            file.write(tensor.data)
