# SPDX-License-Identifier: Apache-2.0
"""What a model without its data is rounded by: `dcf compress --quality`, and what it is compared with.

A coder makes of tensors the bytes of a whole file, whose size counts, and the values that come back. All
but dcf round the tensors of two or more dimensions and LEAST or more elements, and keep the others bit by
bit. Files of the others are safetensors, whose header counts.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import safetensors_file
from safetensors_file import Tensor

LEAST = 512
BLOCK = 32  # weights that share a scale in Q8_0 and Q4_0
TYPES = {
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}
Arrays = dict[str, np.ndarray]
Axis = Callable[[str, tuple[int, ...]], int]  # of the output channels of the tensor NAME of a shape


class Coded(NamedTuple):
    size: int  # bytes of the whole file
    values: Arrays


def arrays(tensors: list[Tensor]) -> Arrays:
    return {t.name: np.frombuffer(t.data, TYPES[t.dtype]).reshape(t.shape) for t in tensors}


def tensor(name: str, values: np.ndarray) -> Tensor:
    kinds = {np.dtype(kind): dtype for dtype, kind in TYPES.items()}
    return Tensor(name, kinds[values.dtype], list(values.shape), memoryview(values.tobytes()))


def is_weight(t: Tensor) -> bool:
    return t.dtype in ("F32", "F16") and len(t.shape) > 1 and int(np.prod(t.shape)) >= LEAST


def package(folder: Path, pattern: str) -> Path:
    """The package of a pattern that bench/fetch.sh left in a folder."""
    found = sorted((folder / "packages").glob(pattern))
    if not found:
        sys.exit(f"{folder}/packages has no {pattern}: bench/fetch.sh leaves it there")
    return found[0]


def elements(tensors: list[Tensor]) -> int:
    """The floating-point elements of a model: what sizes are divided by."""
    return sum(int(np.prod(t.shape)) for t in tensors if t.dtype in ("F32", "F16"))


def safetensors_bytes(tensors: list[Tensor]) -> bytes:
    with tempfile.TemporaryDirectory() as temp:
        path = Path(temp) / "coded.safetensors"
        safetensors_file.write(path, tensors)
        return path.read_bytes()


# ---- Quantisers: codes and what they stand for


def int8_channel(w: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers from -127 to 127, and a scale (f32) for each index of an axis: the greatest magnitude
    becomes 127. The scales have the rank of w."""
    others = tuple(i for i in range(w.ndim) if i != axis)
    scale = np.abs(w.astype(np.float32)).max(axis=others, keepdims=True) / np.float32(127)
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > np.finfo(np.float32).tiny)
    return np.rint(w * inverse).astype(np.int8), scale


def blocks_of(w: np.ndarray) -> np.ndarray:
    """Of BLOCK values, f32; the last one is filled up with zeros."""
    flat = w.astype(np.float32).reshape(-1)
    return np.pad(flat, (0, -flat.size % BLOCK)).reshape(-1, BLOCK)


def _inverse(scale: np.ndarray) -> np.ndarray:
    return np.divide(1, scale, out=np.zeros_like(scale), where=scale != 0)


