# SPDX-License-Identifier: Apache-2.0
"""A server of files over HTTP on the loopback, which answers ranges and counts what it sends."""

from __future__ import annotations

import contextlib
import http.server
import pathlib
import re
import threading
import urllib.parse
from collections.abc import Iterator


class RangeServer(http.server.ThreadingHTTPServer):
    """Serves a folder; `sent` is the number of bytes of files that were sent."""

    daemon_threads = True

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.sent = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RangeServer

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        path = self.server.folder / urllib.parse.unquote(self.path).strip("/")
        if path.is_dir():
            links = "".join(
                f'<a href="{entry.name}">{entry.name}</a>\n' for entry in path.iterdir()
            )
            self._send(200, links.encode(), "text/html", with_body, {})
            return
        if not path.is_file():
            self._send(404, b"", "text/plain", with_body, {})
            return
        size = path.stat().st_size
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted is None:
            self._send(200, path.read_bytes(), "application/octet-stream", with_body, {})
            return
        first = int(wanted[1])
        last = min(size - 1, int(wanted[2]) if wanted[2] else size - 1)
        with path.open("rb") as file:
            file.seek(first)
            body = file.read(last - first + 1)
        place = {"Content-Range": f"bytes {first}-{last}/{size}"}
        self._send(206, body, "application/octet-stream", with_body, place)

    def _send(
        self, status: int, body: bytes, kind: str, with_body: bool, more: dict[str, str]
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Accept-Ranges", "bytes")
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()
        if not with_body:
            return
        if kind != "text/html":
            with self.server.lock:
                self.server.sent += len(body)
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving(folder: pathlib.Path) -> Iterator[RangeServer]:
    server = RangeServer(folder)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
