# SPDX-License-Identifier: Apache-2.0
"""Types of elements: numbers of the C ABI, names, and NumPy's dtypes.

NumPy has no bfloat16 and no 8-bit floats of its own. With the package ml_dtypes they are its types.
Without it an element is a structured scalar with one unsigned integer field that is named after the
type, np.dtype([("bf16", "<u2")]): shapes and bytes are right, arithmetic is refused rather than
wrong, array["bf16"] has the bits, and such an array is saved as what it was.

Elements that are no whole number of bytes (f4, f6, opaque ones) have no NumPy array of the tensor's
shape: they come as a one-dimensional array of their packed bytes, np.dtype([("f4", "u1")]).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

F32 = 2
OPAQUE = 31

# number: (name of dcf_dtype_name, name in safetensors, NumPy)
_KNOWN: dict[int, tuple[str, str, str]] = {
    1: ("f64", "F64", "<f8"),
    2: ("f32", "F32", "<f4"),
    3: ("f16", "F16", "<f2"),
    7: ("i64", "I64", "<i8"),
    8: ("i32", "I32", "<i4"),
    9: ("i16", "I16", "<i2"),
    10: ("i8", "I8", "i1"),
    11: ("u64", "U64", "<u8"),
    12: ("u32", "U32", "<u4"),
    13: ("u16", "U16", "<u2"),
    14: ("u8", "U8", "u1"),
    15: ("bool", "BOOL", "?"),
    16: ("c64", "C64", "<c8"),
}
# number: (name, name in safetensors, ml_dtypes, unsigned integer of the bits)
_EXTENSION: dict[int, tuple[str, str, str, str]] = {
    4: ("bf16", "BF16", "bfloat16", "<u2"),
    5: ("f8e4m3", "F8_E4M3", "float8_e4m3fn", "u1"),
    6: ("f8e5m2", "F8_E5M2", "float8_e5m2", "u1"),
    17: ("f8e8m0", "F8_E8M0", "float8_e8m0fnu", "u1"),
    22: ("f8e4m3fnuz", "F8_E4M3FNUZ", "float8_e4m3fnuz", "u1"),
    23: ("f8e5m2fnuz", "F8_E5M2FNUZ", "float8_e5m2fnuz", "u1"),
}
_PACKED: dict[int, tuple[str, str]] = {
    18: ("f6e2m3", "F6_E2M3"),
    19: ("f6e3m2", "F6_E3M2"),
    20: ("f4", "F4"),
}

SAFETENSORS_NAMES: dict[int, str] = {
    **{number: names[1] for number, names in _KNOWN.items()},
    **{number: names[1] for number, names in _EXTENSION.items()},
    **{number: names[1] for number, names in _PACKED.items()},
}
# By kind and size, whatever the byte order.
_BY_TEXT = {np.dtype(text).str[1:]: number for number, (_, _, text) in _KNOWN.items()}
_NUMBERS = {name: number for number, (name, *_) in {**_EXTENSION, **_KNOWN}.items()}


# f64, f32, f16, bf16, and the 8-bit floats that have signs.
_FLOATS = frozenset({1, 2, 3, 4, 5, 6, 22, 23})


class DType(NamedTuple):
    """The type of a tensor's elements in a file."""

    number: int
    bits: int
    # Of opaque types.
    name: str = ""


def _ml_dtype(name: str) -> np.dtype | None:
    try:
        import ml_dtypes
    except ImportError:
        return None
    scalar = getattr(ml_dtypes, name, None)
    return None if scalar is None else np.dtype(scalar)


def is_packed(dtype: DType) -> bool:
    """Whether elements are no whole number of bytes."""
    return dtype.bits % 8 != 0


def is_float(dtype: DType) -> bool:
    """Whether elements are floats, which may be pruned and clustered."""
    return dtype.number in _FLOATS


def numpy_dtype(dtype: DType) -> np.dtype:
    """The NumPy type of an array that takes the tensor."""
    number, bits, name = dtype
    if number in _KNOWN:
        return np.dtype(_KNOWN[number][2])
    if number in _EXTENSION:
        short, _, extension, unsigned = _EXTENSION[number]
        known = _ml_dtype(extension)
        return np.dtype([(short, unsigned)]) if known is None else known
    field = name if number == OPAQUE else _PACKED[number][0]
    inner = "u1" if is_packed(dtype) else f"V{bits // 8}"
    return np.dtype([(field, inner)])


def dcf_dtype(dtype: np.dtype) -> DType:
    """The type in a file for arrays of this NumPy type. TypeError where there is none."""
    known = _BY_TEXT.get(dtype.str[1:])
    if known is not None:
        return DType(known, 8 * dtype.itemsize)
    if dtype.names is not None and len(dtype.names) == 1:
        return _of_field(dtype)
    for number, (_, _, extension, _) in _EXTENSION.items():
        if dtype.name == extension:
            return DType(number, 8 * dtype.itemsize)
    raise TypeError(f"a .dcf file has no type for arrays of dtype {dtype}")


def _of_field(dtype: np.dtype) -> DType:
    assert dtype.names is not None and dtype.fields is not None
    name = dtype.names[0]
    inner = dtype.fields[name][0]
    if name in _NUMBERS and inner.kind == "u":
        return DType(_NUMBERS[name], 8 * inner.itemsize)
    # A field that is an array has elements of its own, whose type an opaque one would not tell.
    if inner.kind == "V" and inner.names is None and inner.subdtype is None:
        return DType(OPAQUE, 8 * inner.itemsize, name)
    raise TypeError(f"the packed bytes of {name} elements do not tell the tensor's shape")
