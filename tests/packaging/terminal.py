# SPDX-License-Identifier: Apache-2.0
"""A program on a terminal of its own, driven by what a user would type."""

import os
import pty
import re
import select
import time

# Movements of the cursor and the like, each a gap between words; colours and returns, which are none.
_GAPS = re.compile(rb"\x1b(\[[0-9;?>=]*[ -/]*[@-ln-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>78])")
_NOTHING = re.compile(rb"\x1b\[[0-9;]*m|\r|\x07|\x0f")


class Terminal:
    """A process whose standard streams are a terminal; close() must be called."""

    def __init__(self, command, cwd, env, timeout=60):
        self._timeout = timeout
        self._seen = b""
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.chdir(cwd)
            os.execvpe(command[0], command, env)

    def type(self, text):
        os.write(self._fd, text.encode())

    def read_until(self, text):
        """What was printed up to `text`, without controls of the terminal."""
        end = time.monotonic() + self._timeout
        wanted = text.encode()
        while wanted not in self._plain():
            left = end - time.monotonic()
            ready, _, _ = select.select([self._fd], [], [], max(left, 0))
            if not ready:
                raise AssertionError(f"no {text!r} in {self._plain()!r}")
            try:
                self._seen += os.read(self._fd, 65536)
            except OSError as error:  # the program has ended
                raise AssertionError(f"no {text!r} in {self._plain()!r}") from error
        plain = self._plain()
        at = plain.index(wanted)
        self._seen = plain[at + len(wanted):]
        return plain[:at].decode(errors="replace")

    def _plain(self):
        return _NOTHING.sub(b"", _GAPS.sub(b" ", self._seen))

    def close(self):
        os.close(self._fd)  # a shell ends when its terminal does
        os.waitpid(self._pid, 0)
