# SPDX-License-Identifier: Apache-2.0
"""Writer: its lifetime, its threads, its targets, its interrupts, and what add_codes takes."""

from __future__ import annotations

import copy
import errno
import io
import os
import pathlib
import pickle
import socket
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from dcf_codec import File, Layer, Writer, safe_open
from dcf_codec.errors import DcfError
from dcf_codec.numpy import load, save, save_file


@pytest.fixture
def array(rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal((64, 64)).astype(np.float32)


def bad_state(call: Callable[[], Any]) -> bool:
    with pytest.raises(DcfError) as caught:
        call()
    return caught.value.name == "BadState"


# ---- Lifetime


def test_callbacks_of_a_writer_may_not_call_it(array: np.ndarray) -> None:
    refused = []
    out = bytearray()

    def target(data: memoryview) -> None:
        refused.append(bad_state(lambda: writer.add("b", array)))
        out.extend(data)

    def progress(_done: int, _total: int) -> None:
        refused.append(bad_state(writer.finish))

    writer = Writer(target, progress=progress)
    writer.add("a", array)
    writer.finish()
    writer.close()
    assert len(refused) > 1 and all(refused)
    assert load(bytes(out))["a"].tobytes() == array.tobytes()


@pytest.mark.parametrize("where", ["target", "progress"])
def test_closing_in_a_callback_waits_for_the_call(array: np.ndarray, where: str) -> None:
    out = bytearray()

    def target(data: memoryview) -> None:
        out.extend(data)
        if where == "target":
            writer.close()

    def progress(_done: int, _total: int) -> None:
        if where == "progress":
            writer.close()

    writer = Writer(target, progress=progress)
    writer.add("a", array)
    if where == "target":
        writer.finish()
        assert load(bytes(out))["a"].tobytes() == array.tobytes()
    assert bad_state(lambda: writer.add("b", array))


def test_closing_from_another_thread(rng: np.random.Generator) -> None:
    big = rng.standard_normal((1000, 1000)).astype(np.float32)
    begun = threading.Event()
    writer = Writer(bytearray().extend, progress=lambda _done, _total: begun.set())
    thread = threading.Thread(target=lambda: (begun.wait(), writer.close()))
    thread.start()
    writer.add("a", big)
    thread.join()
    assert bad_state(writer.finish)


def test_threads_take_turns(rng: np.random.Generator, tmp_path: pathlib.Path) -> None:
    arrays = {str(i): rng.standard_normal((30, 40)).astype(np.float32) for i in range(60)}
    with Writer(tmp_path / "m.dcf") as writer, ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(writer.add, *item) for item in arrays.items()]:
            done.result()
    assert (tmp_path / "m.dcf").read_bytes() == save(arrays)


def test_handles_are_not_copied(array: np.ndarray, tmp_path: pathlib.Path) -> None:
    data = save({"w": array})
    with Writer(tmp_path / "m.dcf") as writer, safe_open(data) as f:
        for one in (writer, f, f.file, Layer(f, "w")):
            for way in (copy.copy, copy.deepcopy, pickle.dumps):
                with pytest.raises(TypeError, match="cannot be copied"):
                    way(one)


def test_a_finished_writer_leaves_its_block(array: np.ndarray, tmp_path: pathlib.Path) -> None:
    with Writer(tmp_path / "m.dcf") as writer:
        writer.add("a", array)
        writer.finish()
    assert len(safe_open(tmp_path / "m.dcf")) == 1


def test_an_unfinished_writer_warns(array: np.ndarray, tmp_path: pathlib.Path) -> None:
    writer = Writer(tmp_path / "m.dcf")
    writer.add("a", array)
    with pytest.warns(ResourceWarning, match="unfinished"):
        writer.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        writer.close()
        Writer(tmp_path / "m.dcf").close()
        with pytest.raises(TypeError):
            save_file({"a": array, "b": np.array(["text"])}, tmp_path / "m.dcf")
        with pytest.raises(RuntimeError), Writer(tmp_path / "m.dcf") as writer:
            writer.add("a", array)
            raise RuntimeError


# ---- Targets


def written(target: Callable[[memoryview], Any], array: np.ndarray) -> None:
    with Writer(target) as writer:
        writer.add("a", array)


def test_pieces_are_gone_after_the_call(array: np.ndarray) -> None:
    pieces: list[memoryview] = []
    written(pieces.append, array)
    with pytest.raises(ValueError, match="released"):
        bytes(pieces[0])
    parts: list[Any] = []
    for kept in (lambda data: data[1:], lambda data: np.frombuffer(data, np.uint8)):
        with pytest.raises(BufferError, match="keeps"):
            written(lambda data, kept=kept: parts.append(kept(data)), array)
        parts.clear()


def test_targets_may_take_less(array: np.ndarray, tmp_path: pathlib.Path) -> None:
    out = io.BytesIO()
    written(out.write, array)
    assert out.getvalue() == save({"a": array})
    with open(tmp_path / "m.dcf", "wb") as file:
        written(file.write, array)
    assert (tmp_path / "m.dcf").read_bytes() == out.getvalue()
    slow = io.BytesIO()
    written(lambda data: slow.write(data[:100]), array)
    assert slow.getvalue() == out.getvalue()
    for wrong in (0, -1, 1 << 40):
        with pytest.raises(OSError, match="took"):
            written(lambda _data, wrong=wrong: wrong, array)


