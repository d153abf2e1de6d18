# SPDX-License-Identifier: Apache-2.0
"""The verbs of the command line as functions.

Keywords are the options of `dcf help VERB`: bits=5 is --bits 5, max_memory="2G" is --max-memory 2G,
force=True is --force, exact_file=False is --no-exact-file, a list repeats an option, and a dict
stands for a JSON file (recipe={"rules": [...]}) or, as calibration=, for the arrays of dcf_codec.collect_stats. So an option that the program has is a keyword here.

progress is True for a bar of tqdm, where that package is installed, or a function that is called with
the bytes done and those of the step; work may have several steps, each from 0 to its own total.
Ctrl-C, and an exception of that function, end the work; then no output appears.
"""

from __future__ import annotations

import os
from typing import Any

from ._program import run

__all__ = ["compare", "compress", "decompress", "inspect", "verify"]


def _path(path: str | os.PathLike[str]) -> str:
    text = os.fspath(path)
    if text == "-":
        # Standard output is the report's, standard input not the child's.
        raise ValueError("'-' is no path here; for a file of that name say './-'")
    return text


def compress(
    src: str | os.PathLike[str],
    dst: str | os.PathLike[str],
    *,
    progress: Any = None,
    **options: Any,
) -> dict[str, Any]:
    """Writes a model as a .dcf file, losslessly unless options say otherwise.

    src: safetensors (its index, or a folder with one), npy, npz, ONNX, GGUF, TensorFlow Lite,
        TensorFlow.js, CTranslate2, .dcf. dst: the file; it is replaced with force=True only.
    Returns the report of `dcf compress --json`: sizes, ratios, what each tensor lost.
    Raises DcfError; FileExistsError where dst exists; TypeError for an option that there is not.
    """
    return run("compress", [_path(src)], progress, options, output=_path(dst))


def decompress(
    src: str | os.PathLike[str],
    dst: str | os.PathLike[str],
    *,
    progress: Any = None,
    **options: Any,
) -> dict[str, Any]:
    """Restores the files that a model came from, or its tensors.

    The name of dst decides: model.onnx, model.gguf, ... are the files that the model came from; a
    folder takes all of them; model.safetensors, model.npz and, of one tensor, model.npy are made
    from any model. Options: to, max_output, force, threads, max_memory.
    Returns the report of `dcf decompress --json`.
    """
    return run("decompress", [_path(src)], progress, options, output=_path(dst))


def inspect(path: str | os.PathLike[str], **options: Any) -> dict[str, Any]:
    """What is in a model and where its bytes go: the report of `dcf info --json`."""
    return run("info", [_path(path)], None, options)


def verify(path: str | os.PathLike[str], *, progress: Any = None, **options: Any) -> dict[str, Any]:
    """Checks every byte of a .dcf file; of another model what its format can tell.

    Returns the report of `dcf verify --json`: {"ok": True, ...} with the peak memory that decoding
    takes. Raises the failure, with code, rule, offset and tensor, of a file that is not sound.
    """
    return run("verify", [_path(path)], progress, options)


def compare(
    a: str | os.PathLike[str],
    b: str | os.PathLike[str],
    *,
    progress: Any = None,
    **options: Any,
) -> dict[str, Any]:
    """Compares two models of any format, tensor by tensor.

    Returns the report of `dcf compare --json`. Its "ok" is True if they are equal byte for byte; or,
    with bounds=True and a .dcf file as b, if what that file promises of each tensor holds.
    """
    return run("compare", [_path(a), _path(b)], progress, options)
