# SPDX-License-Identifier: Apache-2.0
"""Layer: y = activation(W x + bias) from compressed weights that are packed once."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_void_p
from typing import Any

import numpy as np

from . import _abi
from ._file import File
from ._safe_open import safe_open

__all__ = ["Layer"]

_ACTIVATIONS = {None: 0, "relu": 1}


class Layer:
    """Weights of a tensor, packed to be multiplied many times.

        layer = Layer(f, "fc1.weight", bias=bias, activation="relu")
        y = layer(x)                      # x: [batch, inputs] -> y: [batch, outputs], float32

    file: an open `safe_open` or `File`; the layer does not need it afterwards.
    name: the tensor. A tensor [out, in / groups, kernel_h, kernel_w] with `image` is a convolution:
        x is [batch, in_channels, height, width], y [batch, out, out_h, out_w].
    bias: floats, one for each output (output channel of a convolution), or None.
    activation: None or "relu".
    batch: the usual number of samples in x, which the packing suits.
    threads: of one call; 1 is the calling thread.
    input_density: expected fraction of x that is not zero, as after a ReLU; a hint.
    kernel: a name of `Layer.kernels()`; None: the fastest.
    image: (in_channels, height, width). stride, padding, dilation: a number or a pair (height,
        width). groups: of the channels.

    Any number of threads may call a layer at once; the GIL is released meanwhile.
    """

    def __init__(
        self,
        file: safe_open | File,
        name: str,
        *,
        bias: Any = None,
        activation: str | None = None,
        batch: int = 1,
        threads: int = 1,
        input_density: float = 0.0,
        kernel: str | None = None,
        image: Sequence[int] | None = None,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
    ) -> None:
        self._handle = c_void_p()
        handle_of = file.file if isinstance(file, safe_open) else file
        if activation not in _ACTIVATIONS:
            raise ValueError(f"the activation is None or 'relu', not {activation!r}")
        options = _abi.defaults(_abi.LayerOptions)
        options.batch = batch
        options.threads = threads
        options.input_density = input_density
        options.kernel = None if kernel is None else kernel.encode()
        options.activation = _ACTIVATIONS[activation]
        if bias is not None:
            bias = np.ascontiguousarray(bias, np.float32)
            options.bias = bias.ctypes.data
            options.bias_elements = bias.size
        index = handle_of.find(name)
        out = byref(self._handle)
        self._image: tuple[int, ...] | None = None
        with handle_of.handle() as raw:
            if image is None:
                _abi.call(_abi.lib.dcf_layer_prepare, raw, index, byref(options), out)
            else:
                shape = _conv_shape(image, stride, padding, dilation, groups)
                _abi.call(
                    _abi.lib.dcf_layer_prepare_conv2d,
                    raw,
                    index,
                    byref(shape),
                    byref(options),
                    out,
                )
                self._image = _output_shape(handle_of.tensor(index).shape, shape)
        info = _abi.LayerInfo()
        _abi.call(_abi.lib.dcf_layer_describe, self._handle, byref(info))
        self.kernel: str = info.kernel.decode()
        self.inputs: int = info.inputs
        self.outputs: int = info.outputs
        self.nonzeros: int = info.nonzeros
        self.packed_bytes: int = info.packed_bytes

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle:
            _abi.lib.dcf_layer_close(handle)

    @staticmethod
    def kernels() -> list[str]:
        """Names of the ways of packing and multiplying."""
        lib = _abi.lib
        return [lib.dcf_layer_kernel_name(i).decode() for i in range(lib.dcf_layer_kernel_count())]

    def __call__(self, x: Any, out: np.ndarray | None = None) -> np.ndarray:
        """y for x of [batch, ...] or of one sample; float32. `out` takes y, if it is given."""
        x = np.ascontiguousarray(x, np.float32)
        single = x.size == self.inputs and (x.ndim == 1 or self._image and x.ndim == 3)
        batch = 1 if single else x.shape[0] if x.ndim else 0
        if x.size != batch * self.inputs:
            raise ValueError(f"x has the shape {x.shape}; a sample has {self.inputs} elements")
        shape = self._image or (self.outputs,)
        shape = shape if single else (batch, *shape)
        if out is None:
            out = np.empty(shape, np.float32)
        elif out.dtype != np.float32 or out.shape != shape or not out.flags.c_contiguous:
            raise ValueError(f"out must be a contiguous float32 array of the shape {shape}")
        _abi.call(
            _abi.lib.dcf_layer_apply,
            self._handle,
            x.ctypes.data,
            x.size,
            out.ctypes.data,
            out.size,
            batch,
        )
        return out


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    high, wide = value
    return high, wide


def _conv_shape(image: Sequence[int], stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    channels, height, width = image
    (stride_h, stride_w), (pad_h, pad_w) = _pair(stride), _pair(padding)
    dilation_h, dilation_w = _pair(dilation)
    return _abi.Conv2dShape(
        in_channels=channels,
        height=height,
        width=width,
        stride_h=stride_h,
        stride_w=stride_w,
        pad_h=pad_h,
        pad_w=pad_w,
        dilation_h=dilation_h,
        dilation_w=dilation_w,
        groups=groups,
    )


def _output_shape(weights: tuple[int, ...], s: Any) -> tuple[int, int, int]:
    """[out, out_h, out_w], by the formula of dcf_tensor_conv2d."""
    kernel_h, kernel_w = (1, weights[2]) if len(weights) == 3 else weights[2:4]
    high = (s.height + 2 * s.pad_h - s.dilation_h * (kernel_h - 1) - 1) // s.stride_h + 1
    wide = (s.width + 2 * s.pad_w - s.dilation_w * (kernel_w - 1) - 1) // s.stride_w + 1
    return weights[0], high, wide
