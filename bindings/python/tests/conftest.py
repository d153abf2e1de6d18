# SPDX-License-Identifier: Apache-2.0
"""What the tests share: folders of the tree, and small models."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

TREE = pathlib.Path(__file__).resolve().parents[3]
GOLDEN = TREE / "tests" / "golden"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def weights(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A small network: a pruned layer, a clustered one, a dense one, a bias, a scalar."""
    pruned = rng.standard_normal((64, 300)).astype(np.float32)
    pruned[rng.random(pruned.shape) < 0.9] = 0
    codebook = rng.standard_normal(16).astype(np.float32)
    return {
        "fc1.weight": pruned,
        "fc2.weight": codebook[rng.integers(0, 16, (80, 64))],
        "fc3.weight": rng.standard_normal((10, 80)).astype(np.float32),
        "fc3.bias": rng.standard_normal(10).astype(np.float32),
        "step": np.array(3, np.int64),
    }
