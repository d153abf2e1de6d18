# SPDX-License-Identifier: Apache-2.0
"""Lossless coders of bytes. A coder gets bytes and what they are, and gives back bytes that it can decode
with nothing but that description. All of them run on one thread."""

from __future__ import annotations

import importlib.util
import lzma
import pathlib
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from torch_stand_in import stand_in_for_torch

WIDTHS = {
    "F64": 8,
    "I64": 8,
    "U64": 8,
    "F32": 4,
    "I32": 4,
    "U32": 4,
    "F16": 2,
    "BF16": 2,
    "I16": 2,
    "U16": 2,
}


class Run(NamedTuple):
    """What is coded at once: a tensor, or all tensors of a type one after another (shape: one number)."""

    dtype: str  # as safetensors names it
    shape: list[int]
    data: bytes


def width(run: Run) -> int:
    return WIDTHS.get(run.dtype, 1)


class Coder:
    def lossless(self, run: Run) -> bool:
        """Whether there is a lossless mode for values of this type."""
        return True

    def choose(self, run: Run) -> None:
        """What a user would find out about the data beforehand. Not timed."""

    def encode(self, run: Run) -> bytes:
        raise NotImplementedError

    def decode(self, blob: bytes, run: Run) -> Any:
        """Whatever bytes() makes the bytes of."""
        raise NotImplementedError


class Zstd(Coder):
    def __init__(self, level: int) -> None:
        import zstandard

        self.compressor, self.decompressor = (
            zstandard.ZstdCompressor(level=level),
            zstandard.ZstdDecompressor(),
        )

    def encode(self, run: Run) -> bytes:
        return self.compressor.compress(run.data)

    def decode(self, blob: bytes, run: Run) -> bytes:
        return self.decompressor.decompress(blob, max_output_size=len(run.data))


class Shuffled(Coder):
    """Byte k of every element, for k = 0, 1, ...; then another coder."""

    def __init__(self, inner: Coder) -> None:
        self.inner = inner

    def encode(self, run: Run) -> bytes:
        planes = np.frombuffer(run.data, np.uint8).reshape(-1, width(run)).T.tobytes()
        return self.inner.encode(run._replace(data=planes))

    def decode(self, blob: bytes, run: Run) -> bytes:
        planes = np.frombuffer(self.inner.decode(blob, run), np.uint8)
        return planes.reshape(width(run), -1).T.tobytes()


class Xz(Coder):
    def encode(self, run: Run) -> bytes:
        return lzma.compress(run.data, check=lzma.CHECK_NONE, preset=9)

    def decode(self, blob: bytes, run: Run) -> bytes:
        return lzma.decompress(blob)


class Brotli(Coder):
    def encode(self, run: Run) -> bytes:
        import brotli

        return brotli.compress(run.data, quality=9, lgwin=24)

    def decode(self, blob: bytes, run: Run) -> bytes:
        import brotli

        return brotli.decompress(blob)


class ZipNN(Coder):
    # Its types of bytes are floats; of those float16 is the one that does best for integers.
    NAMES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}

    def _codec(self, run: Run) -> Any:
        if importlib.util.find_spec("torch") is None:
            stand_in_for_torch()
        import zipnn

        return zipnn.ZipNN(
            input_format="byte", bytearray_dtype=self.NAMES.get(run.dtype, "float16"), threads=1
        )

    def encode(self, run: Run) -> bytes:
        return bytes(self._codec(run).compress(bytearray(run.data)))

    def decode(self, blob: bytes, run: Run) -> Any:
        return self._codec(run).decompress(blob)


class Z4ai(Coder):
    NAMES = {"F64": "fp64", "F32": "fp32", "F16": "fp16", "BF16": "bf16", "I16": "int16", "U16": "uint16",
             "I32": "int32", "U32": "uint32", "I64": "int64", "U64": "uint64"}  # fmt: skip

    def __init__(self, effort: str | None) -> None:
        self.effort = effort

    def encode(self, run: Run) -> bytes:
        import z4ai

        return z4ai.compress(
            run.data, dtype=self.NAMES.get(run.dtype), threads=1, effort=self.effort
        )

    def decode(self, blob: bytes, run: Run) -> bytes:
        import z4ai

        return bytes(z4ai.decompress(blob))


class Blosc2(Coder):
    def encode(self, run: Run) -> bytes:
        import blosc2

        return blosc2.compress2(run.data, typesize=width(run), codec=blosc2.Codec.ZSTD, clevel=5,
                                filters=[blosc2.Filter.SHUFFLE], filters_meta=[0], nthreads=1)  # fmt: skip

    def decode(self, blob: bytes, run: Run) -> bytes:
        import blosc2

        return blosc2.decompress2(blob, nthreads=1)


