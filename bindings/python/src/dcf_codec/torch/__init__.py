# SPDX-License-Identifier: Apache-2.0
"""PyTorch and .dcf files: the names of safetensors.torch, and Deep Compression for training loops.

prune_(model, 0.9)                # masks that no optimiser undoes
...                               # retrain
cluster_(model, bits=5)           # shared values, which any optimiser trains
...                               # fine-tune
save_model(model, "model.dcf")    # codes and codebooks
"""

try:
    import torch as _torch  # noqa: F401
except ImportError:
    raise ImportError("dcf_codec.torch needs PyTorch: pip install torch") from None

from .._safe_open import safe_open
from ._cluster import cluster_
from ._io import load, load_file, save, save_file
from ._model import finalize_, load_model, plain_state_dict, save_model
from ._prune import prune_, scheduled_sparsity

__all__ = [
    "cluster_",
    "finalize_",
    "load",
    "load_file",
    "load_model",
    "plain_state_dict",
    "prune_",
    "safe_open",
    "save",
    "save_file",
    "save_model",
    "scheduled_sparsity",
]
