# SPDX-License-Identifier: Apache-2.0
"""Layer: y = activation(W x + bias) from compressed weights that are packed once."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_void_p
from typing import Any

import numpy as np

from . import _abi
from ._arguments import terminated, whole
from ._file import File
from ._safe_open import safe_open
from ._uncopied import Uncopied

__all__ = ["Layer"]

_ACTIVATIONS = {None: 0, "relu": 1}


class Layer(Uncopied):
    """Weights of a tensor, packed to be multiplied many times.

        layer = Layer(f, "fc1.weight", bias=bias, activation="relu")
        y = layer(x)                      # x: [batch, inputs] -> y: [batch, outputs], float32

    file: an open `safe_open` or `File`; the layer does not need it afterwards.
    name: the tensor. A tensor [out, in / groups, kernel_h, kernel_w] with `image` is a convolution:
        x is [batch, in_channels, height, width] or flat, [batch, inputs], y [batch, out, out_h,
        out_w]. The dimension of height may be left out where it is 1.
    bias: floats, one for each output (output channel of a convolution), or None.
    activation: None or "relu".
    batch: the usual number of samples in x, which the packing suits.
    threads: of one call; 1 is the calling thread.
    input_density: expected fraction of x that is not zero, as after a ReLU; a hint.
    kernel: a name of `Layer.kernels()`; None: the fastest.
    image: (in_channels, height, width). stride, padding, dilation: a number or a pair (height,
        width). groups: of the channels. All are at least 1, but padding; ValueError otherwise.

    Any number of threads may call a layer at once; the GIL is released meanwhile.
    """

    _instead = "make another one of the file"

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
        options.batch = whole(batch, "batch", 64)
        options.threads = whole(threads, "threads", 32)
        options.input_density = input_density
        options.kernel = None if kernel is None else terminated(kernel.encode())
        options.activation = _ACTIVATIONS[activation]
        if bias is not None:
            bias = np.ascontiguousarray(bias, np.float32)
            options.bias = bias.ctypes.data
            options.bias_elements = bias.size
        index = handle_of.find(name)
        out = byref(self._handle)
        self._image: tuple[int, ...] | None = None
        self._samples: list[tuple[int, ...]] = []  # shapes of one sample of a convolution
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
                self._samples = _sample_shapes(shape)
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
        """y for x of [batch, ...] or of one sample; float32. `out` takes y, if it is given: a
        writeable array that does not overlap x. ValueError for a shape or an `out` that does not fit.
        """
        x = np.ascontiguousarray(x, np.float32)
        batch, single = self._batch_of(x)
        shape = self._image or (self.outputs,)
        shape = shape if single else (batch, *shape)
        if out is None:
            out = np.empty(shape, np.float32)
        else:
            _check_out(out, shape, x)
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

    def _batch_of(self, x: np.ndarray) -> tuple[int, bool]:
        """The number of samples, and whether x is one without a dimension for it."""
        if self._samples:
            if x.shape in self._samples[:2]:
                return 1, True
            if x.shape[1:] in self._samples:  # (1, width) is a flat batch even of one channel
                return x.shape[0], False
            if x.shape in self._samples:
                return 1, True
            one = self._samples[0]
            raise ValueError(f"x has the shape {x.shape}; a sample has {one} or is flat")
        if x.ndim == 1 and x.size == self.inputs:
            return 1, True
        batch = x.shape[0] if x.ndim else 0
        if x.size != batch * self.inputs:
            raise ValueError(f"x has the shape {x.shape}; a sample has {self.inputs} elements")
        return batch, False


def _check_out(out: Any, shape: tuple[int, ...], x: np.ndarray) -> None:
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out is a NumPy array, not a {type(out).__name__}")
    if out.dtype != np.float32 or out.shape != shape or not out.flags.carray:
        raise ValueError(f"out must be a contiguous, writeable float32 array of the shape {shape}")
    if np.may_share_memory(x, out):  # both are contiguous: where their bounds meet, they do
        raise ValueError("out overlaps x, which is read while it is written")


def _pair(value: Any, what: str, least: int) -> tuple[int, int]:
    high, wide = (value, value) if np.ndim(value) == 0 else value
    return whole(high, what, 64, least), whole(wide, what, 64, least)


def _sample_shapes(s: Any) -> list[tuple[int, ...]]:
    """(in_channels, height, width), flat, and without a height of 1."""
    channels, height, width = s.in_channels, s.height, s.width
    shapes = [(channels, height, width), (channels * height * width,)]
    return [*shapes, (channels, width)] if height == 1 else shapes


def _conv_shape(image: Sequence[int], stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    channels, height, width = (whole(n, "a dimension of image", 64, 1) for n in image)
    stride_h, stride_w = _pair(stride, "stride", 1)
    pad_h, pad_w = _pair(padding, "padding", 0)
    dilation_h, dilation_w = _pair(dilation, "dilation", 1)
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
        groups=whole(groups, "groups", 64, 1),
    )


def _output_shape(weights: tuple[int, ...], s: Any) -> tuple[int, int, int]:
    """[out, out_h, out_w], by the formula of dcf_tensor_conv2d."""
    kernel_h, kernel_w = (1, weights[2]) if len(weights) == 3 else weights[2:4]
    high = (s.height + 2 * s.pad_h - s.dilation_h * (kernel_h - 1) - 1) // s.stride_h + 1
    wide = (s.width + 2 * s.pad_w - s.dilation_w * (kernel_w - 1) - 1) // s.stride_w + 1
    return weights[0], high, wide
