# SPDX-License-Identifier: Apache-2.0
"""ZipNN imports PyTorch 2 for the names of its types, also where only bytes are coded. This stands in
for it: every attribute is a name and nothing else. For bench/python_load.py."""

from __future__ import annotations

import importlib.machinery
import sys
import types
from typing import Any


class _Name(type):
    def __getattr__(cls, name: str) -> Any:
        return _make(cls, name)


def _make(owner: Any, name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    # As a decorator it gives back what it decorates.
    value = _Name(name, (), {"__new__": lambda cls, *given, **_: given[0] if given else None})
    setattr(owner, name, value)
    return value


class _Torch(types.ModuleType):
    __version__ = "2.0.0"

    def __getattr__(self, name: str) -> Any:
        return _make(self, name)


def stand_in_for_torch() -> None:
    """Makes `import torch` succeed where PyTorch is not installed."""
    module = _Torch("torch")
    module.__spec__ = importlib.machinery.ModuleSpec("torch", None)
    sys.modules.setdefault("torch", module)
