# SPDX-License-Identifier: Apache-2.0
"""Arguments that do not fit are exceptions, and nothing of them reaches the library cut."""

from __future__ import annotations

import ctypes
import io
import os
import pathlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from dcf_codec import Encoding, File, Writer, safe_open
from dcf_codec._callbacks import ReadCallback
from dcf_codec.errors import IntegrityError, MachineError
from dcf_codec.numpy import load, load_file, save, save_file


@pytest.fixture
def array(rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal((64, 64)).astype(np.float32)


@pytest.mark.parametrize(
    "wrong",
    [
        {"bits": 2**32},
        {"bits": 9},
        {"bits": -1},
        {"seed": -1},
        {"seed": 2**64},
        {"gap_bits": 2**32 + 4},
        {"gap_bits": 1},
        {"sparsity": 1.0},
        {"sparsity": float("nan")},
        {"sqnr_db": 5},
        {"init": "best"},
        {"positions": "none"},
        {"effort": "much"},
        {"source_fidelity": "good"},
    ],
)
def test_encoding(wrong: dict) -> None:
    with pytest.raises(ValueError):
        Encoding(**wrong)


def test_encodings_name_tensors(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="'weigth'"):
        save({"weight": array}, encoding={"weigth": Encoding(bits=3)})


def test_what_is_no_dict(array: np.ndarray) -> None:
    for tensors in ([array], None, array):
        with pytest.raises(TypeError, match="^tensors are a dict, name -> tensor, not a"):
            save(tensors)
    with pytest.raises(TypeError, match="^a tensor's name is a str, not 3$"):
        save({3: array})
    for metadata in (["a"], "a"):
        with pytest.raises(TypeError, match="^metadata is a dict of str, not a"):
            save({"w": array}, metadata)
    with pytest.raises(TypeError, match="^metadata is a dict of str, and has 'epoch': 3$"):
        save({"w": array}, {"epoch": 3})
    with pytest.raises(TypeError, match="^`encoding` is an Encoding, or a dict.*not a int"):
        save({"w": array}, encoding=5)
    with pytest.raises(TypeError, match="^`encoding` has no Encoding for 'w', but a dict"):
        save({"w": array}, encoding={"w": {"bits": 5}})


def test_failures_name_the_tensor(array: np.ndarray, tmp_path: pathlib.Path) -> None:
    wide = array.astype(np.complex128)
    for wrong, dtype in ((wide, "complex128"), ({"inner": array}, "object")):
        with pytest.raises(TypeError, match=f"^tensor 'layer': .*{dtype}"):
            save_file({"w": array, "layer": wrong}, tmp_path / "m.dcf")
    with pytest.raises(ValueError, match="^tensor 'layer': .*inhomogeneous"):
        save({"layer": [[1], [2, 3]]})
    assert os.listdir(tmp_path) == []


def test_what_is_no_file_and_no_name(array: np.ndarray) -> None:
    for source in (None, 3, [1]):
        with pytest.raises(
            TypeError, match="^a .dcf file is a path, bytes or an object that reads"
        ):
            load_file(source)
    with safe_open(save({"w": array})) as f:
        for call in (f.get_tensor, f.get_slice, f.info):
            with pytest.raises(TypeError, match="^a tensor's name is a str, not 3$"):
                call(3)


@pytest.mark.parametrize("name", ["q", "bf16"])
def test_fields_that_are_arrays(name: str) -> None:
    with pytest.raises(TypeError, match=f"'w'.*{name}"):
        save({"w": np.zeros(3, [(name, "<u2", (2,))])})


def test_what_one_encoding_leaves_lossless(rng: np.random.Generator) -> None:
    def is_lossy(array: np.ndarray) -> bool:
        with safe_open(save({"t": array}, encoding=Encoding(bits=2))) as f:
            return f.info("t").fidelity == "lossy"

    floats = rng.standard_normal(4096).astype(np.float32)
    assert is_lossy(floats[:512].reshape(16, 32)) and not is_lossy(floats)
    assert not is_lossy(floats[:511].reshape(7, 73)) and not is_lossy(floats[0])
    for odd in (np.nan, np.inf):
        floats[9] = odd
        assert not is_lossy(floats.reshape(64, 64))


def _decode(f: File, index: Any = 0, size: Any = 64 * 64 * 4, **more: Any) -> None:
    out = np.empty((64, 64), np.float32)
    f.decode_into(index, out.ctypes.data, size, **more)


@pytest.mark.parametrize(
    "call",
    [
        lambda f: f.tensor(2**64),
        lambda f: f.tensor(-1),
        lambda f: f.verify(2**64),
        lambda f: f.decode_memory(2**64),
        lambda f: f.decode_all([(2**64, None, 0)]),
        lambda f: _decode(f, 2**64),
        lambda f: _decode(f, size=2**64 + 64 * 64 * 4),
        lambda f: _decode(f, as_dtype=2**32),
        lambda f: _decode(f, rows=(1, 0)),
        lambda f: _decode(f, rows=(-1, 1)),
        lambda f: Writer(print).copy(f, 2**64),
        lambda f: Writer(print).add_section(2**32 + 1000, b""),
        lambda f: Writer(print, threads=-1),
        lambda f: Writer(print, max_memory=-1),
        lambda f: File(b"", max_memory=-1),
        lambda f: File(b"", threads=2**32),
        lambda f: File(b"", max_output=-1),
        lambda f: Writer(print).add_codes("w", (2**64 + 1,), [0], np.float32([1]), dtype="f4"),
    ],
)
def test_numbers(array: np.ndarray, call: Callable[[File], Any]) -> None:
    with pytest.raises(ValueError):
        call(File(save({"a": array})))


def test_what_is_no_number(array: np.ndarray) -> None:
    f = File(save({"a": array}))
    for call in (
        lambda: Writer(print).add_codes("w", (4.7,), [0] * 4, np.float32([1]), dtype="f4"),
        lambda: f.tensor(0.0),  # type: ignore[arg-type]
        lambda: Encoding(bits=3.5),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError, match="integer"):
            call()
    assert f.tensor(np.uint8(0)).name == "a"


def test_values_fit_their_array(array: np.ndarray) -> None:
    f = File(save({"a": array, "b": array.astype(np.float16), "c": array.round()}))
    for index, dtype, as_dtype in ((0, "f2", 0), (0, "f8", 0), (1, "f2", 2), (1, "f4", 0)):
        with pytest.raises(ValueError, match="bits"):
            f.decode_csr(index, np.dtype(dtype), as_dtype)
    assert np.array_equal(f.decode_csr(0, np.dtype("f4"), 0)[2], array.ravel())
    assert f.decode_csr(1, np.dtype("f4"), 2)[2].size == array.size
    for dtype in ("f2", "f8"):
        with pytest.raises(ValueError, match="bits"):
            f.decode_codebook(2, np.dtype(dtype))
    f = File(save({"a": array.astype(np.float64)}))
    with pytest.raises(ValueError, match="bits"):
        f.decode_csr(0, np.dtype(object), 0)


def test_paths(array: np.ndarray, tmp_path: pathlib.Path) -> None:
    for path in (f"{tmp_path}/m.dcf\0more", os.fsencode(tmp_path) + b"/m.dcf\0more"):
        with pytest.raises(ValueError, match="null byte"):
            Writer(path)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="null byte"):
        save_file({"a": array}, f"{tmp_path}/m.dcf\0more")
    with pytest.raises(ValueError, match="null byte"):
        load_file(f"{tmp_path}/m.dcf\0more")
    assert os.listdir(tmp_path) == []