class OpenZL(Coder):
    """The smallest of some graphs for each run."""

    def __init__(self) -> None:
        self.chosen: dict[int, str] = {}  # by the identity of a run's data

    @staticmethod
    def _graphs(run: Run) -> dict[str, Callable[[Any], Any]]:
        import openzl.ext as zl

        nodes, graphs = zl.nodes, zl.graphs
        store, entropy, fse = graphs.Store(), graphs.Entropy(), graphs.Fse()
        found: dict[str, Callable[[Any], Any]] = {
            "compress": lambda c: graphs.Compress()(c),
            "tokens": lambda c: nodes.TokenizeNumeric()(c, alphabet=store, indices=entropy),
            "planes": lambda c: nodes.ConvertNumToStructLE()(c, nodes.TransposeSplit()(c, entropy)),
        }
        split = {"F32": nodes.Float32Deconstruct, "F16": nodes.Float16Deconstruct,
                 "BF16": nodes.BFloat16Deconstruct}.get(run.dtype)  # fmt: skip
        if split:
            found["fields"] = lambda c: split()(c, sign_frac=store, exponent=entropy)
            found["planes of fields"] = lambda c: split()(
                c, sign_frac=nodes.TransposeSplit()(c, entropy), exponent=fse
            )
        return found

    def _with(self, graph: Callable[[Any], Any], run: Run) -> bytes:
        import openzl.ext as zl

        compressor, context = zl.Compressor(), zl.CCtx()
        compressor.set_parameter(zl.CParam.FormatVersion, zl.MAX_FORMAT_VERSION)
        compressor.select_starting_graph(graph(compressor))
        context.ref_compressor(compressor)
        return context.compress(
            [zl.Input(zl.Type.Numeric, np.frombuffer(run.data, f"u{width(run)}"))]
        )

    def choose(self, run: Run) -> None:
        sizes = {}
        for name, graph in self._graphs(run).items():
            try:
                sizes[name] = len(self._with(graph, run))
            except RuntimeError:  # values that this graph is not for
                continue
        self.chosen[id(run.data)] = min(sizes, key=lambda name: sizes[name])

    def encode(self, run: Run) -> bytes:
        return self._with(self._graphs(run)[self.chosen[id(run.data)]], run)

    def decode(self, blob: bytes, run: Run) -> Any:
        import openzl.ext as zl

        return zl.DCtx().decompress(blob)[0].content.as_nparray()


class NNCodec(Coder):
    """DeepCABAC of integers, less the most frequent one (4 bytes). Floats it would quantise."""

    TYPES = {"I8": np.int8, "U8": np.uint8, "I16": np.int16, "U16": np.uint16}
    UNARY, OFF = 10, np.zeros(2, np.int8)

    def lossless(self, run: Run) -> bool:
        return run.dtype in self.TYPES

    def encode(self, run: Run) -> bytes:
        from nncodec.extensions import deepCABAC

        values = np.frombuffer(run.data, self.TYPES[run.dtype]).astype(np.int32)
        least = int(values.min())
        offset = least + int(np.bincount(values - least).argmax())
        values = (values - offset).reshape(run.shape if run.shape else [1])
        coder = deepCABAC.Encoder()
        coder.initCtxModels(self.UNARY, 1)
        rows = np.zeros(values.shape[0], np.int32)
        coder.encodeLayer(values, 0, 0, 0, 0, 0, rows, deepCABAC.HdspMode.AlwaysOff, self.OFF, 0, 0)
        return offset.to_bytes(4, "little", signed=True) + bytes(coder.finish())

    def decode(self, blob: bytes, run: Run) -> bytes:
        from nncodec.extensions import deepCABAC

        values = np.zeros(run.shape if run.shape else [1], np.int32)
        decoder = deepCABAC.Decoder()
        decoder.setStream(np.frombuffer(blob[4:], np.uint8))
        decoder.initCtxModels(self.UNARY)
        decoder.decodeLayer(values, 0, 0, 0, 0, deepCABAC.HdspMode.AlwaysOff, self.OFF, 0, 0)
        decoder.finish()
        return (
            (values + int.from_bytes(blob[:4], "little", signed=True))
            .astype(self.TYPES[run.dtype])
            .tobytes()
        )


class Peer(NamedTuple):
    make: Callable[[], Coder]
    package: str  # the module that it needs
    slow: bool = (
        False  # codes the tensors of a type as one stream only, and not at all with --quick
    )


PEERS = {
    "zstd -3": Peer(lambda: Zstd(3), "zstandard"),
    "zstd -19": Peer(lambda: Zstd(19), "zstandard", slow=True),
    "shuffle + zstd -3": Peer(lambda: Shuffled(Zstd(3)), "zstandard"),
    "shuffle + zstd -19": Peer(lambda: Shuffled(Zstd(19)), "zstandard", slow=True),
    "brotli -9": Peer(Brotli, "brotli", slow=True),
    "xz -9": Peer(Xz, "lzma", slow=True),
    "OpenZL": Peer(OpenZL, "openzl"),
    "ZipNN": Peer(ZipNN, "zipnn"),
    "z4ai": Peer(lambda: Z4ai(None), "z4ai"),
    "z4ai max": Peer(lambda: Z4ai("max"), "z4ai", slow=True),
    "blosc2": Peer(Blosc2, "blosc2"),
    "NNCodec": Peer(NNCodec, "nncodec", slow=True),
}
