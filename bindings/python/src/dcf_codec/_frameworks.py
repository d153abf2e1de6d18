# SPDX-License-Identifier: Apache-2.0
"""What a framework's tensors are made of: each framework allocates them, the library fills them."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from ._dtypes import F32, DType, is_packed, numpy_dtype
from ._file import File, TensorInfo
from ._load import Target, load_all
from ._memory import address_of

FLOAT32 = DType(F32, 32)


class Framework(Protocol):
    """Makes tensors of one framework."""

    def allocate(self, shape: tuple[int, ...], dtype: DType) -> Target:
        """Memory for a dense tensor of this shape."""

    def finish(self, value: Any) -> Any:
        """What the caller gets for an allocated value that is filled."""

    def csr(
        self, shape: tuple[int, int], dtype: DType, parts: tuple[np.ndarray, np.ndarray, np.ndarray]
    ) -> Any:
        """A sparse matrix of row_ptr (uint64), columns (uint32) and values."""

    def value_dtype(self, dtype: DType) -> np.dtype:
        """NumPy's type of the values given to csr()."""


def packed_bytes(shape: tuple[int, ...], dtype: DType) -> int:
    """Bytes of a dense tensor."""
    return (math.prod(shape) * dtype.bits + 7) // 8


class NumpyArrays:
    """numpy.ndarray and scipy.sparse.csr_array."""

    def allocate(self, shape: tuple[int, ...], dtype: DType) -> Target:
        if is_packed(dtype):
            shape = (packed_bytes(shape, dtype),)
        array = np.empty(shape, numpy_dtype(dtype))
        return Target(array, address_of(array), array.nbytes)

    def finish(self, value: Any) -> Any:
        return value

    def value_dtype(self, dtype: DType) -> np.dtype:
        return numpy_dtype(dtype)

    def csr(
        self, shape: tuple[int, int], dtype: DType, parts: tuple[np.ndarray, np.ndarray, np.ndarray]
    ) -> Any:
        try:
            from scipy.sparse import csr_array
        except ImportError:
            raise ImportError("layout='csr' needs SciPy: pip install scipy") from None
        row_ptr, col, values = parts
        # Both are far below the sign bit: a view is enough, and SciPy chooses the width itself.
        indices = col.view(np.int32) if shape[1] <= 2**31 else col.astype(np.int64)
        return csr_array((values, indices, row_ptr.view(np.int64)), shape=shape, copy=False)


def allocate_for(framework: Framework, info: TensorInfo, as_f32: bool = False) -> Target:
    """Memory for all of a tensor."""
    return framework.allocate(info.shape, FLOAT32 if as_f32 else info.dtype)


def load_source(
    framework: Framework, source: Any, *, threads: int, max_memory: int | None, progress: Any
) -> dict[str, Any]:
    """All tensors of a path, bytes or another source of File, name -> tensor of the framework."""
    file = File(source, max_memory=max_memory, threads=threads)
    try:
        found = load_all(file, lambda info: allocate_for(framework, info), progress=progress)
    finally:
        file.close()
    return {name: framework.finish(value) for name, value in found.items()}


def framework_of(name: str, device: Any) -> Framework:
    """ "np" or "numpy"; "pt", "torch" or "pytorch" for tensors on a device."""
    if name in ("np", "numpy"):
        if str(device) != "cpu":
            raise ValueError(f"arrays of NumPy live on the device 'cpu', not {device!r}")
        return NumpyArrays()
    if name in ("pt", "torch", "pytorch"):
        from .torch._tensors import TorchTensors

        return TorchTensors(device)
    raise ValueError(f"the framework is 'np' or 'pt', not {name!r}")
