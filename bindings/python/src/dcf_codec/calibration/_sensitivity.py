# SPDX-License-Identifier: Apache-2.0
"""How much of what rounding does to a tensor reaches the outputs of the model."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .._commands import compress
from .._dtypes import is_float
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


def _rounded(file: Any) -> tuple[list[str], list[str]]:
    """Names of the tensors of a file that were rounded, and of those that could have been."""
    rounded: list[str] = []
    kept: list[str] = []
    for name in file.keys():
        info = file.info(name)
        if is_float(info.dtype) and len(info.shape) > 1:
            (rounded if info.error_bound else kept).append(name)
    return rounded, kept


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
    before = [model.outputs(one) for one in inputs]
    costs: dict[str, tuple[float, float]] = {}  # change of the outputs, error of the tensor
    with tempfile.TemporaryDirectory(prefix="dcf-") as folder:
        source = model.save(pathlib.Path(folder))
        path = pathlib.Path(folder) / "rounded.dcf"
        compress(source, path, quality=_QUALITY, calibration=statistics, exact_file=False)
        with safe_open(path, framework="np") as file:
            rounded, kept = _rounded(file)
            for number, (name, original) in enumerate(model.tensors(rounded)):
                if report is not None:
                    report(number, len(rounded))
                value = file.get_tensor(name, dtype="float32")
                with model.replaced(name, value):
                    after = [model.outputs(one) for one in inputs]
                change = sum(map(_change, before, after)) / len(inputs)
                weight = known.get(name) or Weight(name, 1, original[0].size, False)
                error = output_error(weight, statistics, value.astype(np.float64) - original)
                costs[name] = change, error
            if report is not None:
                report(len(rounded), len(rounded))
    least = _LEAST_SHARE * sum(change for change, _ in costs.values())
    found = {n: max(change, least) / error for n, (change, error) in costs.items() if error > 0}
    # Tensors that stay as they are cost nothing; but there is an allotment only where all have one.
    found.update(dict.fromkeys(kept, min(found.values(), default=0)))
    return {f"{name}.sensitivity": np.array([value], np.float32) for name, value in found.items()}
