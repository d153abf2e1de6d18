# SPDX-License-Identifier: Apache-2.0
"""A server of files on loopback whose speed is limited, and its clients: for bench/python_load.py.

All connections share one budget of bytes per second, as they share a disk or a network.
"""

from __future__ import annotations

import http.client
import http.server
import os
import re
import threading
import time

BLOCK = 1 << 18


class Budget:
    """Bytes that may be sent by now."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        self._free_at = time.monotonic()

    def wait_for(self, size: int) -> None:
        with self._lock:
            now = time.monotonic()
            # What was not used within a moment is gone.
            self._free_at = max(self._free_at, now - 0.005) + size / self._rate
            pause = self._free_at - now
        if pause > 0:
            time.sleep(pause)


def serve(folder: str, rate: float) -> http.server.ThreadingHTTPServer:
    """A server of the files in a folder, with ranges, at `rate` bytes per second. It is not running
    yet."""
    budget = Budget(rate)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_unused: object) -> None:
            pass

        def _size(self, path: str) -> int | None:
            return os.path.getsize(path) if os.path.isfile(path) else None

        def do_HEAD(self) -> None:  # noqa: N802 (the name that http.server looks for)
            self._answer(False)

        def do_GET(self) -> None:  # noqa: N802
            self._answer(True)

        def _answer(self, with_body: bool) -> None:
            path = os.path.join(folder, os.path.basename(self.path))
            size = self._size(path)
            if size is None:
                self.send_error(404)
                return
            match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            first, last = (int(match[1]), int(match[2])) if match else (0, size - 1)
            self.send_response(206 if match else 200)
            self.send_header("Content-Length", str(last - first + 1))
            if match:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            self.end_headers()
            if with_body:
                self._send(path, first, last + 1)

        def _send(self, path: str, at: int, end: int) -> None:
            with open(path, "rb") as file:
                while at < end:
                    count = min(BLOCK, end - at)
                    budget.wait_for(count)
                    sent = os.sendfile(self.connection.fileno(), file.fileno(), at, count)
                    at += sent

    return http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def fetch(port: int, name: str) -> bytes:
    """All of a file."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", f"/{name}")
    data = connection.getresponse().read()
    connection.close()
    return data


class RangeSource:
    """A file of the server as dcf_codec reads it: `size` and read_range(), on any thread."""

    def __init__(self, port: int, name: str) -> None:
        self._port, self._name = port, name
        self._own = threading.local()
        connection = self._connection()
        connection.request("HEAD", f"/{name}")
        response = connection.getresponse()
        response.read()
        self.size = int(response.headers["Content-Length"])

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection("127.0.0.1", self._port)
        return self._own.connection

    def read_range(self, offset: int, size: int) -> bytes:
        connection = self._connection()
        headers = {"Range": f"bytes={offset}-{offset + size - 1}"}
        connection.request("GET", f"/{self._name}", headers=headers)
        return connection.getresponse().read()
