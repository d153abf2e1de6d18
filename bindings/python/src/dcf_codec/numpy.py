# SPDX-License-Identifier: Apache-2.0
"""NumPy arrays and .dcf files, with the names of safetensors.numpy.

    from dcf_codec.numpy import load_file, save_file

    save_file({"weight": weight}, "model.dcf")
    weight = load_file("model.dcf")["weight"]

Arrays of bfloat16 and 8-bit floats are those of the package ml_dtypes where it is installed;
without it they are structured scalars that hold the bits (see `dcf_codec._dtypes`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ._encoding import Encoding
from ._frameworks import NumpyArrays, load_source
from ._safe_open import safe_open
from ._save import save_bytes, save_path
from ._sources import array_source

__all__ = ["load", "load_file", "safe_open", "save", "save_file"]


def load_file(
    filename: str | os.PathLike[str] | Any,
    *,
    threads: int = 0,
    max_memory: int | None = None,
    progress: Any = None,
) -> dict[str, Any]:
    """All tensors of a file as arrays, name -> array, decoded in parallel into their own memory.

    threads: 0 is one per processor. max_memory: bytes of the library besides the arrays (default
    1 GiB). progress: True, or a function of (bytes done, bytes of all arrays).
    """
    return load_source(
        NumpyArrays(), filename, threads=threads, max_memory=max_memory, progress=progress
    )


def load(data: Any, *, threads: int = 0, max_memory: int | None = None) -> dict[str, Any]:
    """All tensors of a file that is in memory: bytes, a memoryview, mmap, or array of bytes."""
    return load_source(NumpyArrays(), data, threads=threads, max_memory=max_memory, progress=None)


def save_file(
    tensor_dict: Mapping[str, Any],
    filename: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
    *,
    encoding: Encoding | Mapping[str, Encoding] | None = None,
    threads: int = 0,
    max_memory: int | None = None,
    progress: Any = None,
) -> None:
    """Writes arrays to a file, which appears whole or not at all, and replaces one of that name.

    tensor_dict: name -> array, or scipy.sparse matrix of two dimensions (its explicit zeros are
        dropped). Arrays in any byte order and memory layout.
    encoding: None is lossless, every bit. An Encoding is for all tensors; where it loses something,
        for those of floats, without NaN and infinity, of rank 2 or more and 512 elements or more:
        the others stay lossless. A mapping gives those that it names their own; ValueError where it
        names another.
    """
    save_path(
        filename,
        tensor_dict,
        array_source,
        metadata,
        encoding=encoding,
        threads=threads,
        max_memory=max_memory,
        progress=progress,
    )


def save(
    tensor_dict: Mapping[str, Any],
    metadata: Mapping[str, str] | None = None,
    *,
    encoding: Encoding | Mapping[str, Encoding] | None = None,
    threads: int = 0,
    max_memory: int | None = None,
) -> bytes:
    """The bytes that save_file() would write."""
    return save_bytes(
        tensor_dict,
        array_source,
        metadata,
        encoding=encoding,
        threads=threads,
        max_memory=max_memory,
    )
