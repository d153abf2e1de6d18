# SPDX-License-Identifier: Apache-2.0
"""Reads of any size from a source that answers slowly: each block comes once, the next ones ahead."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

BLOCK_BYTES = 1 << 20
# Blocks asked for ahead of a reader that goes through the source in order.
AHEAD = 6
# Requests under way at once.
REQUESTS = 8
# Blocks from which on those go of which all was read, and from which on any go: 16 and 96 MiB.
KEPT = 16
MOST = 96


class BlockReader:
    """A source of `size` bytes, whose read(offset, size) may run on several threads at once.

    Chunks of a file are small for a request over a network. A read asks for whole blocks; one that
    follows the block before it asks for the next blocks, too, so that they come while others are
    decoded. Thread-safe.
    """

    def __init__(self, size: int, read: Callable[[int, int], bytes]) -> None:
        self._size = size
        self._read = read
        self._lock = threading.Lock()
        self._blocks: OrderedDict[int, Future[bytes]] = OrderedDict()
        self._taken: dict[int, int] = {}  # bytes of each that were read
        self._gone: set[int] = set()  # blocks that are not asked for ahead again
        self._pool = ThreadPoolExecutor(REQUESTS, thread_name_prefix="dcf-read")

    def close(self) -> None:
        """Ends its threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fills the buffer, or raises what the source raised."""
        at = 0
        while at < len(buffer):
            number, skip = divmod(offset + at, BLOCK_BYTES)
            block = self._block(number)
            part = memoryview(block)[skip : skip + len(buffer) - at]
            if not part:
                raise EOFError(f"the source ends before its size of {self._size} bytes")
            buffer[at : at + len(part)] = part
            at += len(part)
            with self._lock:
                if number in self._blocks:
                    self._taken[number] = self._taken.get(number, 0) + len(part)

    def _block(self, number: int) -> bytes:
        with self._lock:
            if number in self._gone:  # read once more: what follows may be wanted again, too
                self._gone.clear()
            found = self._get(number)
            if number - 1 in self._blocks:
                for following in range(number + 1, number + 1 + AHEAD):
                    if following * BLOCK_BYTES < self._size and following not in self._gone:
                        self._get(following)
            self._blocks.move_to_end(number)
            self._drop()
        return found.result()

    def _drop(self) -> None:
        """What many readers ask for ahead stays until it is read, so that nothing comes twice."""
        while len(self._blocks) > KEPT:
            done = (n for n in self._blocks if self._taken.get(n, 0) >= BLOCK_BYTES)
            number = next(done, None)
            if number is None:
                if len(self._blocks) <= MOST:
                    return
                number = next(iter(self._blocks))
            del self._blocks[number]
            self._taken.pop(number, None)
            self._gone.add(number)

    def _get(self, number: int) -> Future[bytes]:
        """The block, on its way. One that failed is tried again."""
        block = self._blocks.get(number)
        if block is None or (block.done() and block.exception() is not None):
            block = self._blocks[number] = self._pool.submit(self._fetch, number)
        return block

    def _fetch(self, number: int) -> bytes:
        first = number * BLOCK_BYTES
        size = min(BLOCK_BYTES, self._size - first)
        data = self._read(first, size)
        if len(data) != size:
            raise EOFError(f"{size} bytes at {first} were asked for, {len(data)} came")
        return data
