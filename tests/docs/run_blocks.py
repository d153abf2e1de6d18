#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run_blocks.py [option...] PAGE...: runs the code of documentation pages, in the order of the page.

Each page gets an empty folder, in which `dcf` is a link to the tree, as after a clone. A fenced block is, by its language:

  sh              run by bash; the first command that fails ends the page
  c, cpp, cmake   written to the file that its first line names in a comment, to be used by a later sh block
  python          the same if its first line names a file; else a program, run at once. Left out, with a line that says
                  so, where the interpreter lacks a module that it imports
  text            what the block before it printed; ... stands for any text
  none            no code: layouts, diagrams

Any other language fails, as does a block that no later block could reach. <!-- not run: REASON --> on the line before a
block keeps it from being run; --list prints these blocks with their reasons.
"""

import argparse
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TREE = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(```+)([\w{}:-]*)[^\n]*\n(.*?)^\1$", re.M | re.S)
NOT_RUN = re.compile(r"<!-- not run: (.+?) -->\s*$", re.S)
NAMED = re.compile(r"(?:/\*|//|#) ([A-Za-z0-9_]+\.(?:c|cc|py)|CMakeLists\.txt)\b")
IMPORT = re.compile(r"^\s*(?:import|from) (\w+)", re.M)
FILES = ("c", "cpp", "cmake")


class Failure(Exception):
    """Why a page does not do what it says."""


class Block:
    """language, code, the line of the page it begins at, the reason why it is not run (or None)."""

    def __init__(self, language, code, line, not_run):
        self.language, self.code, self.line, self.not_run = language, code, line, not_run

    def file_name(self):
        match = NAMED.match(self.code)
        return match.group(1) if match else None


def blocks_of(text):
    """All fenced blocks of a page but the directives of the site, whose language is in braces."""
    blocks = []
    for match in FENCE.finditer(text):
        language = match.group(2)
        if language.startswith("{"):
            continue
        before = NOT_RUN.search(text, 0, match.start())
        reason = before.group(1) if before and not text[before.end() : match.start()].strip() else None
        line = text.count("\n", 0, match.start()) + 1
        blocks.append(Block(language, match.group(3), line, reason))
    return blocks


def matches(expected, printed):
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("..."))
    lines = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    return re.fullmatch(pattern, lines, re.S) is not None


class Page:
    def __init__(self, path, scratch, environment, python):
        self.path, self.scratch, self.environment, self.python = path, scratch, environment, python
        self.printed = None  # of the block before, None if it was not run
        self.left_out = {}  # the module that is not there, and the number of blocks that need it

    def run(self):
        for block in blocks_of(self.path.read_text(encoding="utf-8")):
            try:
                self.run_block(block)
            except Failure as failure:
                raise Failure(f"{self.path}:{block.line}: {failure}") from None

    def run_block(self, block):
        language = block.language
        if language == "text":
            if self.printed is not None and not matches(block.code, self.printed):
                raise Failure(f"the block before printed\n{self.printed}")
        elif block.not_run:
            self.printed = None
            if language == "sh":
                self.command(["bash", "-n", "-c", block.code])
        elif language == "sh":
            self.printed = self.command(["bash", "-euo", "pipefail", "-c", block.code])
        elif language in FILES or (language == "python" and block.file_name()):
            if not block.file_name():
                raise Failure("the first line of the block names no file, so that nothing can use it")
            (self.scratch / block.file_name()).write_text(block.code, encoding="utf-8")
        elif language == "python":
            missing = self.missing_module(block)
            if missing:
                self.printed = None
                self.left_out[missing] = self.left_out.get(missing, 0) + 1
            else:
                self.printed = self.command([self.python, "-c", block.code])
        elif language not in ("", "none"):
            raise Failure(f"nothing runs a block of language {language!r}")

    def missing_module(self, block):
        """The first module that a block imports and the interpreter has not."""
        return next((name for name in IMPORT.findall(block.code) if not has_module(self.python, name)), None)

    def command(self, arguments):
        """What a command prints to standard output."""
        result = subprocess.run(
            arguments, cwd=self.scratch, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=600,
        )
        if result.returncode != 0:
            raise Failure(f"exit status {result.returncode}\n{result.stdout}{result.stderr}")
        return result.stdout


def environment_of(options):
    """That of the caller, with the programs and packages to be tested before all others."""
    environment = dict(os.environ, LC_ALL="C.UTF-8", COLUMNS="100")
    environment["PATH"] = os.pathsep.join([str(options.bin.resolve()), environment["PATH"]])
    if options.prefix:
        folders = [str(path) for path in options.prefix.resolve().glob("lib/**/pkgconfig")]
        environment["PKG_CONFIG_PATH"] = os.pathsep.join(folders)
        environment["CMAKE_PREFIX_PATH"] = str(options.prefix.resolve())
    return environment


@functools.lru_cache(maxsize=None)
def has_module(python, name):
    return subprocess.run([python, "-c", f"import {name}"], capture_output=True, check=False).returncode == 0


def list_not_run(pages):
    for page in pages:
        for block in blocks_of(page.read_text(encoding="utf-8")):
            if block.not_run:
                print(f"{page}:{block.line}: {block.not_run}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--bin", type=pathlib.Path, default=TREE / "build/dev/bin", help="folder of the program dcf")
    parser.add_argument("--prefix", type=pathlib.Path, help="an installed copy, for pages that link the library")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the Python blocks")
    parser.add_argument("--need-python", action="store_true", help="fail where that one has no module dcf_codec")
    parser.add_argument("--list", action="store_true", help="print what is not run, with the reasons")
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    if os.sep in options.python:  # commands run elsewhere; a link stays one, as it tells Python its environment
        options.python = os.path.abspath(options.python)
    if options.list:
        return list_not_run(options.pages)
    if not (options.bin / "dcf").exists():
        sys.exit(f"there is no {options.bin / 'dcf'}; build it, or name another folder with --bin")
    if options.need_python and not has_module(options.python, "dcf_codec"):
        sys.exit(f"{options.python} has no module dcf_codec")
    failed = False
    for path in options.pages:
        scratch = pathlib.Path(tempfile.mkdtemp(prefix="dcf-docs-"))
        try:
            (scratch / "dcf").symlink_to(TREE)
            page = Page(path, scratch, environment_of(options), options.python)
            page.run()
            for module, count in page.left_out.items():
                print(f"{path}: {count} Python blocks left out: {options.python} has no module {module}")
            print(f"{path}: does what it says")
        except Failure as failure:
            print(failure, file=sys.stderr)
            failed = True
        finally:
            shutil.rmtree(scratch)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
