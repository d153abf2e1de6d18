# SPDX-License-Identifier: Apache-2.0
"""safe_open: the tensors of a file one by one, as in safetensors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from . import _load
from ._dtypes import F32, is_packed, numpy_dtype
from ._file import File, TensorInfo
from ._frameworks import FLOAT32, Framework, allocate_for, framework_of
from ._slice import TensorSlice
from ._uncopied import Uncopied

__all__ = ["Codes", "safe_open"]


class Codes(NamedTuple):
    """A clustered tensor as it is stored.

    codes: uint16, of the tensor's shape. codebook: ascending values. Where `sparse`, code 0 is "no
    entry" (zero) and code c > 0 is codebook[c - 1]; otherwise code c is codebook[c].
    """

    codes: np.ndarray
    codebook: np.ndarray
    sparse: bool


class safe_open(Uncopied):  # noqa: N801 (the name of safetensors)
    """An open .dcf file.

        with safe_open("model.dcf", framework="np") as f:
            for name in f.keys():
                tensor = f.get_tensor(name)

    filename: a path, or what `dcf_codec.File` takes: bytes, a memoryview, an object that reads.
    framework: "np" for NumPy, "pt" for PyTorch. device: where tensors of PyTorch go.
    max_memory: bytes the library may hold at once, besides what it returns (default 1 GiB).
    threads: 0 is one per processor.
    limits: max_tensors, max_output, max_entries, max_manifest: what a stranger's file may ask for.

    Opening reads and checks header, manifest and tables; a tensor is read when it is asked for. Any
    number of threads may use the object at once. Failures are DcfErrors; a missing file is a
    FileNotFoundError, a missing tensor a KeyError.
    """

    def __init__(
        self,
        filename: Any,
        framework: str = "np",
        device: Any = "cpu",
        *,
        max_memory: int | None = None,
        threads: int = 0,
        **limits: int,
    ) -> None:
        self._framework: Framework = framework_of(framework, device)
        self._file = File(filename, max_memory=max_memory, threads=threads, **limits)

    def __enter__(self) -> safe_open:
        return self

    def __exit__(self, *_unused: Any) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file; tensors that were read stay."""
        self._file.close()

    @property
    def file(self) -> File:
        """The handle below, for what has no method here."""
        return self._file

    def keys(self) -> list[str]:
        """Names of the tensors, sorted bytewise."""
        return [self._file.tensor(i).name for i in range(self._file.count())]

    def offset_keys(self) -> list[str]:
        """As keys(): the order of the file."""
        return self.keys()

    def __len__(self) -> int:
        return self._file.count()

    def __contains__(self, name: object) -> bool:
        try:
            self._file.find(str(name))
        except KeyError:
            return False
        return True

    def metadata(self) -> dict[str, str] | None:
        """The model's metadata; None if there is none, as in safetensors."""
        return self._file.metadata() or None

    def info(self, name: str) -> TensorInfo:
        """What the file says about a tensor: type, shape, encoding, bytes, what was lost."""
        return self._file.tensor(self._file.find(name))

    def get_shape(self, name: str) -> list[int]:
        """The tensor's shape."""
        return list(self.info(name).shape)

    def get_tensor(self, name: str, *, layout: str = "dense", dtype: str | None = None) -> Any:
        """A tensor.

        layout: "dense"; "csr": a scipy.sparse.csr_array or torch.sparse_csr_tensor of [rows, cols]
            without a dense copy; "codes": `Codes` of a clustered tensor, as NumPy arrays.
        dtype: None for the tensor's own, or "float32" to convert f16, bf16 and f8 (exactly), f64
            and integers (rounded to nearest even).
        """
        if dtype not in (None, "float32", "f32"):
            raise ValueError(f"a tensor comes in its own dtype or as 'float32', not {dtype!r}")
        index = self._file.find(name)
        info = self._file.tensor(index)
        as_f32 = dtype is not None and info.dtype.number != F32
        if layout == "dense":
            value = _load.load_one(
                self._file,
                index,
                lambda i: allocate_for(self._framework, i, as_f32),
                as_dtype=F32 if as_f32 else 0,
            )
            return self._framework.finish(value)
        if layout == "csr":
            return self._csr(index, info, as_f32)
        if layout == "codes":
            return self._codes(index, info)
        raise ValueError(f"the layout is 'dense', 'csr' or 'codes', not {layout!r}")

    def _csr(self, index: int, info: TensorInfo, as_f32: bool) -> Any:
        if is_packed(info.dtype):
            raise TypeError(f"{info.name!r} has elements that are no whole number of bytes")
        dtype = FLOAT32 if as_f32 else info.dtype
        value_dtype = self._framework.value_dtype(dtype)
        parts = self._file.decode_csr(index, value_dtype, F32 if as_f32 else 0)
        return self._framework.csr((info.rows, info.cols), dtype, parts)

    def _codes(self, index: int, info: TensorInfo) -> Codes:
        if info.values != "palette":
            raise ValueError(f"{info.name!r} is stored as {info.values}, not by a codebook")
        return Codes(
            self._file.decode_codes(index),
            self._file.decode_codebook(index, numpy_dtype(info.dtype)),
            info.positions != "dense",
        )

    def get_slice(self, name: str) -> TensorSlice:
        """The tensor without its data: slice it as an array. Of the first dimension only the rows
        that are asked for are read and decoded."""
        return TensorSlice(self._file, self._file.find(name), self._framework)

    def get_tensors(
        self, names: list[str] | None = None, *, progress: Any = None
    ) -> dict[str, Any]:
        """Several tensors, or all, decoded in parallel. progress: see `dcf_codec.compress`."""
        indices = None if names is None else [self._file.find(name) for name in names]
        found = _load.load_all(
            self._file,
            lambda info: allocate_for(self._framework, info),
            progress=progress,
            indices=indices,
        )
        return {name: self._framework.finish(value) for name, value in found.items()}

    def verify(self, name: str | None = None, *, progress: Any = None) -> None:
        """Checks every byte of the file, or of one tensor: raises the failure of lowest offset."""
        index = None if name is None else self._file.find(name)
        _load.verify(self._file, index, progress)
