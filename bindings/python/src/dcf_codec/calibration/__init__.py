# SPDX-License-Identifier: Apache-2.0
"""Statistics of a model that runs, for a better rounding of its weights.

    import dcf_codec

    stats = dcf_codec.collect_stats("model.onnx", images, "stats.safetensors")
    dcf_codec.compress("model.onnx", "small.dcf", quality="balanced", calibration=stats)

`dcf compress model.onnx --quality balanced --calibration stats.safetensors` reads the file as well.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any

from .._arrays_file import METADATA, check_free, save_arrays
from .._progress import open_progress
from ._model import Model
from ._moments import Moments, Weight, column_limit, free_memory
from ._noise import default_count, draw
from ._windows import Sampler

__all__ = ["collect_stats"]

_log = logging.getLogger("dcf_codec")

# Every so many inputs one is kept for the sensitivities, up to a number of them.
_HOLD_OUT_EVERY = 4
_HELD_OUT = 16


def _open(model: Any) -> Model:
    if isinstance(model, (str, os.PathLike)) or hasattr(model, "SerializeToString"):
        from ._onnx import OnnxModel

        return OnnxModel(model)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(model, torch.nn.Module):
        from ..torch._statistics import TorchModel

        return TorchModel(model)
    raise TypeError(
        "a model is a torch.nn.Module, a path of an ONNX model or an onnx.ModelProto, "
        f"not a {type(model).__name__}"
    )


def _inputs(
    model: Model, inputs: Iterable[Any] | None, shapes: Any, count: int | None, seed: int
) -> tuple[Iterable[Any], int]:
    """The inputs and how many they are; 0 where only their end will tell."""
    if inputs is not None:
        if shapes is not None:
            raise ValueError("input_shapes are for noise: leave them out where inputs are given")
        total = len(inputs) if isinstance(inputs, Sized) else 0
        if count is None:
            return inputs, total
        return itertools.islice(inputs, count), min(count, total) if total else 0
    wanted = model.noise_shapes(shapes)
    total = default_count(wanted) if count is None else count
    return draw(wanted, total, seed), total


def _observe(
    model: Model,
    inputs: Iterable[Any],
    sums: Mapping[str, Moments],
    sample: Sampler,
    keep: int,
    step: Callable[[int], None],
) -> list[Any]:
    """Sums over the inputs, but for at most `keep` of them, which are returned."""
    held: list[Any] = []

    def add(weight: Weight, block: Any) -> None:
        sums[weight.name].add(block)

    number = -1
    for number, one in enumerate(inputs):
        if len(held) < keep and number % _HOLD_OUT_EVERY == _HOLD_OUT_EVERY - 1:
            held.append(one)
        else:
            model.observe(one, add, sample)
        step(number + 1)
    if number < 0:
        raise ValueError("there are no inputs")
    if keep and not held:
        raise ValueError(f"sensitivity=True needs {_HOLD_OUT_EVERY} inputs or more")
    return held


def _statistics(model: Model, sums: Mapping[str, Moments]) -> Iterator[tuple[str, Any]]:
    reached: dict[str, int] = {}
    inputs_first = []
    for name, one in sums.items():
        if one.rows == 0:
            model.left_out.setdefault(name, "no input reached it")
            continue
        for suffix, array in one.means().items():
            yield name + suffix, array
        reached[name] = one.rows
        if one.weight.inputs_first:
            inputs_first.append(name)
    metadata = {"dcf.calibration": "1", "dcf.vectors": json.dumps(reached)}
    if inputs_first:
        metadata["dcf.inputs_first"] = json.dumps(inputs_first)
    yield METADATA, metadata


def collect_stats(
    model: Any,
    inputs: Iterable[Any] | None = None,
    dst: str | os.PathLike[str] | None = None,
    *,
    sensitivity: bool = False,
    input_shapes: Mapping[str, Sequence[int]] | Sequence[Sequence[int]] | None = None,
    count: int | None = None,
    max_columns: int | None = None,
    max_vectors: int = 4096,
    seed: int = 0,
    force: bool = False,
    progress: Any = None,
) -> dict[str, Any]:
    """Runs a model and sums what its weights multiply, so that `dcf_codec.compress(..., quality=...,
    calibration=...)` can round them with less harm to the outputs.

    model: a torch.nn.Module, which is run in evaluation mode and left as it was; or a path of an
        ONNX model or an onnx.ModelProto, which ONNX Runtime runs. Seen are Linear, Conv1d, Conv2d,
        Conv3d, the projection of MultiheadAttention's inputs, Conv1D of transformers; MatMul, Gemm
        and Conv whose weights are initializers or Constant nodes. Other weights, embeddings among them, are rounded
        as without data.
    inputs: an iterable of inputs, each what the model takes at once: an array or tensor, a list or
        tuple of them, or a mapping of names. Leave padding out: it counts like data. None: noise.
        256 sentences or 16 images, of all the kinds that the model will see, are enough.
    dst: a safetensors file, which appears whole or not at all; None: none is written.
    sensitivity: measures as well what the rounding of each tensor does to the outputs, on up to 16 of
        the inputs, which the moments then leave out; it needs 4 inputs or more. Each tensor takes a
        run of them.
    input_shapes: of noise, where the model does not tell: (1, 3, 224, 224) for each input, in a
        sequence in the order of the inputs, or a mapping of their names. Sizes that an ONNX model
        leaves open are 1 for the first axis, 224 for those of pictures, 32 for others. Integers of
        noise are drawn below the rows of the table that they index, and are ones where none is.
    count: at most so many inputs; of noise 16 where pictures are drawn, else 256.
    max_columns: a weight of more columns gets a mean and a mean square for each column, not a matrix.
        None: as many as 0.4 of the free memory holds, at most 6144.
    max_vectors: at most so many vectors (positions of a convolution, tokens) of one input count for a
        weight; a random choice where there are more.
    seed: of noise and that choice.
    force: replaces dst. progress: True, or a function of (inputs done, inputs of all or 0), then of
        (tensors done, tensors of all). Ctrl-C, and an exception of that function, end the work.

    Returns the tensors of the file, float32: "NAME.moments" [cols, cols], or [groups, cols, cols] of a
    convolution with groups, the mean of x x^T over the vectors x that rows of the weight NAME are
    multiplied with (columns of im2col, in the order of the weight); for many columns "NAME.mean" and
    "NAME.mean_square", [cols] or [groups, cols]; "NAME.sensitivity" [1], the mean relative square change of the
    outputs for each unit of the mean of |W x - W' x|^2 (without moments: of |W - W'|^2). And
    "__metadata__", a dict of texts: which weights are stored [inputs, outputs], and from how many
    vectors each mean is.
    Raises FileExistsError where dst exists; ImportError, which names the package, where the model's
    library is not installed; TypeError, ValueError for arguments, NaN and Inf; whatever the model raises.
    """
    if dst is not None:
        check_free(dst, force)
    if max_vectors < 1:
        raise ValueError("max_vectors is at least 1")
    opened = _open(model)
    if not opened.weights:
        raise ValueError("the model has no weights whose inputs are seen")
    wanted, total = _inputs(opened, inputs, input_shapes, count, seed)
    limit = column_limit(opened.weights, free_memory()) if max_columns is None else max_columns
    sums = {
        weight.name: Moments(weight, opened.arrays, weight.cols <= limit)
        for weight in opened.weights
    }
    with open_progress(progress, "collecting", " inputs") as report, opened.running():
        held = _observe(
            opened,
            wanted,
            sums,
            Sampler(max_vectors, seed),
            _HELD_OUT if sensitivity else 0,
            lambda done: report(done, total) if report is not None else None,
        )
        found: dict[str, Any] = dict(_statistics(opened, sums))
        if sensitivity:
            from ._sensitivity import measure

            found.update(measure(opened, found, held, report))
    for name, reason in opened.left_out.items():
        _log.info("%s: no statistics: %s", name, reason)
    if dst is not None:
        save_arrays(dst, found, force)
    return found