# ---- Interrupts. A shell's background jobs, such as tests may be, start with them ignored.
SCRIPT = """
    import io, os, signal, sys, threading, time
    import numpy as np
    from dcf_codec import Encoding, Writer
    from dcf_codec.numpy import save_file

    signal.signal(signal.SIGINT, signal.default_int_handler)
    work, times = sys.argv[1], int(sys.argv[2])
    big = np.random.default_rng(0).standard_normal((2000, 2000)).astype(np.float32)
    begun = threading.Event()

    def interrupt():
        begun.wait()
        time.sleep(0.02)
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.02)

    def write(data):
        begun.set()
        time.sleep(0.2)

    def progress(done, total):
        begun.set()
        time.sleep(0.2)

    sender = threading.Thread(target=interrupt)
    sender.start()
    try:
        if work == "alone":  # the interrupt meets no Python
            begun.set()
            Writer("m.dcf").add("a", big, Encoding(bits=8, init="optimal"))
        elif work == "save":
            save_file({"a": big}, "m.dcf", progress=progress)
        elif work == "add":
            Writer("m.dcf", progress=progress).add("a", big)
        elif work == "add_all":
            Writer("m.dcf", progress=progress).add_all({"a": big, "b": big + 1})
        else:
            writer = Writer(write)
            writer.add("a", big)
            writer.finish()
        print("missed")
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("interrupted")
    sender.join()
"""


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("work", ["alone", "save", "add", "add_all", "finish"])
def test_interrupts(tmp_path: pathlib.Path, work: str, times: int) -> None:
    script = textwrap.dedent(SCRIPT)
    command = [sys.executable, "-c", script, work, str(times)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("interrupted\n", "", 0)
    assert os.listdir(tmp_path) == []


def test_the_helping_thread_is_not_needed_late_nor_in_a_child(tmp_path: pathlib.Path) -> None:
    script = """
        import atexit, os
        import numpy as np
        from dcf_codec import Writer

        def write(name):
            with Writer(name) as writer:
                writer.add("a", np.zeros(3))

        atexit.register(write, "late.dcf")
        write("first.dcf")
        child = os.fork()
        if child == 0:
            write("child.dcf")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert (done.stderr, done.returncode) == ("", 0)
    assert sorted(os.listdir(tmp_path)) == ["child.dcf", "first.dcf", "late.dcf"]


def test_verifying_is_interrupted_as_such(array: np.ndarray) -> None:
    f = File(save({"a": array}))
    here = threading.get_ident()
    seen = []
    f.verify(progress=lambda _done, _total: seen.append(threading.get_ident()))
    assert seen and here not in seen


# ---- add_codes


def add_codes(*arguments: Any, **named: Any) -> np.ndarray:
    out = bytearray()
    with Writer(out.extend) as writer:
        writer.add_codes("w", *arguments, **named)
    return load(bytes(out))["w"]


def test_codes() -> None:
    codes = np.array([[0, 1, 2], [2, 1, 0]])
    book = np.array([-1, 0.5, 3], np.float32)
    for one in (book, book.astype(">f4")):
        for dtype in (np.float32, "f4", np.dtype(">f4")):
            assert np.array_equal(add_codes((2, 3), codes, one, dtype=dtype), book[codes])
    sparse = add_codes((2, 3), [0, 2], book, dtype="f4", row_ptr=[0, 1, 2], col=[2, 0])
    assert sparse.tolist() == [[0, 0, -1], [3, 0, 0]]


@pytest.mark.parametrize(
    ("codes", "book", "more"),
    [
        ([257, 0], np.float32([1, 2]), {}),
        ([-1, 0], np.float32([1, 2]), {}),
        ([1.9, 0], np.float32([1, 2]), {}),
        ([1, 0], np.float16([1, 2]), {}),
        ([1, 0], [1, 2], {}),
        ([1, 0], np.float32([[1, 2]]), {}),
        ([1, 0, 1], np.float32([1, 2]), {}),
        ([1, 5], np.float32([1, 2]), {}),
        ([1, 0], np.float32([1, 2]), {"row_ptr": [0, 2], "col": [0]}),
        ([1, 0], np.float32([1, 2]), {"row_ptr": [0, 2], "col": [0, 2**32 + 1]}),
        ([1, 0], np.float32([1, 2]), {"row_ptr": [0, 2]}),
    ],
)
def test_codes_that_do_not_fit(codes: Any, book: Any, more: dict) -> None:
    with pytest.raises((TypeError, ValueError)):
        add_codes((1, 2), codes, book, dtype="f4", **more)


# ---- Failures


def test_errno(array: np.ndarray, tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        Writer(tmp_path / "no" / "m.dcf")
    assert (caught.value.errno, caught.value.filename) == (
        errno.ENOENT,
        str(tmp_path / "no" / "m.dcf"),
    )
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.errno, again.filename) == (errno.ENOENT, caught.value.filename)
    save_file({"a": array}, tmp_path / "m.dcf")
    with pytest.raises(FileExistsError) as exists:
        Writer(tmp_path / "m.dcf")
    assert exists.value.errno == errno.EEXIST
    for way in (File, Writer):
        with pytest.raises(OSError) as folder:
            way(tmp_path)
        assert (folder.value.errno, folder.value.filename) == (errno.EISDIR, str(tmp_path))
        assert isinstance(folder.value, IsADirectoryError)
        assert str(folder.value).startswith(f"{tmp_path}: it is a directory")
    with pytest.raises(NotADirectoryError) as below:
        File(tmp_path / "m.dcf" / "x")
    assert below.value.errno == errno.ENOTDIR
    # One for which the library has no sentence of its own.
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        with pytest.raises(OSError) as no_file:
            File(tmp_path / "s")
    assert (no_file.value.errno, no_file.value.filename) == (errno.ENXIO, str(tmp_path / "s"))
