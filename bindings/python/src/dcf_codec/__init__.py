# SPDX-License-Identifier: Apache-2.0
"""DCF: neural-network weights, compressed, checked, ready to multiply.

    from dcf_codec.numpy import load_file, save_file   # as safetensors.numpy
    from dcf_codec.torch import load_file, save_file   # as safetensors.torch
    from dcf_codec import safe_open

    import dcf_codec
    dcf_codec.compress("model.safetensors", "model.dcf")           # lossless
    dcf_codec.compress("model.onnx", "small.dcf", bits=5)          # options of the command line

Importing the package needs NumPy only; SciPy, PyTorch, ONNX and tqdm are used where they are asked
for.
"""

from ._abi import lib as _lib
from ._commands import compare, compress, decompress, inspect, verify
from ._encoding import Encoding
from ._file import File, TensorInfo
from ._layer import Layer
from ._safe_open import Codes, safe_open
from ._writer import Writer
from .calibration import collect_stats
from .errors import DcfError, DcfWarning

__version__: str = _lib.dcf_version_string().decode()

__all__ = [
    "Codes",
    "DcfError",
    "DcfWarning",
    "Encoding",
    "File",
    "Layer",
    "TensorInfo",
    "Writer",
    "__version__",
    "collect_stats",
    "compare",
    "compress",
    "decompress",
    "inspect",
    "safe_open",
    "verify",
]
