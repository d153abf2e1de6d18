# SPDX-License-Identifier: Apache-2.0
"""Progress of work that takes a while: a function of the caller, or a bar of tqdm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Report = Callable[[int, int], Any]


class _Bar:
    """A tqdm bar. A new total starts it anew."""

    def __init__(self, label: str, unit: str) -> None:
        from tqdm.auto import tqdm

        self._bar = tqdm(
            desc=label, unit=unit, unit_scale=unit == "B", unit_divisor=1000, leave=False
        )

    def __call__(self, done: int, total: int) -> None:
        if (self._bar.total or 0) != total or done < self._bar.n:
            self._bar.reset(total or None)
        self._bar.update(done - self._bar.n)

    def label(self, text: str) -> None:
        if self._bar.desc != text + ": ":
            self._bar.set_description(text)

    def close(self) -> None:
        self._bar.close()


def _has_tqdm() -> bool:
    try:
        import tqdm.auto  # noqa: F401
    except ImportError:
        return False
    return True


@contextmanager
def open_progress(progress: Any, label: str, unit: str = "B") -> Iterator[Any]:
    """What `progress` of a public function stands for, while it works.

    None or False: nothing. True: a bar of tqdm where that package is installed, else nothing. A
    function: it is called with the bytes, or other units, that are done and those of all the work.
    """
    if callable(progress):
        yield progress
    elif progress and _has_tqdm():
        bar = _Bar(label, unit)
        try:
            yield bar
        finally:
            bar.close()
    else:
        yield None