def q8_0(w: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Q8_0 of ggml: an f16 scale, greatest magnitude / 127, and BLOCK bytes. The bytes, and the values."""
    x = blocks_of(w)
    scale = np.abs(x).max(1, keepdims=True) / np.float32(127)
    codes = np.rint(x * _inverse(scale)).astype(np.int8)
    half = scale.astype("<f2")
    data = np.concatenate([half.view(np.uint8), codes.view(np.uint8)], axis=1)
    values = codes * half.astype(np.float32)
    return data.tobytes(), values.reshape(-1)[: w.size].reshape(w.shape)


def q4_0(w: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Q4_0 of ggml: an f16 scale, the value of greatest magnitude / -8, and BLOCK codes of 4 bits that
    stand for code - 8; element i is the low half of byte i, element i + 16 the high one."""
    x = blocks_of(w)
    scale = np.take_along_axis(x, np.abs(x).argmax(1)[:, None], 1) / np.float32(-8)
    codes = np.minimum(15, (x * _inverse(scale) + np.float32(8.5)).astype(np.int8)).astype(np.uint8)
    half = scale.astype("<f2")
    nibbles = codes[:, : BLOCK // 2] | codes[:, BLOCK // 2 :] << 4
    data = np.concatenate([half.view(np.uint8), nibbles], axis=1)
    values = (codes.astype(np.float32) - 8) * half.astype(np.float32)
    return data.tobytes(), values.reshape(-1)[: w.size].reshape(w.shape)


# ---- Coders of models


def coded_int8(tensors: list[Tensor], axis: Axis) -> Coded:
    """int8 and a scale for each output channel, the whole file through zstd -19."""
    import zstandard

    parts, values = [], arrays(tensors)
    for t in tensors:
        if not is_weight(t):
            parts.append(t)
            continue
        w = values[t.name]
        codes, scale = int8_channel(w, axis(t.name, w.shape))
        values[t.name] = codes * scale
        parts += [tensor(t.name, codes), tensor(t.name + ".scale", scale.reshape(-1))]
    return Coded(len(zstandard.ZstdCompressor(level=19).compress(safetensors_bytes(parts))), values)


def coded_blocks(
    tensors: list[Tensor], axis: Axis, quantise: Callable[[np.ndarray], tuple[bytes, np.ndarray]]
) -> Coded:
    """Blocks, as they lie in a GGUF file: along the inputs of an output channel."""
    parts, values = [], arrays(tensors)
    for t in tensors:
        if is_weight(t):
            channel = axis(t.name, values[t.name].shape)
            data, restored = quantise(np.moveaxis(values[t.name], channel, 0))
            values[t.name] = np.moveaxis(restored, 0, channel)
            t = Tensor(t.name, "U8", [len(data)], memoryview(data))
        parts.append(t)
    return Coded(len(safetensors_bytes(parts)), values)


def coded_nncodec(tensors: list[Tensor], axis: Axis, qp: int) -> Coded:
    """DeepCABAC after NNCodec's trellis quantiser, both as NNCodec sets them unless told otherwise, and one
    quantisation parameter for all weights: a step of (4 + qp mod 4) 2^(floor(qp / 4) - 2). A tensor takes
    its payload, 12 bytes for length, shape and parameter, and its name; the rest goes through zstd -19."""
    import zstandard
    from nncodec.extensions import deepCABAC

    unary, density, no_modes = 10, 2, np.zeros(2, np.int8)
    size, rest, values = 0, [], arrays(tensors)
    for t in tensors:
        if not is_weight(t):
            rest.append(t)
            continue
        channel = axis(t.name, values[t.name].shape)
        weights = np.ascontiguousarray(np.moveaxis(values[t.name], channel, 0), np.float32)
        codes, rows = np.zeros(weights.shape, np.int32), np.zeros(weights.shape[0], np.int32)
        encoder = deepCABAC.Encoder()
        encoder.initCtxModels(unary, 1)
        used = encoder.quantLayer(weights, codes, 1, density, qp, 0.0, unary, 0, 0)
        encoder.encodeLayer(
            codes, 1, 0, 0, 0, 0, rows, deepCABAC.HdspMode.AlwaysOff, no_modes, 0, 0
        )
        restored = np.zeros(weights.shape, np.float32)
        deepCABAC.Decoder().dequantLayer(restored, codes, density, used, 0)
        values[t.name] = np.moveaxis(restored, 0, channel)
        size += len(encoder.finish()) + 12 + len(t.name)
    size += len(zstandard.ZstdCompressor(level=19).compress(safetensors_bytes(rest)))
    return Coded(size, values)


def coded_dcf(dcf: str, tensors: list[Tensor], options: list[str]) -> Coded:
    """`dcf compress OPTIONS` of a safetensors file, and `dcf decompress`."""
    with tempfile.TemporaryDirectory() as temp:
        model, small, restored = (
            Path(temp) / name for name in ("a.safetensors", "a.dcf", "b.safetensors")
        )
        safetensors_file.write(model, tensors)
        command = [dcf, "compress", model, "-q", "--no-exact-file", "-o", small, *options]
        subprocess.run(command, check=True)
        subprocess.run([dcf, "decompress", small, "-q", "-o", restored], check=True)
        return Coded(small.stat().st_size, arrays(list(safetensors_file.read(restored))))
