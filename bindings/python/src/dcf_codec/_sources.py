# SPDX-License-Identifier: Apache-2.0
"""Tensors to be written, as memory that the library may borrow."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ._dtypes import DType, dcf_dtype
from ._memory import address_of


class Source(NamedTuple):
    """A tensor: its bytes at an address, or its nonzeros as CSR. `owner` keeps both in place."""

    shape: tuple[int, ...]
    dtype: DType
    address: int | None
    size: int
    owner: Any
    row_ptr: np.ndarray | None = None  # uint64
    col: np.ndarray | None = None  # uint32

    @property
    def is_sparse(self) -> bool:
        return self.row_ptr is not None


def dense_source(array: np.ndarray) -> Source:
    """Of an array of any byte order and memory layout."""
    dtype = dcf_dtype(array.dtype)
    if array.dtype.str[0] == ">":
        array = array.astype("<" + array.dtype.str[1:])
    if not array.flags.c_contiguous:
        array = array.copy(order="C")
    return Source(array.shape, dtype, address_of(array), array.nbytes, array)


def csr_source(
    shape: tuple[int, ...], row_ptr: np.ndarray, col: np.ndarray, values: np.ndarray, dtype: DType
) -> Source:
    """Of CSR arrays whose columns rise strictly in each row."""
    values = np.ascontiguousarray(values)
    return Source(
        tuple(shape),
        dtype,
        address_of(values),
        values.nbytes,
        values,
        np.ascontiguousarray(row_ptr, np.uint64),
        np.ascontiguousarray(col, np.uint32),
    )


def array_source(value: Any) -> Source:
    """Of a NumPy array, what np.asarray takes, or a matrix of scipy.sparse."""
    if hasattr(value, "tocsr") and hasattr(value, "nnz"):
        matrix = value.tocsr(copy=True)
        matrix.sum_duplicates()  # sorts the columns, too
        dtype = dcf_dtype(matrix.dtype)
        return csr_source(matrix.shape, matrix.indptr, matrix.indices, matrix.data, dtype)
    return dense_source(np.asarray(value))
