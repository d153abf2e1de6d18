# SPDX-License-Identifier: Apache-2.0
"""The dcf program as a child process: keywords become options, its JSON the result, its failures
exceptions, its progress a callback."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import re
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from . import _abi
from ._arrays_file import write_arrays
from ._library import program_path
from ._progress import open_progress
from .errors import DcfError, DcfWarning, error_from_status, missing_file

_log = logging.getLogger("dcf_codec")

# Options that the functions set themselves.
_OWN_OPTIONS = frozenset({"help", "json", "output", "progress_fd"})
# Options with a file, which a dict stands for.
_FILES = frozenset({"recipe", "calibration"})
# Seconds that a child gets to end by itself after SIGTERM: it removes what it has begun.
_GRACE = 10


@functools.cache
def option_names(program: str, verb: str) -> frozenset[str]:
    """The long options of a verb, without the dashes."""
    text = subprocess.run(
        [program, "help", verb], capture_output=True, text=True, check=True
    ).stdout
    return frozenset(re.findall(r"(?:^|[\s,])--([a-z][a-z0-9-]*)", text))


def _option(verb: str, known: frozenset[str], name: str, value: Any) -> list[str]:
    flag = name.replace("_", "-")
    if flag not in known and f"no-{flag}" not in known:
        raise TypeError(
            f"dcf {verb} has no option {name!r}; its options: {', '.join(sorted(known))}"
        )
    if value is None:
        return []
    if value is True:
        return [f"--{flag}=true"] if flag in known else []  # refused by what is no flag
    if value is False:
        return [f"--no-{flag}"] if f"no-{flag}" in known else []
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in _option(verb, known, name, item)]
    return [f"--{flag}={os.fspath(value) if isinstance(value, os.PathLike) else value}"]


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike))


def _json(name: str, value: Mapping[str, Any]) -> bytes:
    """The text of a dict for an option. TypeError for what JSON does not have."""

    def plain(item: Any) -> Any:
        if isinstance(item, np.generic):
            return item.item()
        raise TypeError(f"{name} holds a {type(item).__name__}, which JSON does not have: {item!r}")

    return json.dumps(value, default=plain).encode()


@contextlib.contextmanager
def _arguments(
    verb: str, program: str, options: Mapping[str, Any]
) -> Iterator[tuple[list[str], dict[str, str]]]:
    """The options as words, and what messages call the files among them. A dict is a file for as long
    as the program runs: one of arrays for `calibration`, else JSON."""
    known = option_names(program, verb)
    with contextlib.ExitStack() as files:
        words: list[str] = []
        called: dict[str, str] = {}
        for name, value in options.items():
            if isinstance(value, Mapping):
                arrays = name == "calibration"
                suffix = ".safetensors" if arrays else ".json"
                file = files.enter_context(
                    tempfile.NamedTemporaryFile(prefix="dcf-", suffix=suffix)
                )
                if arrays:
                    write_arrays(file, value)
                else:
                    file.write(_json(name, value))
                file.flush()
                value = file.name
                called[file.name] = f"the {name.replace('_', ' ')}"
            elif name in _FILES and not (value is None or value is False or _is_path(value)):
                raise TypeError(f"{name} is a dict or a path, not a {type(value).__name__}")
            words += _option(verb, known, name, value)
        yield words, called


def run(
    verb: str,
    words: list[str],
    progress: Any,
    options: Mapping[str, Any],
    output: str | None = None,
) -> dict[str, Any]:
    """Runs `dcf VERB --json OPTIONS -- WORDS`; returns its JSON. Warnings of the program are those of
    Python, its notes go to the log "dcf_codec"."""
    for name in _OWN_OPTIONS.intersection(options):
        raise TypeError(f"{name!r} is no keyword: it is what the function itself is for")
    program = program_path()
    if output is not None:
        options = {"output": output, **options}
    with _arguments(verb, program, options) as (chosen, files):
        command = [program, verb, "--json", *chosen]
        with open_progress(progress, verb) as report:
            printed, told, status = _communicate(command, words, report)
    errors = _in_python(told.decode("utf-8", "replace"), files)
    _tell(errors)
    try:
        return _result(printed, errors, status, files)
    except FileNotFoundError:
        for path in words:
            if not os.path.exists(path):
                raise missing_file(path) from None
        raise


def _communicate(command: list[str], words: list[str], report: Any) -> tuple[bytes, bytes, int]:
    reading, writing = os.pipe() if report is not None else (-1, -1)
    passed = (writing,) if report is not None else ()
    if report is not None:
        command = [*command, f"--progress-fd={writing}"]
    child = None
    try:
        child = subprocess.Popen(
            [*command, "--", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=passed,
        )
        if report is not None:
            os.close(writing)
            writing = -1
        return _wait(child, reading, report)
    except BaseException:
        if child is not None:
            _end(child)
        raise
    finally:
        for descriptor in (reading, writing):
            if descriptor >= 0:
                os.close(descriptor)


def _wait(child: subprocess.Popen[bytes], reading: int, report: Any) -> tuple[bytes, bytes, int]:
    """Both outputs, read by threads of their own, while this one reports progress."""
    parts: dict[str, bytes] = {}
    streams = {"out": child.stdout, "err": child.stderr}

    def read(name: str) -> None:
        stream = streams[name]
        assert stream is not None
        parts[name] = stream.read()
        stream.close()

    threads = [threading.Thread(target=read, args=(name,), daemon=True) for name in streams]
    for thread in threads:
        thread.start()
    if report is not None:
        _report_lines(reading, report)
    for thread in threads:
        thread.join()
    return parts["out"], parts["err"], child.wait()


def _report_lines(reading: int, report: Any) -> None:
    """Lines of "DONE TOTAL LABEL" until the child closes the pipe."""
    with open(reading, "rb", closefd=False) as lines:
        for line in lines:
            done, total, label = line.decode("ascii").rstrip("\n").split(" ", 2)
            if hasattr(report, "label"):
                report.label(label)
            report(int(done), int(total))


def _end(child: subprocess.Popen[bytes]) -> None:
    """SIGTERM, so that nothing stays behind; then SIGKILL."""
    child.terminate()
    try:
        child.wait(_GRACE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _in_python(message: str, files: Mapping[str, str]) -> str:
    """A message of the program in the words of its caller, who gave dicts and keywords."""
    for path, name in files.items():
        message = message.replace(path, name)
    message = re.sub(r"-M (\d+[KMG]?)", r"max_memory='\1'", message)
    message = re.sub(r"-M\b", "max_memory", message)
    return message.replace("(-f replaces it)", "(force=True replaces it)")


def _tell(errors: str) -> None:
    for line in errors.splitlines():
        if line.startswith("dcf: warning: "):
            warnings.warn(line[len("dcf: warning: ") :], DcfWarning, stacklevel=4)
        elif line.startswith("dcf: note: "):
            _log.info("%s", line[len("dcf: note: ") :])


def _result(output: bytes, errors: str, status: int, files: Mapping[str, str]) -> dict[str, Any]:
    try:
        result = json.loads(output)
    except ValueError:
        text = errors.strip() or f"the dcf program ended with {status}"
        raise DcfError(text.removeprefix("dcf: ") if status > 0 else text, name="Failed") from None
    failure = result.get("error") if isinstance(result, dict) else None
    if failure is None:
        if "warnings" in result:
            result["warnings"] = [_in_python(text, files) for text in result["warnings"]]
        return dict(result)
    code = failure["code"]
    raise error_from_status(
        code=code,
        name=failure["name"],
        kind=0 if code is None else _abi.lib.dcf_status_class(code),
        rule=failure["rule"],
        offset=failure["offset"],
        tensor=failure["tensor"],
        message=_in_python(failure["message"], files),
        system_error=failure["system_error"],
    )
