# SPDX-License-Identifier: Apache-2.0
"""MiniLM-L6 (fp32): embeddings of 200 sentences, as bench/quality.py computes them."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import quality
import safetensors_file
from coders import Arrays
from safetensors_file import Tensor

TITLE = "MiniLM-L6"
FETCHED = "minilm-fp32"
ERROR = "1 - cosine of the embedding"
TARGETS = {1.2e-4: 7.15, 1.2e-3: 5.5}


def tensors(folder: Path) -> list[Tensor]:
    return list(safetensors_file.read(folder / f"{FETCHED}.safetensors"))


def channel_axis(name: str, shape: tuple[int, ...]) -> int:
    return 0


@functools.cache
def inputs(folder: Path) -> list[list[int]]:
    """The same in all of a run, even where the pages are edited meanwhile."""
    _, tokens = quality.open_encoder(folder)
    return [tokens(sentence) for sentence in quality.sentences()]


def outputs(folder: Path, weights: Arrays) -> list[np.ndarray]:
    return [quality.embedding(weights, ids) for ids in inputs(folder)]


def error(before: list[np.ndarray], after: list[np.ndarray]) -> float:
    return float(np.mean([1 - a.astype(np.float64) @ b for a, b in zip(before, after)]))
