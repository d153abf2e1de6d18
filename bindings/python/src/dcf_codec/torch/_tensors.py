# SPDX-License-Identifier: Apache-2.0
"""torch.Tensor as memory that the library fills and reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from .._dtypes import DType, is_packed
from .._frameworks import packed_bytes
from .._load import Target
from .._sources import Source, csr_source

# Number of the C ABI: name in torch. Older versions of torch lack some of them.
_NAMES: dict[int, str] = {
    1: "float64",
    2: "float32",
    3: "float16",
    4: "bfloat16",
    5: "float8_e4m3fn",
    6: "float8_e5m2",
    7: "int64",
    8: "int32",
    9: "int16",
    10: "int8",
    11: "uint64",
    12: "uint32",
    13: "uint16",
    14: "uint8",
    15: "bool",
    16: "complex64",
    17: "float8_e8m0fnu",
    22: "float8_e4m3fnuz",
    23: "float8_e5m2fnuz",
}
# Signed integers of a width are known to every version of torch and NumPy.
_COMPLEX: np.dtype[Any] = np.dtype("<c8")
_SIGNED: dict[int, np.dtype[Any]] = {
    8: np.dtype("<i1"),
    16: np.dtype("<i2"),
    32: np.dtype("<i4"),
    64: np.dtype("<i8"),
}


def torch_dtype(dtype: DType) -> torch.dtype:
    """torch's type of a tensor. TypeError where this torch has none."""
    known: torch.dtype | None = getattr(torch, _NAMES.get(dtype.number, ""), None)
    if known is None:
        name = _NAMES.get(dtype.number) or dtype.name or f"{dtype.bits}-bit elements"
        raise TypeError(f"torch {torch.__version__} has no dtype for {name}")
    return known


def dcf_dtype(dtype: torch.dtype) -> DType:
    """The type in a file of a torch type. TypeError where there is none."""
    for number, name in _NAMES.items():
        if getattr(torch, name, None) is dtype:
            return DType(number, 8 * torch.empty((), dtype=dtype).element_size())
    raise TypeError(f"a .dcf file has no type for tensors of {dtype}")


class TorchTensors:
    """Tensors on a device, and torch.sparse_csr tensors. Elements of fewer than 8 bits come as a
    one-dimensional uint8 tensor of their packed bytes."""

    def __init__(self, device: Any = "cpu") -> None:
        self._device = torch.device("cuda", device) if isinstance(device, int) else device

    def allocate(self, shape: tuple[int, ...], dtype: DType) -> Target:
        if is_packed(dtype):
            value = torch.empty(packed_bytes(shape, dtype), dtype=torch.uint8)
        else:
            value = torch.empty(shape, dtype=torch_dtype(dtype))
        size = value.numel() * value.element_size()
        return Target(value, value.data_ptr() if size else None, size)

    def finish(self, value: Any) -> Any:
        return value if str(self._device) == "cpu" else value.to(self._device)

    def value_dtype(self, dtype: DType) -> np.dtype:
        return _COMPLEX if dtype.number == 16 else _SIGNED[dtype.bits]

    def csr(
        self, shape: tuple[int, int], dtype: DType, parts: tuple[np.ndarray, np.ndarray, np.ndarray]
    ) -> Any:
        row_ptr, col, values = parts
        # Indices of both arrays have one type; 32 bits are what fast products want.
        if shape[1] <= 2**31 and len(col) < 2**31:
            rows, cols = row_ptr.astype(np.int32), col.view(np.int32)
        else:
            rows, cols = row_ptr.view(np.int64), col.astype(np.int64)
        numbers = torch.from_numpy(values)
        if dtype.number != 16:
            numbers = numbers.view(torch_dtype(dtype))
        matrix = torch.sparse_csr_tensor(
            torch.from_numpy(rows), torch.from_numpy(cols), numbers, size=shape
        )
        return self.finish(matrix)


def tensor_source(value: Any) -> Source:
    """Of a tensor on any device, of any memory layout, dense or sparse (two dimensions)."""
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"a dict of torch tensors holds a {type(value).__name__}")
    value = value.detach().cpu()
    if value.layout == torch.sparse_coo:
        value = value.coalesce().to_sparse_csr()
    if value.layout == torch.sparse_csr:
        return _csr_source(value)
    value = value.resolve_conj().resolve_neg().contiguous()
    size = value.numel() * value.element_size()
    dtype = dcf_dtype(value.dtype)
    return Source(tuple(value.shape), dtype, value.data_ptr() if size else None, size, value)


def _csr_source(matrix: torch.Tensor) -> Source:
    dtype = dcf_dtype(matrix.dtype)
    values = matrix.values()
    if dtype.number != 16:
        values = values.view(getattr(torch, f"int{dtype.bits}"))
    return csr_source(
        tuple(matrix.shape),
        matrix.crow_indices().numpy(),
        matrix.col_indices().numpy(),
        values.numpy(),
        dtype,
    )
