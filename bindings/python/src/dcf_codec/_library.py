# SPDX-License-Identifier: Apache-2.0
"""Where the shared library and the dcf program are.

A wheel brings both. DCF_CODEC_LIBRARY and DCF_CODEC_PROGRAM name others, for example those of a build
folder; a package of a distribution uses those that the system has installed.
"""

from __future__ import annotations

import ctypes
import os
import pathlib
import shutil

# The ABI may change with any minor version before 1.0: the library must be of the same one.
ABI_VERSION = "0.1"
_HERE = pathlib.Path(__file__).resolve().parent


def _candidates() -> list[str]:
    chosen = os.environ.get("DCF_CODEC_LIBRARY")
    if chosen:
        return [chosen]
    return [str(_HERE / "_lib" / "libdcf.so"), f"libdcf.so.{ABI_VERSION}"]


def load_library() -> ctypes.CDLL:
    """The library, of the version that this package was written for. ImportError otherwise."""
    tried = []
    for name in _candidates():
        if os.sep in name and not os.path.exists(name):
            tried.append(f"{name} is not there")
            continue
        try:
            library = ctypes.CDLL(name)
        except OSError as error:
            tried.append(str(error))
            continue
        number = library.dcf_version_number()
        found = f"{number // 10000}.{number // 100 % 100}"
        if found == ABI_VERSION:
            return library
        tried.append(f"{name} has version {found}")
    raise ImportError(
        f"dcf_codec needs libdcf {ABI_VERSION} ({'; '.join(tried)}): "
        "install the wheel of dcf-codec, or set DCF_CODEC_LIBRARY"
    )


def program_path() -> str:
    """The dcf program. FileNotFoundError where there is none."""
    chosen = os.environ.get("DCF_CODEC_PROGRAM")
    bundled = _HERE / "_bin" / "dcf"
    if chosen:
        return chosen
    if bundled.exists():
        return str(bundled)
    found = shutil.which("dcf")
    if found:
        return found
    raise FileNotFoundError(
        "the dcf program is not there: install the wheel of dcf-codec, or set DCF_CODEC_PROGRAM"
    )
