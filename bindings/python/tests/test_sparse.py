# SPDX-License-Identifier: Apache-2.0
"""Sparse matrices: read without a dense copy, written without one."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from dcf_codec import safe_open
from dcf_codec.numpy import load, save


def test_csr_is_the_dense_matrix(weights: dict) -> None:
    with safe_open(save(weights)) as f:
        matrix = f.get_tensor("fc1.weight", layout="csr")
        assert isinstance(matrix, scipy.sparse.csr_array)
        assert matrix.has_canonical_format and matrix.dtype == np.float32
        assert matrix.nnz == np.count_nonzero(weights["fc1.weight"])
        assert np.array_equal(matrix.toarray(), weights["fc1.weight"])
        x = np.ones(300, np.float32)
        assert np.allclose(matrix @ x, weights["fc1.weight"] @ x, atol=1e-4)
        # Any tensor is a matrix of its first dimension and the rest.
        assert f.get_tensor("fc3.bias", layout="csr").shape == (10, 1)
        assert f.get_tensor("step", layout="csr").toarray().tolist() == [[3]]


@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix", "coo_array"])
def test_matrices_are_saved(weights: dict, kind: str) -> None:
    dense = weights["fc1.weight"]
    matrix = getattr(scipy.sparse, kind)(dense)
    assert save({"t": matrix}) == save({"t": dense})
    assert np.array_equal(load(save({"t": matrix}))["t"], dense)


def test_unsorted_and_doubled_entries() -> None:
    matrix = scipy.sparse.csr_array(
        (np.array([1.0, 2.0, 4.0]), np.array([2, 0, 2]), np.array([0, 3, 3])), shape=(2, 3)
    )
    assert load(save({"t": matrix}))["t"].tolist() == [[2, 0, 5], [0, 0, 0]]
    assert matrix.indices.tolist() == [2, 0, 2]  # the caller's matrix is as it was


def test_float_types_without_a_matrix(weights: dict) -> None:
    with safe_open(save({"t": weights["fc1.weight"].astype(np.float16)})) as f:
        matrix = f.get_tensor("t", layout="csr", dtype="float32")
        assert np.array_equal(matrix.toarray(), f.get_tensor("t", dtype="float32"))
