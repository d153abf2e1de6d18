# SPDX-License-Identifier: Apache-2.0
"""The golden files of the tree: valid ones decode to the bytes beside them, invalid ones are refused
with the code, rule and offset of their index, by the library and by the program."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from conftest import GOLDEN

import dcf_codec
from dcf_codec import File
from dcf_codec.errors import DcfError, LimitError, ModelError, UnsupportedError
from dcf_codec.numpy import load, load_file

VALID = sorted((GOLDEN / "v0").glob("*.dcf"))
INVALID = [
    line.split("\t")
    for line in (GOLDEN / "invalid" / "index.tsv").read_text().splitlines()
    if line and not line.startswith("#")
]


def _dense(path: pathlib.Path) -> bytes:
    """The bytes of all tensors in the order of the file."""
    return b"".join(array.tobytes() for array in load_file(path, threads=2).values())


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_valid(path: pathlib.Path) -> None:
    expected = path.with_suffix(".bin").read_bytes()
    assert _dense(path) == expected
    with dcf_codec.safe_open(path) as f:
        f.verify()
        for name in f.keys():
            tensor = f.get_tensor(name)
            packed = f.info(name).dtype.bits % 8 != 0
            assert packed or list(tensor.shape) == f.get_shape(name)
    data = path.read_bytes()
    for source in (data, bytearray(data), np.frombuffer(data, np.uint8)):
        assert b"".join(a.tobytes() for a in load(source).values()) == expected
    with open(path, "rb") as stream:
        assert b"".join(a.tobytes() for a in load_file(stream).values()) == expected


@pytest.mark.parametrize(("name", "code", "rule", "offset"), INVALID)
def test_invalid(name: str, code: str, rule: str, offset: str) -> None:
    path = GOLDEN / "invalid" / f"{name}.dcf"
    with pytest.raises(DcfError) as caught:
        File(path).verify()
    error = caught.value
    assert (error.name, error.rule, error.offset) == (code, rule, int(offset))
    assert isinstance(error, (ModelError, UnsupportedError, LimitError))
    assert error.code is not None and rule in str(error)


@pytest.mark.parametrize(("name", "code", "rule", "offset"), INVALID[::8])
def test_invalid_by_the_program(name: str, code: str, rule: str, offset: str) -> None:
    with pytest.raises(DcfError) as caught:
        dcf_codec.verify(GOLDEN / "invalid" / f"{name}.dcf")
    error = caught.value
    if error.code is None:
        pytest.skip("a file that is not told by its magic is a model of another format")
    assert (error.name, error.rule, error.offset) == (code, rule, int(offset))


def test_a_damaged_tensor_is_named(tmp_path: pathlib.Path) -> None:
    data = bytearray((GOLDEN / "invalid" / "flipped_chunk.dcf").read_bytes())
    with pytest.raises(DcfError) as caught:
        load(bytes(data))
    assert caught.value.name == "ChecksumMismatch"
    assert isinstance(caught.value.tensor, str)
