# SPDX-License-Identifier: Apache-2.0
"""How much of what rounding does to a tensor reaches the outputs of the model."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .._commands import compress
from .._safe_open import safe_open
from ._model import Model
from ._moments import Weight, output_error

# dB: the change of one tensor is then well above the rounding errors of f32 arithmetic, and small
# enough to grow in proportion.
_QUALITY = 30
# The least share of all tensors' change that one has: what the outputs do not use, in the inputs that
# were tried, measures as nothing.
_LEAST_SHARE = 1e-6


def _change(before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> float:
    """Sum over the outputs of |b - a|^2 / |a|^2."""
    total = 0.0
    for a, b in zip(before, after):
        a, b = a.astype(np.float64), b.astype(np.float64)
        total += float(np.square(b - a).sum() / max(np.square(a).sum(), 1e-30))
    return total


def _rounded(
    model: Model, statistics: Mapping[str, Any], folder: pathlib.Path
) -> dict[str, np.ndarray]:
    """The tensors that the dcf program rounds, as it does with these statistics."""
    source = model.save(folder)
    path = folder / "rounded.dcf"
    compress(source, path, quality=_QUALITY, calibration=statistics, quiet=True, exact_file=False)
    with safe_open(path, framework="np") as file:
        names = list(file.keys())
        found = {}
        for name, value in model.tensors(names):
            rounded = file.get_tensor(name)
            if rounded.shape == value.shape and not np.array_equal(rounded, value):
                found[name] = rounded
        return found


def measure(
    model: Model,
    statistics: Mapping[str, Any],
    inputs: Sequence[Any],
    report: Callable[[int, int], Any] | None,
) -> dict[str, np.ndarray]:
    """{"NAME.sensitivity": [1]} of every tensor that is rounded: the mean over the inputs of the
    outputs' relative square change, when that tensor alone is rounded as it will be, over
    E[|W x - W' x|^2]. report(done, all) is called for each tensor."""
    known = {weight.name: weight for weight in model.weights}
    with tempfile.TemporaryDirectory(prefix="dcf-") as folder:
        rounded = _rounded(model, statistics, pathlib.Path(folder))
    before = [model.outputs(one) for one in inputs]
    changes: dict[str, float] = {}
    errors: dict[str, float] = {}
    values = dict(model.tensors(list(rounded)))
    for number, (name, value) in enumerate(rounded.items()):
        if report is not None:
            report(number, len(rounded))
        with model.replaced(name, value):
            after = [model.outputs(one) for one in inputs]
        changes[name] = sum(map(_change, before, after)) / len(inputs)
        original = values[name]
        weight = known.get(name) or Weight(name, 1, original[0].size, False)
        errors[name] = output_error(weight, statistics, value.astype(np.float64) - original)
    least = _LEAST_SHARE * sum(changes.values())
    return {
        f"{name}.sensitivity": np.array([max(change, least) / errors[name]], np.float32)
        for name, change in changes.items()
        if errors[name] > 0
    }
