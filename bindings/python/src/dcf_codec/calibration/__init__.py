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
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any

from .._arrays_file import METADATA, check_free, save_arrays
from .._progress import open_progress
from ..errors import DcfWarning
from ._model import Model
from ._moments import Moments, Weight, column_limit, free_memory
from ._noise import default_count, draw
from ._windows import Sampler

__all__ = ["collect_stats"]

_log = logging.getLogger("dcf_codec")

# Every so many inputs one is kept for the sensitivities, up to a number of them.
_HOLD_OUT_EVERY = 4
_HELD_OUT = 16
# Names that a message has, and how many of the others there are.
_NAMED = 3


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


def _check_iterable(inputs: Any) -> None:
    """TypeError for what is one input, or a name, and would be taken apart."""
    kind = type(inputs).__name__
    if isinstance(inputs, (str, bytes, os.PathLike)):
        raise TypeError(f"inputs is an iterable of what the model takes, not a {kind}")
    if isinstance(inputs, Mapping):
        raise TypeError(f"inputs is an iterable of inputs, not one {kind}: give [inputs]")


def _inputs(
    model: Model, inputs: Iterable[Any] | None, shapes: Any, count: int | None, seed: int
) -> tuple[Iterable[Any], int]:
    """The inputs and how many they are; 0 where only their end will tell."""
    if inputs is not None:
        _check_iterable(inputs)
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
        rows = one.rows
        if rows == 0:
            model.left_out.setdefault(name, "no input reached it")
        if name in model.left_out:
            continue
        for suffix, array in one.means().items():
            yield name + suffix, array
        reached[name] = rows
        if one.weight.inputs_first:
            inputs_first.append(name)
    metadata = {"dcf.calibration": "1", "dcf.vectors": json.dumps(reached)}
    if inputs_first:
        metadata["dcf.inputs_first"] = json.dumps(inputs_first)
    yield METADATA, metadata


def _reasons(left_out: Mapping[str, str]) -> str:
    """'a.weight (why), b.weight (why) and 3 more'."""
    text = ", ".join(f"{name} ({why})" for name, why in itertools.islice(left_out.items(), _NAMED))
    more = len(left_out) - _NAMED
    return f"{text} and {more} more" if more > 0 else text


def _tell(model: Model) -> None:
    """Which weights were left out: a warning of those that a caller would expect to be seen."""
    for name, reason in model.left_out.items():
        _log.info("%s: no statistics: %s", name, reason)
    missed = {name: why for name, why in model.left_out.items() if name not in model.usual}
    if missed:
        text = f"no statistics, and so rounded as without data: {_reasons(missed)}"
        warnings.warn(text, DcfWarning, stacklevel=3)


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
        tuple of them, or a mapping of names. Of one array, each index of its first axis is an
        input: give [array] where it is one. Leave padding out: it counts like data. None: noise.
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
    A DcfWarning names weights of the layers above that were left out, and why: no input reached them,
    weight_norm or the like computes them (remove it first), the layer was called by keywords that
    hooks do not see (before PyTorch 2). Layers whose weights are tied to an embedding and the output
    projections of MultiheadAttention, which are left out as well, are in the log "dcf_codec" only.
    Raises FileExistsError where dst exists, IsADirectoryError where it is a folder, FileNotFoundError
    where its folder is missing; ImportError, which names the package, where the model's library is not
    installed; TypeError, ValueError for arguments, NaN and Inf, inputs whose products overflow float32,
    and where no weight was reached at all; whatever the model raises.
    """
    if dst is not None:
        check_free(dst, force)
    if max_vectors < 1:
        raise ValueError("max_vectors is at least 1")
    opened = _open(model)
    if not opened.weights:
        why = f": {_reasons(opened.left_out)}" if opened.left_out else ""
        raise ValueError(f"the model has no weights whose inputs are seen{why}")
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
        if found.keys() == {METADATA}:
            raise ValueError(f"nothing was measured: {_reasons(opened.left_out)}")
        if sensitivity:
            from ._sensitivity import measure

            found.update(measure(opened, found, held, report))
    if dst is not None:
        save_arrays(dst, found, force)
    _tell(opened)
    return found
