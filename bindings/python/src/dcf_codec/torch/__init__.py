# SPDX-License-Identifier: Apache-2.0
"""PyTorch and .dcf files: the names of safetensors.torch."""

from .._safe_open import safe_open
from ._io import load, load_file, save, save_file

__all__ = ["load", "load_file", "safe_open", "save", "save_file"]
