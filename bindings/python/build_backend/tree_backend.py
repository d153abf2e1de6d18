# SPDX-License-Identifier: Apache-2.0
"""The build backend: scikit-build-core, whose source distribution also has the part of the tree
around this folder that the library and the program are built from, as the folder `tree`."""

from __future__ import annotations

import os
import pathlib
import shutil
import tempfile
from typing import Any

from scikit_build_core import build as _build
from scikit_build_core.build import (  # noqa: F401 (hooks of PEP 517 and 660)
    build_editable,
    build_wheel,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

_TREE = ("CMakeLists.txt", "LICENSE", "README.md", "libdcf", "spec", "tools")
_LEFT_OUT = shutil.ignore_patterns("build", "__pycache__", ".*", "*.egg-info", "dist")


def _copy(source: pathlib.Path, target: pathlib.Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=_LEFT_OUT)
    else:
        shutil.copy2(source, target)


def build_sdist(sdist_directory: str, config_settings: dict[str, Any] | None = None) -> str:
    """A source distribution that builds anywhere."""
    here = pathlib.Path.cwd()
    if (here / "tree").exists():  # from a source distribution
        return _build.build_sdist(sdist_directory, config_settings)
    out = os.path.abspath(sdist_directory)
    with tempfile.TemporaryDirectory() as folder:
        staged = pathlib.Path(folder) / here.name
        shutil.copytree(here, staged, ignore=_LEFT_OUT)
        (staged / "tree").mkdir()
        for name in _TREE:
            _copy(here.parents[1] / name, staged / "tree" / name)
        os.chdir(staged)
        try:
            return _build.build_sdist(out, config_settings)
        finally:
            os.chdir(here)
