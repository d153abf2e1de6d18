# SPDX-License-Identifier: Apache-2.0
"""What collecting statistics needs of a model, whichever library runs it."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from ._moments import Arrays, Weight
from ._noise import Shape
from ._windows import Sampler

# Takes a weight and a block of what it multiplies, [vectors, groups, cols], or a list of one for each
# group; see Moments.add().
Sink = Callable[[Weight, Any], None]


class Model(Protocol):
    """A model that runs. Inputs are what the library of the model takes; see collect_stats()."""

    weights: list[Weight]
    left_out: dict[str, str]  # names of weights whose inputs are not seen, and why
    usual: set[str]  # those of left_out of which nobody expects more, such as embeddings
    arrays: Arrays

    def running(self) -> contextlib.AbstractContextManager[None]:
        """While the model is used by this module; afterwards it is as it was."""

    def noise_shapes(self, given: Any) -> list[Shape]:
        """What to draw where there are no data. ValueError where nobody says."""

    def observe(self, inputs: Any, sink: Sink, sample: Sampler) -> None:
        """Runs the model once and gives the sink what its weights multiply."""

    def outputs(self, inputs: Any) -> list[np.ndarray]:
        """The floats that the model makes of an input."""

    def save(self, folder: pathlib.Path) -> pathlib.Path:
        """A file with the weights that `dcf compress` reads."""

    def tensors(self, names: list[str]) -> Iterator[tuple[str, np.ndarray]]:
        """The values of float tensors of save(), of those that replaced() takes."""

    def replaced(self, name: str, value: np.ndarray) -> contextlib.AbstractContextManager[None]:
        """While a tensor has other values."""


def named(inputs: Any, names: list[str]) -> Mapping[str, Any]:
    """An input as name -> array: a mapping as it is, a list or tuple in the order of the names, one
    array under the first."""
    if isinstance(inputs, Mapping):
        return inputs
    values = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    if len(values) > len(names):
        raise ValueError(f"an input has {len(values)} arrays, and the model takes {len(names)}")
    return dict(zip(names, values))
