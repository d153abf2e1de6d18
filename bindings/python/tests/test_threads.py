# SPDX-License-Identifier: Apache-2.0
"""The GIL is released, calls run side by side, and progress, Ctrl-C and exceptions end the work."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import dcf_codec
from dcf_codec import safe_open
from dcf_codec.numpy import load_file, save_file


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Two tensors of 32 MB, which take many chunks, and some small ones."""
    rng = np.random.default_rng(1)
    path = tmp_path_factory.mktemp("large") / "m.dcf"
    tensors = {f"big{i}": rng.standard_normal((2000, 4000)).astype(np.float32) for i in range(2)}
    tensors |= {f"small{i}": rng.standard_normal(100).astype(np.float32) for i in range(300)}
    save_file(tensors, path)
    return path


def test_the_gil_is_released(large: pathlib.Path) -> None:
    """Another thread counts while one call of the library decodes. With the GIL held it could not
    count at all in between, as the call is one function of C."""
    turns = 0
    stop = threading.Event()

    def count() -> None:
        nonlocal turns
        while not stop.is_set():
            turns += 1
            time.sleep(0)  # lets the GIL go, and asks for it again

    with safe_open(large, threads=1) as f:
        f.get_shape("big0")
        array = np.empty((2000, 4000), np.float32)
        thread = threading.Thread(target=count)
        thread.start()
        while turns == 0:
            time.sleep(0.001)
        sys.setswitchinterval(1000)  # nobody asks for the GIL: it only goes if it is let go
        try:
            before = turns
            f.file.decode_into(f.file.find("big0"), array.ctypes.data, array.nbytes)
            after = turns
        finally:
            sys.setswitchinterval(0.005)
            stop.set()
            thread.join()
    assert after > before


def test_many_threads_read_one_file(large: pathlib.Path) -> None:
    expected = load_file(large)
    failures = []
    with safe_open(large) as f:

        def read(start: int) -> None:
            for i in range(start, 300, 4):
                if not np.array_equal(f.get_tensor(f"small{i}"), expected[f"small{i}"]):
                    failures.append(i)
            if not np.array_equal(
                f.get_slice("big0")[start : start + 9], expected["big0"][start : start + 9]
            ):
                failures.append(-1)

        threads = [threading.Thread(target=read, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures


def test_closing_while_others_read(large: pathlib.Path) -> None:
    f = safe_open(large)
    outcomes = []

    def read() -> None:
        try:
            outcomes.append(f.get_tensor("big0").shape)
        except ValueError:
            outcomes.append("closed")

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    f.close()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 4 and set(outcomes) <= {(2000, 4000), "closed"}


def test_threads_give_the_same(large: pathlib.Path) -> None:
    one, many = load_file(large, threads=1), load_file(large, threads=8)
    assert one.keys() == many.keys()
    assert all(np.array_equal(one[name], many[name]) for name in one)


def _rises(steps: list[tuple[int, int]], total: int) -> None:
    assert steps[-1] == (total, total) and all(t == total for _, t in steps)
    assert all(a[0] <= b[0] for a, b in zip(steps, steps[1:]))
    assert len(steps) > 5


def test_progress(large: pathlib.Path, tmp_path: pathlib.Path) -> None:
    steps: list[tuple[int, int]] = []
    tensors = load_file(large, progress=lambda *step: steps.append(step))
    total = sum(array.nbytes for array in tensors.values())
    _rises(steps, total)
    steps.clear()
    save_file(tensors, tmp_path / "m.dcf", progress=lambda *step: steps.append(step))
    _rises(steps, total)
    steps.clear()
    safe_open(large).verify(progress=lambda *step: steps.append(step))
    _rises(steps, steps[0][1])


class Enough(Exception):
    pass


def _stop(done: int, total: int) -> None:
    raise Enough


def test_an_exception_of_progress_ends_the_work(
    large: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    tensors = load_file(large)
    with pytest.raises(Enough):
        load_file(large, progress=_stop)
    with pytest.raises(Enough):
        save_file(tensors, tmp_path / "m.dcf", progress=_stop)
    with pytest.raises(Enough):
        safe_open(large).verify(progress=_stop)
    with pytest.raises(Enough):
        dcf_codec.compress(large, tmp_path / "m.dcf", bits=8, init="optimal", progress=_stop)
    assert os.listdir(tmp_path) == []


# A shell's background jobs, such as tests may be, start with interrupts ignored.
SCRIPT = """
    import signal
    import sys
    import dcf_codec
    from dcf_codec.numpy import load_file, save_file

    signal.signal(signal.SIGINT, signal.default_int_handler)
    path, out, work = sys.argv[1:]
    tensors = load_file(path)
    print("ready", flush=True)
    try:
        while True:
            if work == "load":
                load_file(path)
            elif work == "save":
                save_file(tensors, out)
            elif work == "verify":
                with dcf_codec.safe_open(path) as f:
                    f.verify()
            else:
                dcf_codec.compress(path, out, bits=4, force=True, init="optimal")
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.mark.parametrize("work", ["load", "save", "verify", "compress"])
def test_ctrl_c(large: pathlib.Path, tmp_path: pathlib.Path, work: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), large, tmp_path / "out.dcf", work]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert out == "interrupted\n", err
    assert child.returncode == 0
    assert set(os.listdir(tmp_path)) <= {"out.dcf"}
