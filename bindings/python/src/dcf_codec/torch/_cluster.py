# SPDX-License-Identifier: Apache-2.0
"""Trained weight sharing (Han, Mao, Dally, "Deep Compression", ICLR 2016, section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch.autograd.function import once_differentiable

from .._encoding import INIT
from . import _core
from ._layers import Compressed, Weight, install, select

__all__ = ["cluster_"]

_Module = TypeVar("_Module", bound=torch.nn.Module)


class _Expanded(torch.autograd.Function):
    """The weight of a codebook. The gradient of a centroid is the sum of those of its weights
    (section 3.3)."""

    @staticmethod
    def forward(ctx: Any, codebook: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(codes)
        ctx.clusters = codebook.numel()
        return _core.expand(codebook, codes)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        (codes,) = ctx.saved_tensors
        return _core.sum_gradients(gradient, codes, ctx.clusters), None


class Shared(Compressed):
    """A weight as codes, which are part of the state_dict, and a codebook, which is the parameter.

    codes: uint8, of the weight's shape; 0: pruned, c > 0: entry c - 1 of the codebook.
    """

    codes: torch.Tensor

    def __init__(self, weight: torch.Tensor, sharing: _core.Sharing) -> None:
        super().__init__()
        self._sharing = sharing
        exact = None if sharing.bit_price > 0 else _exact_codes(weight, sharing.clusters)
        codebook, codes = exact or _core.share(weight, sharing)
        self.register_buffer("codes", codes)
        self._first: torch.Tensor | None = codebook

    def forward(self, codebook: torch.Tensor) -> torch.Tensor:
        return _Expanded.apply(codebook, self.codes)

    def right_inverse(self, weight: torch.Tensor) -> torch.Tensor:
        """The codebook; an assigned weight of too many values is clustered as the first one was."""
        codebook, self._first = self._first, None
        if codebook is None:
            exact = _exact_codes(weight, self._sharing.clusters)
            codebook, codes = exact or _core.share(weight, self._sharing)
            self.codes.copy_(codes)
        return codebook

    def prune(self, mask: torch.Tensor) -> None:
        self.codes *= mask

    def take_zeros(self, weight: torch.Tensor) -> None:
        """Codes say by themselves what is pruned."""

    def extra_repr(self) -> str:
        kept = int((self.codes != 0).sum())
        return f"{kept} of {self.codes.numel()} weights kept"


def _exact_codes(weight: torch.Tensor, most: int) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Codebook and codes of a weight that has few values already: a clustered file trains on as it
    is."""
    exact = weight.detach().double()
    values = torch.unique(exact)
    values = values[values != 0]
    if len(values) > most or not bool(torch.isfinite(values).all()):
        return None
    codes = (torch.searchsorted(values, exact) + 1) * (exact != 0)
    return values.to(weight.dtype), codes.to(torch.uint8)


def fit_codebook(module: Any, state: Mapping[str, Any], prefix: str, *_unused: Any) -> None:
    """Before a state_dict is loaded: the codebook in it may have another size."""
    codebook = state.get(prefix + "original")
    if isinstance(codebook, torch.Tensor) and codebook.dim() == 1:
        if codebook.shape != module.original.shape:
            with torch.no_grad():
                module.original.set_(module.original.new_empty(codebook.shape))


def cluster_(
    model: _Module,
    bits: int | Mapping[str, int],
    *,
    init: str = "linear",
    seed: int = 0,
    bit_price: float = 0.0,
) -> _Module:
    """Clusters the nonzero weights by k-means, in place; each layer shares at most 2**bits values
    from now on.

    bits: 1 to 8 (255 values) for all weights of two and more dimensions, or pattern -> bits, as in
        prune_; 0 leaves a layer alone.
    init: where centroids start: "linear" (the paper's choice), "density", "forgy" (by `seed`), or
        "optimal", the exact optimum. Clusters that end empty are dropped, so that all but "optimal"
        may leave far fewer values.
    bit_price: the price of a bit of the Huffman code in squared distance; above 0 the weights
        cluster where codes are short (entropy-constrained k-means).

    What was zero stays zero. The parameter is now the codebook, whose gradient is the sum over its
    weights: any optimiser trains it. It is the same parameter object with a new shape, so make a
    new optimiser: one that has momentum for the old shape fails. Clustering a clustered weight
    starts from the values it has.

    Returns the model. ValueError or TypeError for a bad argument, CallError for NaN and Inf; the
    model is then unchanged.
    """
    if init not in INIT:
        raise ValueError(f"init is one of {', '.join(INIT)}, not {init!r}")
    found: list[tuple[Weight, Shared]] = []
    for width, weights in select(model, bits):
        if width not in range(9):
            raise ValueError(f"bits are 1 to 8, or 0 for none, not {width!r}")
        sharing = _core.Sharing(min(2**width, _core.MAX_CLUSTERS), init, seed, bit_price)
        for weight in weights if width else []:
            with _core.naming(weight.name):
                found.append((weight, Shared(weight.value(), sharing)))
    for weight, shared in found:
        stack = install(weight, shared)
        stack._register_load_state_dict_pre_hook(fit_codebook, with_module=True)
    return model
