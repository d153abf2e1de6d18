# SPDX-License-Identifier: Apache-2.0
"""The encoders of dcf/dcf_encode.h on tensors. Codes are uint8, of the weight's shape: 0 is
"pruned", c > 0 is entry c - 1 of a codebook of at most 255.

The library works on float32 in the memory of the processor. Other types are converted on the way to
pruning and clustering; what every training step needs, expand() and sum_gradients(), has a path on
the tensor's own device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import byref, c_uint32
from typing import Any, NamedTuple

import torch

from .. import _abi
from .._arguments import whole
from .._encoding import INIT
from ..errors import CallError, DcfError

MAX_CLUSTERS = 255


class Sharing(NamedTuple):
    """dcf_share_options."""

    clusters: int
    init: str
    seed: int
    bit_price: float


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Failures inside are those of this tensor."""
    try:
        yield
    except DcfError as error:
        error.tensor = name
        raise


def _address(tensor: torch.Tensor) -> int | None:
    return tensor.data_ptr() if tensor.numel() else None


def _float32(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to(device="cpu", dtype=torch.float32).contiguous()


def prune_mask(weight: torch.Tensor, sparsity: float) -> torch.Tensor:
    """dcf_prune: bool, False for the round(sparsity * n) weights of least magnitude. On the CPU."""
    values = _float32(weight)
    mask = torch.empty(values.shape, dtype=torch.bool)
    _abi.call(_abi.lib.dcf_prune, _address(values), values.numel(), sparsity, _address(mask))
    return mask


def prune_masks(weights: Sequence[torch.Tensor], sparsity: float) -> list[torch.Tensor]:
    """dcf_prune_global: the same for all weights together."""
    values = [_float32(weight) for weight in weights]
    masks = [torch.empty(value.shape, dtype=torch.bool) for value in values]
    layers = [
        _abi.PruneLayer(weights=_address(value), size=value.numel(), mask=_address(mask))
        for value, mask in zip(values, masks)
    ]
    array = (_abi.PruneLayer * len(layers))(*layers)
    _abi.call(_abi.lib.dcf_prune_global, array, len(layers), sparsity)
    return masks


def share(weight: torch.Tensor, settings: Sharing) -> tuple[torch.Tensor, torch.Tensor]:
    """dcf_share on the nonzero weights: the codebook, of the weight's type, and the codes, both on
    its device."""
    values = _float32(weight)
    codes = torch.empty(values.shape, dtype=torch.uint8)
    book = torch.empty(settings.clusters)
    size = c_uint32()
    options = _abi.defaults(_abi.ShareOptions)
    options.clusters = whole(settings.clusters, "clusters", 32)
    options.init = INIT[settings.init]
    options.seed = whole(settings.seed, "seed")
    setattr(options, "lambda", settings.bit_price)  # noqa: B010 (a word of Python)
    _abi.call(
        _abi.lib.dcf_share,
        _address(values),
        None,
        None,
        values.numel(),
        byref(options),
        _address(book),
        byref(size),
        _address(codes),
    )
    found = book[: size.value].to(device=weight.device, dtype=weight.dtype, copy=True)
    return found, codes.to(weight.device)


def _in_core(tensor: torch.Tensor) -> bool:
    return bool(tensor.device.type == "cpu" and tensor.dtype == torch.float32)


def _call_unless_infinite(function: Any, *arguments: Any) -> bool:
    """Whether the library took the numbers. It refuses NaN and Inf, as training may have them."""
    try:
        _abi.call(function, *arguments)
    except CallError as error:
        if error.code != _abi.STATUS_INVALID_ARGUMENT:
            raise
        return False
    return True


def expand(codebook: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """dcf_expand: the weights. CodedDataError or IndexError for a code beyond the codebook."""
    if _in_core(codebook):
        book, codes = codebook.detach().contiguous(), codes.contiguous()
        weight = torch.empty(codes.shape)
        if _call_unless_infinite(
            _abi.lib.dcf_expand,
            _address(codes),
            codes.numel(),
            _address(book),
            book.numel(),
            _address(weight),
        ):
            return weight
    return torch.cat([codebook.new_zeros(1), codebook])[codes.long()]


def sum_gradients(gradient: torch.Tensor, codes: torch.Tensor, clusters: int) -> torch.Tensor:
    """dcf_sum_gradients: for each centroid the sum of its weights' gradients (Deep Compression,
    equation 3), summed in double, of the gradient's type."""
    gradient = gradient.to_dense() if gradient.is_sparse else gradient
    if _in_core(gradient):
        gradient, codes = gradient.detach().contiguous(), codes.contiguous()
        sums = torch.empty(clusters, dtype=torch.float64)
        if _call_unless_infinite(
            _abi.lib.dcf_sum_gradients,
            _address(gradient),
            _address(codes),
            codes.numel(),
            clusters,
            _address(sums),
        ):
            return sums.to(gradient.dtype)
    sums = torch.zeros(clusters + 1, dtype=torch.float64, device=gradient.device)
    sums.index_add_(0, codes.reshape(-1).long(), gradient.reshape(-1).double())
    return sums[1:].to(gradient.dtype)
