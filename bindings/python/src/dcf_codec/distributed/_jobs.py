# SPDX-License-Identifier: Apache-2.0
"""What a worker does: one item of a plan. A pure function of plan and model, which may be killed at
any time and done again."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Mapping
from typing import Any

from .._program import run
from ._storage import Range, Storage, is_remote


@dataclasses.dataclass(frozen=True)
class Model:
    """Where a model is, and how to get there."""

    path: str
    storage_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @contextlib.contextmanager
    def at_hand(self, sizes: Mapping[str, int], ranges: list[Range]) -> Iterator[str]:
        """A path that the dcf program can open, where these ranges are."""
        if not is_remote(self.path):
            yield self.path
            return
        with Storage(self.path, self.storage_options).mirror(sizes, ranges) as folder:
            yield folder


@dataclasses.dataclass(frozen=True)
class Job:
    """An item of a plan: `verb` is "stats" or "compress"."""

    verb: str
    plan: str
    item: int
    output: str
    model: Model
    sizes: Mapping[str, int]
    ranges: list[Range]


def run_job(job: Job) -> int:
    """Does the job unless its output is there, which it is as a whole or not at all. Returns the
    number of the item."""
    if os.path.exists(job.output):
        return job.item
    with job.model.at_hand(job.sizes, job.ranges) as source:
        # Two workers may do the same item at a time, as where one was taken for dead.
        options = {"plan": job.plan, "item": job.item, "source": source, "force": True}
        run(job.verb, [], None, options, job.output)
    return job.item
