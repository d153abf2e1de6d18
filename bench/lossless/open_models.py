#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes one safetensors file of tensors alone; bench/fetch.sh calls it.

open_models.py KIND IN OUT, where KIND is
    tensors             the tensors of a safetensors file, without its metadata
    bf16                fp32 tensors rounded to bfloat16, to the nearest, ties to even
    from-fp16           fp32 tensors that hold values of float16
    from-bf16           fp32 tensors that hold values of bfloat16
    from-int8-tensor    fp32 matrices that hold k * s, k in [-127, 127], s = max |w| / 127 of the tensor
    from-int8-channel   the same with s of each row (output channel)
    gguf-blocks         the tensors of a GGUF file, blocks of quantised weights as bytes [rows, bytes of a row]
    stockfish           weights of the feature transformer in the program of Stockfish 15.1, int16 [22528, 1024]
Tensors of other types, and of fewer than two dimensions for int8, stay as they are.
"""

from __future__ import annotations

import pathlib
import struct
import sys
from collections.abc import Callable

import gguf_blocks
import numpy as np
import safetensors_file
from safetensors_file import Tensor

# HalfKAv2_hm of Stockfish 15.1: features, and accumulators of one side.
FEATURES, ACCUMULATORS = 22528, 1024
NETWORK_VERSION = struct.pack("<I", 0x7AF32F20)


def nearest_bf16(values: np.ndarray) -> np.ndarray:
    """Bit patterns (uint16); a NaN stays one."""
    bits = values.view(np.uint32)
    rounded = ((bits + (0x7FFF + ((bits >> 16) & 1))) >> 16).astype(np.uint16)
    return np.where(np.isnan(values), ((bits >> 16) | 0x40).astype(np.uint16), rounded)


def through_int8(values: np.ndarray, axis: tuple[int, ...] | None) -> np.ndarray:
    if values.ndim < 2:
        return values
    scale = np.max(np.abs(values), axis=axis, keepdims=True) / np.float32(127)
    index = np.rint(values / np.where(scale == 0, np.float32(1), scale)).clip(-127, 127)
    return (index * scale).astype(np.float32)


def through_bf16(values: np.ndarray) -> np.ndarray:
    return (nearest_bf16(values).astype(np.uint32) << 16).view(np.float32)


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "bf16": nearest_bf16,
    "from-fp16": lambda values: values.astype(np.float16).astype(np.float32),
    "from-bf16": through_bf16,
    "from-int8-tensor": lambda values: through_int8(values, None),
    "from-int8-channel": lambda values: through_int8(values, tuple(range(1, values.ndim))),
}


def changed(tensor: Tensor, kind: str) -> Tensor:
    if tensor.dtype != "F32":
        return tensor
    values = CHANGES[kind](np.frombuffer(tensor.data, "<f4").reshape(tensor.shape))
    dtype = "BF16" if kind == "bf16" else "F32"
    return tensor._replace(dtype=dtype, data=memoryview(values.tobytes()))


def feature_transformer(program: bytes) -> Tensor:
    """The network is embedded as its file is: version, hash, description, then the feature transformer's
    hash, biases (int16) and weights, least significant byte first."""
    at = program.find(NETWORK_VERSION)
    while at >= 0:
        (length,) = struct.unpack_from("<I", program, at + 8)
        if program[at + 12 : at + 12 + min(length, 1024)].isascii():
            begin = at + 12 + length + 4 + 2 * ACCUMULATORS
            data = memoryview(program)[begin : begin + 2 * FEATURES * ACCUMULATORS]
            if len(data) == 2 * FEATURES * ACCUMULATORS:
                return Tensor("feature_transformer.weight", "I16", [FEATURES, ACCUMULATORS], data)
        at = program.find(NETWORK_VERSION, at + 1)
    raise ValueError("there is no network of Stockfish 15.1")


def main() -> None:
    kind, source, out = sys.argv[1:]
    if kind == "stockfish":
        tensors = [feature_transformer(pathlib.Path(source).read_bytes())]
    elif kind == "gguf-blocks":
        tensors = gguf_blocks.read(source)
    elif kind == "tensors":
        tensors = list(safetensors_file.read(source))
    else:
        tensors = [changed(tensor, kind) for tensor in safetensors_file.read(source)]
    safetensors_file.write(out, tensors)


if __name__ == "__main__":
    main()
