# SPDX-License-Identifier: Apache-2.0
"""How a tensor is encoded: dcf_encode_options by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from . import _abi
from ._arguments import whole
from ._dtypes import DType, is_float

__all__ = ["Encoding"]

INIT = {"linear": 0, "density": 1, "forgy": 2, "optimal": 3}
_POSITIONS = {"dense": 0, "bitmap": 1, "gap": 2, "gap-bucket": 3, "auto": 255}
_EFFORT = {"normal": 0, "smallest": 1, "fast": 2}
_ROUNDED = (2, 3, 4)  # f32, f16, bf16
_FIDELITY = {"bit-exact": 0, "value-exact": 1, "lossy": 2}


@dataclasses.dataclass(frozen=True)
class Encoding:
    """How one tensor is encoded. The defaults are lossless: every bit, in the smallest form.

    sparsity: prune; the fraction of elements that become zero, those of least magnitude, [0, 1).
    bits: cluster; at most 2**bits shared values by k-means, 1 to 8; 0: no. (Deep Compression,
        sections 2 and 3. Both cost accuracy without retraining.)
    init: where centroids start: "linear", "density", "forgy", or "optimal", the exact optimum.
    seed: of "forgy".
    positions: "auto", "dense", "bitmap", "gap", "gap-bucket".
    gap_bits: 2 to 8 for gap positions; 0: the smallest.
    canonical_zeros: drop the signs of zeros.
    fill_clusters: clusters that end empty start anew, as KMeans of scikit-learn has it.
    effort: "normal"; "smallest": the smallest encoding, whatever it costs to decode; "fast": for a
        tensor of more than 2**20 elements what one pass over it finds.
    sqnr_db: round to multiples of a scale, so that the weights are so many dB above their errors, 6
        to 100; 0: no. For f32, f16 and bf16, without sparsity and bits.
    source_fidelity, source_error_bound: what the data had lost already: "bit-exact",
        "value-exact" or "lossy", and the greatest |original - data|.

    ValueError for a name or a number that is none of these. A tensor of floats that holds NaN or
    infinity, one of rank 0 or 1, and one of fewer than 512 elements stay lossless.
    """

    sparsity: float = 0.0
    bits: int = 0
    init: str = "linear"
    seed: int = 0
    positions: str = "auto"
    gap_bits: int = 0
    canonical_zeros: bool = False
    fill_clusters: bool = False
    effort: str = "normal"
    sqnr_db: float = 0.0
    source_fidelity: str = "bit-exact"
    source_error_bound: float = 0.0

    def __post_init__(self) -> None:
        # Here rather than where a tensor is added.
        self.options()
        for name, fits in (
            ("sparsity", 0 <= self.sparsity < 1),
            ("bits", self.bits <= 8),
            ("gap_bits", self.gap_bits == 0 or 2 <= self.gap_bits <= 8),
            ("sqnr_db", self.sqnr_db == 0 or 6 <= self.sqnr_db <= 100),
        ):
            if not fits:
                raise ValueError(f"{name} is out of its range: {getattr(self, name)!r}")

    def options(self) -> Any:
        """dcf_encode_options."""
        options = _abi.defaults(_abi.EncodeOptions)
        options.sparsity = self.sparsity
        options.bits = whole(self.bits, "bits", 32)
        options.init = _number(INIT, self.init, "init")
        options.seed = whole(self.seed, "seed", 64)
        options.positions = _number(_POSITIONS, self.positions, "positions")
        options.gap_bits = whole(self.gap_bits, "gap_bits", 32)
        options.canonical_zeros = int(self.canonical_zeros)
        options.fill_clusters = int(self.fill_clusters)
        options.effort = _number(_EFFORT, self.effort, "effort")
        options.sqnr_db = self.sqnr_db
        options.source_fidelity = _number(_FIDELITY, self.source_fidelity, "source_fidelity")
        options.source_error_bound = self.source_error_bound
        return options


def _number(names: Mapping[str, int], name: str, what: str) -> int:
    if name not in names:
        raise ValueError(f"{what} is one of {', '.join(names)}, not {name!r}")
    return names[name]


def encoding_of(
    encoding: Encoding | Mapping[str, Encoding] | None, name: str, dtype: DType
) -> Encoding:
    """The encoding of one tensor; lossless unless told otherwise. One that is for all tensors prunes
    and clusters those of floats, and rounds those whose type is rounded."""
    if encoding is None:
        return Encoding()
    if not isinstance(encoding, Encoding):
        return encoding.get(name, Encoding())
    if not is_float(dtype):
        return dataclasses.replace(encoding, sparsity=0.0, bits=0, sqnr_db=0.0)
    return encoding if dtype.number in _ROUNDED else dataclasses.replace(encoding, sqnr_db=0.0)


def check_encoding(
    encoding: Encoding | Mapping[str, Encoding] | None, tensors: Mapping[str, Any]
) -> None:
    """TypeError for what is no encoding; ValueError where `encoding` names a tensor that is not among
    `tensors`."""
    if encoding is None or isinstance(encoding, Encoding):
        return
    if not isinstance(encoding, Mapping):
        raise TypeError(
            "`encoding` is an Encoding, or a dict with those of tensors by name, "
            f"not a {type(encoding).__name__}"
        )
    for name, one in encoding.items():
        if not isinstance(one, Encoding):
            raise TypeError(f"`encoding` has no Encoding for {name!r}, but a {type(one).__name__}")
    strangers = [name for name in encoding if name not in tensors]
    if strangers:
        raise ValueError(f"`encoding` names what is no tensor: {', '.join(map(repr, strangers))}")
