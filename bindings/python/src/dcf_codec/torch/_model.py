# SPDX-License-Identifier: Apache-2.0
"""Models and .dcf files: the names of safetensors.torch, for pruned and clustered models, too."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeVar

import torch

from .._encoding import Encoding
from ._io import load_file, save_file
from ._layers import Place, Weight, compressed, compressed_places, restore

__all__ = ["finalize_", "load_model", "plain_state_dict", "save_model"]

# torch's name for what a weight is computed from.
_MARK = "parametrizations."

_Module = TypeVar("_Module", bound=torch.nn.Module)


def _prefix(place: Place) -> str:
    """Of the keys in a state_dict that a place has instead of its name."""
    stem = place.name[: len(place.name) - len(place.attribute)]
    return f"{stem}{_MARK}{place.attribute}."


def _prefix_of(key: str) -> str:
    """The part of a key that _prefix() gives; "" is none."""
    head, mark, tail = key.rpartition(_MARK)
    return f"{head}{mark}{tail.partition('.')[0]}." if mark else ""


def _weights(model: torch.nn.Module) -> list[Weight]:
    """All that prune_ and cluster_ changed, tied places together."""
    found: dict[int, Weight] = {}
    for place in compressed_places(model):
        found.setdefault(id(compressed(place)), Weight([])).places.append(place)
    return list(found.values())


def plain_state_dict(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The state_dict that the model would have without masks and codebooks: every weight under its
    own name. For torch.save, for the model's plain class, or for from_pretrained(...,
    state_dict=...) of transformers. Tied weights are one tensor under several names."""
    values: dict[str, tuple[str, torch.Tensor]] = {}
    for weight in _weights(model):
        value = weight.value()
        for place in weight.places:
            values[_prefix(place)] = (place.name, value)
    out: dict[str, torch.Tensor] = {}
    for key, value in model.state_dict().items():
        name, dense = values.get(_prefix_of(key), (key, value))
        out[name] = dense
    return out


def finalize_(model: _Module) -> _Module:
    """Makes pruned and clustered weights plain parameters again, in place, with the values they
    have: for export, torch.save of the whole model, TorchScript, ONNX. Returns the model."""
    for weight in _weights(model):
        restore(weight)
    return model


def save_model(
    model: torch.nn.Module,
    filename: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
    *,
    encoding: Encoding | Mapping[str, Encoding] | None = None,
    threads: int = 0,
    max_memory: int | None = None,
    progress: Any = None,
) -> None:
    """Writes a model, losslessly unless `encoding` says otherwise: pruned weights by the positions
    of the others, clustered ones as codes and codebook, tied ones once. Names are those of
    plain_state_dict(): any program reads the file. Parameters as in save_file. TypeError for what is
    no module."""
    if not isinstance(model, torch.nn.Module):
        raise TypeError(
            f"save_model saves a torch.nn.Module, not a {type(model).__name__}: save_file saves a "
            "dict of tensors"
        )
    save_file(
        plain_state_dict(model),
        filename,
        metadata,
        encoding=encoding,
        threads=threads,
        max_memory=max_memory,
        progress=progress,
    )


def load_model(
    model: torch.nn.Module,
    filename: str | os.PathLike[str] | Any,
    strict: bool = True,
    device: Any = "cpu",
    *,
    threads: int = 0,
    max_memory: int | None = None,
    progress: Any = None,
) -> tuple[list[str], list[str]]:
    """Loads a file into a model; returns (missing, unexpected) names.

    A model that is pruned takes the file's zeros as its mask, one that is clustered its values as
    codebooks. A tied weight needs one of its names in the file. strict: RuntimeError where names
    are missing or unexpected. RuntimeError for a wrong shape, in any case. The rest as in
    load_file.
    """
    tensors = load_file(filename, device, threads=threads, max_memory=max_memory, progress=progress)
    weights = _weights(model)
    wrong = []
    chosen: list[tuple[Weight, torch.Tensor]] = []
    for weight in weights:
        names = [place.name for place in weight.places if place.name in tensors]
        for name in names:
            value = tensors.pop(name)
            if value.shape != weight.value().shape:
                wrong.append(f"{name}: {tuple(value.shape)} for {tuple(weight.value().shape)}")
            elif name == names[0]:
                chosen.append((weight, value))
    state = model.state_dict()
    for name, value in tensors.items():
        if name in state and value.shape != state[name].shape:
            wrong.append(f"{name}: {tuple(value.shape)} for {tuple(state[name].shape)}")
    if wrong:
        raise RuntimeError(f"shapes differ from the model's: {'; '.join(wrong)}")
    prefixes = {_prefix(place) for weight in weights for place in weight.places}
    loaded = {(state[n].data_ptr(), state[n].shape) for n in tensors if n in state}
    done = {weight.name for weight, _ in chosen}
    missing = [weight.name for weight in weights if weight.name not in done]
    for name, value in state.items():
        if _prefix_of(name) not in prefixes and name not in tensors:
            if value.numel() == 0 or (value.data_ptr(), value.shape) not in loaded:
                missing.append(name)
    unexpected = [name for name in tensors if name not in state]
    if strict and (missing or unexpected):
        raise RuntimeError(f"missing: {missing}; unexpected: {unexpected}")
    model.load_state_dict(tensors, strict=False)
    for weight, value in chosen:
        weight.assign(value)
    return missing, unexpected
