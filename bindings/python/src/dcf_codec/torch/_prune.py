# SPDX-License-Identifier: Apache-2.0
"""Pruning by magnitude, with masks that stay (Han et al., "Learning both Weights and Connections",
NIPS 2015)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import torch

from . import _core
from ._layers import Compressed, Weight, install, select

__all__ = ["prune_", "scheduled_sparsity"]

_Module = TypeVar("_Module", bound=torch.nn.Module)


class _Masked(torch.autograd.Function):
    """weight where mask, else 0. Neither NaN of a pruned weight nor of its gradient gets
    through."""

    @staticmethod
    def forward(ctx: Any, weight: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(mask)
        return torch.where(mask, weight, weight.new_zeros(()))

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        (mask,) = ctx.saved_tensors
        gradient = gradient.to_dense() if gradient.is_sparse else gradient
        return torch.where(mask, gradient, gradient.new_zeros(())), None


class Pruned(Compressed):
    """A weight under a mask, which is part of the state_dict: bool, of the weight's shape, True for
    kept weights."""

    mask: torch.Tensor

    def __init__(self, mask: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return _Masked.apply(weight, self.mask)

    def right_inverse(self, weight: torch.Tensor) -> torch.Tensor:
        """Of an assigned weight; what is pruned stays so."""
        return torch.where(self.mask, weight, weight.new_zeros(()))

    def prune(self, mask: torch.Tensor) -> None:
        self.mask &= mask

    def take_zeros(self, weight: torch.Tensor) -> None:
        self.mask.copy_(weight != 0)

    def extra_repr(self) -> str:
        return f"{int(self.mask.sum())} of {self.mask.numel()} weights kept"


def _global_masks(weights: list[Weight], sparsity: float) -> Iterator[tuple[Weight, torch.Tensor]]:
    values = [weight.value() for weight in weights]
    for weight, value in zip(weights, values):
        if not bool(torch.isfinite(value).all()):
            with _core.naming(weight.name):
                _core.prune_mask(value, sparsity)  # says what is wrong
    return zip(weights, _core.prune_masks(values, sparsity))


def _set_mask(weight: Weight, mask: torch.Tensor) -> None:
    mask = mask.to(weight.value().device)
    known = weight.parametrization()
    if known is None:
        install(weight, Pruned(mask))
    else:
        with torch.no_grad():
            known.prune(mask)


def prune_(
    model: _Module, sparsity: float | Mapping[str, float], *, scope: str = "layer"
) -> _Module:
    """Prunes the weights of least magnitude, in place, and keeps them at zero from now on.

    sparsity: the fraction of weights that are zero afterwards, [0, 1), for all weights of two and
        more dimensions: of Linear, Conv, Embedding and the like, not biases and norms. Or pattern
        -> fraction, {"features.*": 0.6, "classifier.*": 0.9}: a pattern of fnmatch matches the
        names of modules and of such weights, the first match counts, and what matches none is left
        alone. A parameter of any shape may be named exactly.
    scope: "layer": each layer has the sparsity. "global": the layers of one entry have it together,
        and each finds its own.

    Call it again at higher sparsities while training goes on (`scheduled_sparsity`): what is pruned
    stays pruned. The mask is a parametrization of torch, so that no optimiser, momentum or weight
    decay can undo it; the optimiser may be older than the mask. A clustered weight loses entries.
    Tied weights stay tied.

    Returns the model. ValueError or TypeError for a bad argument, CallError for NaN and Inf; the
    model is then unchanged.
    """
    if scope not in ("layer", "global"):
        raise ValueError(f"scope is 'layer' or 'global', not {scope!r}")
    masks: list[tuple[Weight, torch.Tensor]] = []
    for fraction, weights in select(model, sparsity):
        if not 0 <= fraction < 1:
            raise ValueError(f"a sparsity is at least 0 and below 1, not {fraction!r}")
        if fraction == 0:
            continue
        if scope == "global":
            masks += _global_masks(weights, fraction)
            continue
        for weight in weights:
            with _core.naming(weight.name):
                masks.append((weight, _core.prune_mask(weight.value(), fraction)))
    for weight, mask in masks:
        _set_mask(weight, mask)
    return model


def scheduled_sparsity(
    step: int,
    final: float | Mapping[str, float],
    *,
    end: int,
    begin: int = 0,
    initial: float = 0.0,
    power: float = 3.0,
) -> Any:
    """The sparsity of prune_() at a training step: it rises from `initial` at step `begin` to
    `final` at step `end`, fast at first: final + (initial - final) * (1 - (step - begin) / (end -
    begin)) ** power.

    power: 3 is the cubic schedule (Zhu, Gupta, "To prune, or not to prune", 2017, equation 1), 1 a
    linear one.
    final: a number, or pattern -> number; the result is alike.
    """
    if end <= begin:
        raise ValueError(f"the last step, {end}, is not after the first, {begin}")
    left = 1 - min(max((step - begin) / (end - begin), 0.0), 1.0)
    if isinstance(final, Mapping):
        return {name: value + (initial - value) * left**power for name, value in final.items()}
    return final + (initial - final) * left**power
