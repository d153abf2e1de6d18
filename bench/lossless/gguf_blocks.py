# SPDX-License-Identifier: Apache-2.0
"""Tensors of a GGUF file as they lie there: blocks of quantised weights are rows of bytes."""

from __future__ import annotations

import pathlib
import struct
from math import prod

from safetensors_file import Tensor

# Types of metadata that have one size; 8 is a string, 9 an array.
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
FLOATS = {0: ("F32", 4), 1: ("F16", 2)}
# Q4_0, Q4_1, Q5_0, Q5_1, Q8_0: bytes of a block of 32 weights.
BLOCK_WEIGHTS, BLOCKS = 32, {2: 18, 3: 20, 6: 22, 7: 24, 8: 34}


class _Cursor:
    def __init__(self, data: memoryview) -> None:
        self.data, self.at = data, 0

    def numbers(self, code: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + code, self.data, self.at)
        self.at += struct.calcsize("<" + code)
        return values

    def text(self) -> str:
        (size,) = self.numbers("Q")
        self.at += size
        return bytes(self.data[self.at - size : self.at]).decode()

    def value(self, kind: int) -> int | None:
        """The number, where it is an unsigned one of 32 bits: the alignment is."""
        if kind == 8:
            self.text()
        elif kind == 9:
            inner, count = self.numbers("IQ")
            for _ in range(count):
                self.value(inner)
        elif kind == 4:
            return self.numbers("I")[0]
        else:
            self.at += SIZES[kind]
        return None


def read(path: str) -> list[Tensor]:
    data = memoryview(pathlib.Path(path).read_bytes())
    cursor = _Cursor(data)
    magic, _, tensors, pairs = cursor.numbers("4sIQQ")
    if magic != b"GGUF":
        raise ValueError(f"{path} is no GGUF file")
    alignment = 32
    for _ in range(pairs):
        key = cursor.text()
        value = cursor.value(*cursor.numbers("I"))
        if key == "general.alignment" and value:
            alignment = value
    entries = []
    for _ in range(tensors):
        name = cursor.text()
        dims = cursor.numbers(f"{cursor.numbers('I')[0]}Q")[::-1]
        entries.append((name, list(dims), *cursor.numbers("IQ")))
    begin = -(-cursor.at // alignment) * alignment
    found = []
    for name, shape, kind, offset in entries:
        if kind in FLOATS:
            dtype, width = FLOATS[kind]
        else:
            dtype, width = "U8", 1
            shape[-1] = shape[-1] // BLOCK_WEIGHTS * BLOCKS[kind]
        at = begin + offset
        found.append(Tensor(name, dtype, shape, data[at : at + prod(shape) * width]))
    return found
