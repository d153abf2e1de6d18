# SPDX-License-Identifier: Apache-2.0
"""Long calls of the library that Ctrl-C ends.

A thread inside the library runs no Python, so it would not notice the signal. The work runs on other
threads, and the caller's thread waits where signals reach it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
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
        for thread, ended in begun:
            if thread.ident is not None:
                ended.wait()
        raise
    if failures:
        raise failures[0]