def test_the_byte_order_of_structured_scalars() -> None:
    big = np.arange(6, dtype=">u2").view([("bf16", ">u2")])
    back = load(save({"t": big}))["t"]
    assert back.view(np.uint16).tolist() == list(range(6))


# ---- Objects that are read from


class Generous(io.BytesIO):
    """Its reads give more than they were asked for."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(size) + b"more"


def test_a_stream_that_gives_too_much(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="gave"):
        File(Generous(save({"a": array})))


class Failing(io.BytesIO):
    """Some threads may not read from it."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.bad: list[int] = []

    def read(self, size: int | None = -1) -> bytes:
        if threading.get_ident() in self.bad:
            raise RuntimeError("this thread may not read")
        return super().read(size)


def test_a_failure_stays_with_its_call(rng: np.random.Generator) -> None:
    tensors = {name: rng.standard_normal((300, 300)).astype(np.float32) for name in "ab"}
    source = Failing(save(tensors))
    outcomes: dict[str, list[str]] = {"a": [], "b": []}
    with safe_open(source, threads=1) as f:

        def read(name: str) -> None:
            if name == "b":
                source.bad.append(threading.get_ident())
            for _ in range(40):
                try:
                    assert np.array_equal(f.get_tensor(name), tensors[name])
                    outcomes[name].append("read")
                except (RuntimeError, OSError) as error:
                    outcomes[name].append(str(error))

        threads = [threading.Thread(target=read, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert outcomes == {"a": ["read"] * 40, "b": ["this thread may not read"] * 40}


def test_a_failure_beside_a_call_that_reads() -> None:
    """The one call is over between the failure and the end of the other."""
    bad = threading.get_ident()
    read = []

    def read_into(offset: int, _buffer: memoryview) -> None:
        if threading.get_ident() == bad:
            raise RuntimeError("this thread may not read")
        read.append(offset)

    callback = ReadCallback(read_into)
    buffer = ctypes.create_string_buffer(8)

    def call() -> None:
        with callback:
            assert callback.pointer(None, 5, ctypes.addressof(buffer), 8) == 0

    with pytest.raises(RuntimeError, match="may not"), callback:
        assert callback.pointer(None, 3, ctypes.addressof(buffer), 8) == 1
        with ThreadPoolExecutor(1) as pool:
            pool.submit(call).result()
    assert read == [5]


def test_failures_in_threads_of_the_library() -> None:
    def read_into(offset: int, _buffer: memoryview) -> None:
        raise RuntimeError(f"at {offset}")

    callback = ReadCallback(read_into)
    buffer = ctypes.create_string_buffer(8)

    def fail(offset: int) -> MachineError:
        """A read on a thread that makes no call, and what the library says of it."""
        with ThreadPoolExecutor(1) as pool:
            found = pool.submit(callback.pointer, None, offset, ctypes.addressof(buffer), 8)
            assert found.result() == 1
        return MachineError("reading failed", code=81, name="IoRead", offset=offset)

    with callback:  # a call beside it, which reads nothing that fails
        first, second = fail(3), fail(5)
        for error in (second, first):
            with pytest.raises(RuntimeError, match=f"at {error.offset}"), callback:
                raise error
        with pytest.raises(IntegrityError), callback:
            raise IntegrityError("of the file itself")


def test_a_failure_of_the_file_is_not_one_of_its_reader(rng: np.random.Generator) -> None:
    tensor = rng.standard_normal((300, 300)).astype(np.float32)
    data = bytearray(save({"a": tensor}))
    data[len(data) // 2] ^= 1
    with safe_open(io.BytesIO(bytes(data))) as f, pytest.raises(IntegrityError):
        f.get_tensor("a")
