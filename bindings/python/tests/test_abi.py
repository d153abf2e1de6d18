# SPDX-License-Identifier: Apache-2.0
"""_abi.py against the recorded ABI of the tree, tests/abi/abi.txt: no struct, field, function or
argument is missing, and every one has its place and size."""

from __future__ import annotations

import ctypes
import re

import pytest
from conftest import TREE

from dcf_codec import _abi

RECORD = (TREE / "tests" / "abi" / "abi.txt").read_text()
SECTIONS = {
    part.split("\n", 1)[0]: part.split("\n", 1)[1] for part in RECORD.split("# ")[1:] if part
}


def _class_of(struct: str) -> type[ctypes.Structure]:
    name = "".join(word.capitalize() for word in struct.removeprefix("dcf_").split("_"))
    return getattr(_abi, {"Error": "ErrorInfo"}.get(name, name))


HANDLES = ("dcf_file", "dcf_layer", "dcf_writer", "dcf_stats")
STRUCTS = re.findall(r"^(dcf_\w+): (\d+) bytes$", SECTIONS["Structs"], re.M)
FIELDS = re.findall(r"^(dcf_\w+)\.(\w+): at (\d+), (\d+) bytes$", SECTIONS["Structs"], re.M)
FUNCTIONS = re.findall(
    r"^(?!typedef)([\w ]+?[ *]+)(dcf_\w+)\((.*)\)$", SECTIONS["Declarations"], re.M
)


def test_the_record_is_read() -> None:
    assert len(STRUCTS) > 15 and len(FIELDS) > 100 and len(FUNCTIONS) > 60


@pytest.mark.parametrize(("struct", "size"), STRUCTS)
def test_struct(struct: str, size: str) -> None:
    cls = _class_of(struct)
    assert ctypes.sizeof(cls) == int(size)
    recorded = [(f, int(at), int(n)) for s, f, at, n in FIELDS if s == struct]
    ours = [(f, getattr(cls, f).offset, getattr(cls, f).size) for f, *_ in cls._fields_]
    assert ours == recorded


def _matches(declaration: str, ours: object) -> bool:
    text = re.sub(r"\b(const|struct|enum)\b", "", declaration).strip()
    kind = re.sub(r"\s*\w+$", "", text) if not text.endswith("*") else text
    kind = kind.replace(" ", "") or text
    if kind in ("dcf_progress_fn",):
        return ours is _abi.ProgressFn
    numbers = {
        "size_t": ctypes.c_size_t,
        "uint32_t": ctypes.c_uint32,
        "uint64_t": ctypes.c_uint64,
        "double": ctypes.c_double,
    }
    if kind in numbers:
        return ours is numbers[kind]
    if not kind.endswith("*"):
        return ours is ctypes.c_uint32  # an enum
    target = kind[:-1]
    if target == "char":
        return ours is ctypes.c_char_p
    if target in ("void", "float", "uint8_t", "uint16_t") or target in HANDLES:
        return ours is ctypes.c_void_p
    if kind in ("uint32_t*", "size_t*", "uint64_t*", "double*"):
        if ours is ctypes.c_void_p:
            return True  # an array
        return getattr(ours, "_type_", None) is numbers[target]
    if kind.endswith("**"):
        return ours is ctypes.POINTER(ctypes.c_void_p)
    return getattr(ours, "_type_", None) is _class_of(target)


@pytest.mark.parametrize(("result", "name", "arguments"), FUNCTIONS)
def test_function(result: str, name: str, arguments: str) -> None:
    ours_result, ours = _abi.PROTOTYPES[name]
    declared = [] if arguments in ("void", "") else arguments.split(", ")
    assert len(ours) == len(declared)
    for argument, kind in zip(declared, ours):
        assert _matches(argument, kind), argument
    if result.strip() == "void":
        assert ours_result is None
    else:
        assert _matches(result.strip() + " r", ours_result), result


def test_no_function_is_missing_or_made_up() -> None:
    assert {name for _, name, _ in FUNCTIONS} == set(_abi.PROTOTYPES)


def test_status_numbers() -> None:
    names = dict(re.findall(r"DCF_STATUS_(\w+) = (\d+)", SECTIONS["Declarations"]))
    for name in ("OK", "INVALID_ARGUMENT", "NOT_FOUND", "CANCELLED", "IO_OPEN", "FILE_EXISTS"):
        assert getattr(_abi, f"STATUS_{name}") == int(names[name])
