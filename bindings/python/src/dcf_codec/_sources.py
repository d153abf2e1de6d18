# SPDX-License-Identifier: Apache-2.0
"""Tensors to be written, as memory that the library may borrow."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ._arguments import narrow
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


def _little(array: np.ndarray) -> np.ndarray:
    """The same numbers in the byte order of files; that of a structured scalar is its field's."""
    kind = array.dtype if array.dtype.names is None else array.dtype[0]
    return array.astype(array.dtype.newbyteorder("<")) if kind.str[0] == ">" else array


def dense_source(array: np.ndarray) -> Source:
    """Of an array of any byte order and memory layout."""
    dtype = dcf_dtype(array.dtype)
    array = _little(array)
    if not array.flags.c_contiguous:
        array = array.copy(order="C")
    return Source(array.shape, dtype, address_of(array), array.nbytes, array)


def csr_source(
    shape: tuple[int, ...], row_ptr: np.ndarray, col: np.ndarray, values: np.ndarray, dtype: DType
) -> Source:
    """Of CSR arrays whose columns rise strictly in each row. ValueError where they do not fit each
    other."""
    values = np.ascontiguousarray(_little(values))
    row_ptr = narrow(row_ptr, np.uint64, "row_ptr")
    col = narrow(col, np.uint32, "columns")
    if col.shape != values.shape:
        raise ValueError(f"there are {values.shape} values for {col.shape} columns")
    return Source(
        tuple(shape),
        dtype,
        address_of(values),
        values.nbytes,
        values,
        row_ptr,
        col,
    )


def array_source(value: Any) -> Source:
    """Of a NumPy array, what np.asarray takes, or a matrix of scipy.sparse."""
    if hasattr(value, "tocsr") and hasattr(value, "nnz"):
        matrix = value.tocsr(copy=True)
        matrix.sum_duplicates()  # sorts the columns, too
        dtype = dcf_dtype(matrix.dtype)
        return csr_source(matrix.shape, matrix.indptr, matrix.indices, matrix.data, dtype)
    return dense_source(np.asarray(value))
