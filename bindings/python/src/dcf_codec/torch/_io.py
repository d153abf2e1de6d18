# SPDX-License-Identifier: Apache-2.0
"""Tensors of PyTorch and .dcf files, with the names of safetensors.torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch

from .._encoding import Encoding
from .._frameworks import load_source
from .._save import save_bytes, save_path
from ._tensors import TorchTensors, tensor_source

__all__ = ["load", "load_file", "save", "save_file"]


def load_file(
    filename: str | os.PathLike[str] | Any,
    device: Any = "cpu",
    *,
    threads: int = 0,
    max_memory: int | None = None,
    progress: Any = None,
) -> dict[str, torch.Tensor]:
    """All tensors of a file, name -> tensor on `device`, decoded in parallel into their own memory.

    threads: 0 is one per processor. max_memory: bytes of the library besides the tensors (default
    1 GiB). progress: True, or a function of (bytes done, bytes of all tensors).
    """
    return load_source(
        TorchTensors(device), filename, threads=threads, max_memory=max_memory, progress=progress
    )


def load(
    data: Any, *, device: Any = "cpu", threads: int = 0, max_memory: int | None = None
) -> dict[str, torch.Tensor]:
    """All tensors of a file that is in memory: bytes, a memoryview, mmap, or array of bytes."""
    return load_source(
        TorchTensors(device), data, threads=threads, max_memory=max_memory, progress=None
    )


def save_file(
    tensors: Mapping[str, torch.Tensor],
    filename: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
    *,
    encoding: Encoding | Mapping[str, Encoding] | None = None,
    threads: int = 0,
    max_memory: int | None = None,
    progress: Any = None,
) -> None:
    """Writes tensors to a file, which appears whole or not at all, and replaces one of that name.

    tensors: name -> tensor of any device and memory layout, dense or sparse. Tensors with the same
        bytes (tied weights) are stored once.
    encoding: None is lossless, every bit. An Encoding is for all tensors; where it loses something,
        for those of floats, without NaN and infinity, of rank 2 or more and 512 elements or more:
        the others stay lossless. A mapping gives those that it names their own; ValueError where it
        names another.
    """
    save_path(
        filename,
        tensors,
        tensor_source,
        metadata,
        encoding=encoding,
        threads=threads,
        max_memory=max_memory,
        progress=progress,
    )


def save(
    tensors: Mapping[str, torch.Tensor],
    metadata: Mapping[str, str] | None = None,
    *,
    encoding: Encoding | Mapping[str, Encoding] | None = None,
    threads: int = 0,
    max_memory: int | None = None,
) -> bytes:
    """The bytes that save_file() would write."""
    return save_bytes(
        tensors,
        tensor_source,
        metadata,
        encoding=encoding,
        threads=threads,
        max_memory=max_memory,
    )
