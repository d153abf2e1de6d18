# SPDX-License-Identifier: Apache-2.0
"""A checkpoint larger than a machine, compressed by the workers of Dask, Ray or one computer.

    from dcf_codec import distributed

    distributed.compress("checkpoint/", "model.dcf", engine=distributed.dask(client), work_dir="/shared/w")
    distributed.compress("checkpoint/", "model.dcf", engine=distributed.ray(), work_dir="/shared/w")
    distributed.compress("https://host/checkpoint/", "model.dcf")        # through fsspec, on this computer

The file is the same, byte for byte, as `dcf_codec.compress` writes in one process, whatever the
engine, the number of workers and however often some of them die: docs/parts.md tells how. Each
worker runs the dcf program, which states beforehand how much memory it takes.
"""

from ._compress import compress
from ._engines import Engine, dask, local, ray

__all__ = ["Engine", "compress", "dask", "local", "ray"]
