# SPDX-License-Identifier: Apache-2.0
"""Arrays as a safetensors file: the statistics that the dcf program reads."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

METADATA = "__metadata__"
_NAMES = {"<f8": "F64", "<f4": "F32", "<f2": "F16"}


def _float_array(name: str, value: Any) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.newbyteorder("<").str not in _NAMES:
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name!r} in a dict of statistics is no array of numbers")
        array = array.astype(np.float32)
    # Not ascontiguousarray(), which makes an axis of a scalar.
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C")


def write_arrays(out: Any, arrays: Mapping[str, Any]) -> None:
    """Writes name -> array of numbers to a file that is open for bytes; METADATA -> {key: text} is
    that of safetensors. Types other than f64, f32 and f16 become f32."""
    header: dict[str, Any] = {}
    values = []
    offset = 0
    for name, value in arrays.items():
        if name == METADATA:
            header[name] = {str(key): str(text) for key, text in value.items()}
            continue
        array = _float_array(name, value)
        header[name] = {
            "dtype": _NAMES[array.dtype.str],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
        values.append(array)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    out.write(len(text).to_bytes(8, "little") + text)
    for array in values:
        out.write(array.reshape(-1).data)


def check_free(path: str | os.PathLike[str], force: bool) -> None:
    """FileExistsError where a file is there that must not be replaced, IsADirectoryError where a
    folder is; FileNotFoundError, NotADirectoryError where the path is not in a folder."""
    name = os.fspath(path)
    if os.path.isdir(name):
        raise IsADirectoryError(errno.EISDIR, "a folder is where the file is to be", name)
    if not force and os.path.lexists(name):
        raise FileExistsError(errno.EEXIST, "force=True replaces the file", name)
    folder = os.path.dirname(name) or os.curdir
    if not os.path.lexists(folder):
        raise FileNotFoundError(errno.ENOENT, "there is no folder for the file", name)
    if not os.path.isdir(folder):
        raise NotADirectoryError(errno.ENOTDIR, "the file is to be in what is no folder", name)


def save_arrays(
    path: str | os.PathLike[str], arrays: Mapping[str, Any], force: bool = False
) -> None:
    """As write_arrays(), to a file that appears whole or not at all. FileExistsError where it exists
    already, unless force."""
    path = os.fspath(path)
    check_free(path, force)
    part = f"{path}.{os.getpid()}.part"
    try:
        with open(part, "xb") as out:
            write_arrays(out, arrays)
        check_free(path, force)
        os.replace(part, path)
    finally:
        if os.path.lexists(part):
            os.unlink(part)
