# SPDX-License-Identifier: Apache-2.0
"""Long calls of the library that Ctrl-C ends.

A thread inside the library runs no Python, so it would not notice the signal. The work runs on other
threads, and the caller's thread waits where signals reach it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any


class Cancellation:
    """A flag that progress callbacks ask, and the sum of what they report.

    report(done, total) is called with the sums over all parts, by one thread at a time; an exception
    that it raises ends the work and reaches the caller.
    """

    def __init__(self, total: int = 0, report: Callable[[int, int], Any] | None = None) -> None:
        self.requested = False
        self._total = total
        self._done = 0
        self._report = report
        self._lock = threading.Lock()

    def part(self, size: int) -> Callable[[int, int], bool]:
        """A progress callback for a part of the work that counts for `size` of the total."""
        before = 0

        def progress(done: int, total: int) -> bool:
            nonlocal before
            if self._report is not None and not self.requested:
                now = size * done // total if total else size
                with self._lock:
                    self._done += now - before
                    before = now
                    self._report(self._done, self._total)
            return self.requested

        return progress

    def add(self, size: int) -> None:
        """Counts a part that has no callback of its own."""
        if self._report is not None and not self.requested:
            with self._lock:
                self._done += size
                self._report(self._done, self._total)


def run_all(tasks: Sequence[Callable[[], Any]], workers: int, cancel: Cancellation) -> None:
    """Runs tasks in order on `workers` threads; returns when all have ended. The first failure in
    the order of time is raised, after it has cancelled the others. KeyboardInterrupt does the same."""
    failures: list[BaseException] = []
    lock = threading.Lock()
    waiting = iter(tasks)

    def work(ended: threading.Event) -> None:
        try:
            while not cancel.requested:
                with lock:
                    task = next(waiting, None)
                if task is None:
                    return
                try:
                    task()
                except BaseException as failure:
                    with lock:
                        failures.append(failure)
                    cancel.requested = True
        finally:
            ended.set()

    # Not join(): a signal makes it take a thread that runs for one that has ended (Python 3.9 to
    # 3.12). No daemons: at its end the interpreter must wait for a thread inside the library.
    begun: list[tuple[threading.Thread, threading.Event]] = []
    try:
        for i in range(max(1, min(workers, len(tasks)))):
            ended = threading.Event()
            thread = threading.Thread(target=work, args=(ended,), name=f"dcf-{i}")
            begun.append((thread, ended))
            thread.start()
        for _, ended in begun:
            ended.wait()
    except BaseException:
        cancel.requested = True
        # One that has no ident yet finds the work cancelled and does nothing.
        _wait([ended for thread, ended in begun if thread.ident is not None])
        raise
    if failures:
        raise failures[0]


def _wait(events: Sequence[threading.Event]) -> None:
    """Waits for all, whatever interrupts it: what threads inside the library use must stay."""
    while True:
        try:
            for event in events:
                event.wait()
            return
        except BaseException:  # Ctrl-C once more; the first one is raised in the end
            continue


# One thread that stays, as small calls take less time than the start of one.
_helper: ThreadPoolExecutor | None = None


def _forget_helper() -> None:
    global _helper
    _helper = None


os.register_at_fork(after_in_child=_forget_helper)  # which has no such thread


def _running_helper() -> ThreadPoolExecutor:
    global _helper
    helper = _helper
    if helper is None:
        helper = ThreadPoolExecutor(1, thread_name_prefix="dcf")
        # An interrupt while its thread starts would let it start a second one, beside the first.
        begun = threading.Event()
        _submit(helper, begun.set)
        begun.wait()
        _helper = helper
    return helper


def interruptible(work: Callable[[], Any], cancel: Cancellation) -> None:
    """Runs a call that functions of Python report to, or read and write for. Signals reach the main
    thread only: there another thread does the work, as an interrupt inside a function that the
    library calls could be lost."""
    if threading.current_thread() is not threading.main_thread():
        work()
        return
    helper = _running_helper()
    failures: list[BaseException] = []
    ended = threading.Event()

    def task() -> None:
        try:
            # Where no thread could start, it is done here and still waits there.
            if not cancel.requested and not ended.is_set():
                work()
        except BaseException as failure:
            failures.append(failure)
        finally:
            ended.set()

    try:
        _submit(helper, task)
        ended.wait()
    except BaseException:
        cancel.requested = True
        last = threading.Event()  # the task, if it came so far, is before it
        _submit(helper, last.set)
        _wait([last])
        raise
    if failures:
        raise failures.pop()  # its traceback has this list, which would keep it


def _submit(helper: ThreadPoolExecutor, task: Callable[[], Any]) -> None:
    try:
        helper.submit(task)
    except RuntimeError:  # no thread starts any more while the interpreter ends
        task()
