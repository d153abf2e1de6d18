# SPDX-License-Identifier: Apache-2.0
"""Layer: products from compressed weights against those of NumPy."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from dcf_codec import File, Layer, safe_open
from dcf_codec.errors import DcfError
from dcf_codec.numpy import save


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("threads", [1, 2])
def test_linear(weights: dict, rng: np.random.Generator, batch: int, threads: int) -> None:
    w, b = weights["fc1.weight"], rng.standard_normal(64).astype(np.float32)
    with safe_open(save(weights)) as f:
        layer = Layer(f, "fc1.weight", bias=b, activation="relu", batch=batch, threads=threads)
    x = rng.standard_normal((batch, 300)).astype(np.float32)
    expected = np.maximum(x @ w.T + b, 0)
    assert (layer.inputs, layer.outputs, layer.nonzeros) == (300, 64, np.count_nonzero(w))
    assert layer.kernel in Layer.kernels() and layer.packed_bytes > 0
    assert np.allclose(layer(x), expected, atol=1e-4)
    assert np.allclose(layer(x[0]), expected[0], atol=1e-4) and layer(x[0]).shape == (64,)
    out = np.empty((batch, 64), np.float32)
    assert layer(x.astype(np.float64), out=out) is out
    assert np.allclose(out, expected, atol=1e-4)


def test_convolution(rng: np.random.Generator) -> None:
    w = rng.standard_normal((6, 4, 3, 3)).astype(np.float32)
    w[rng.random(w.shape) < 0.7] = 0
    x = rng.standard_normal((2, 4, 8, 7)).astype(np.float32)
    layer = Layer(File(save({"w": w})), "w", image=(4, 8, 7), padding=1, stride=(2, 1))
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))[:, :, ::2]
    expected = np.einsum("bihwkl,oikl->bohw", windows, w)
    assert layer(x).shape == expected.shape and np.allclose(layer(x), expected, atol=1e-4)
    assert np.allclose(layer(x[0]), expected[0], atol=1e-4)


def test_many_threads_use_one_layer(weights: dict) -> None:
    layer = Layer(File(save(weights)), "fc1.weight")
    x = np.ones((1, 300), np.float32)
    expected = layer(x)
    wrong = []

    def work() -> None:
        for _ in range(200):
            if not np.array_equal(layer(x), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_what_does_not_fit(weights: dict) -> None:
    f = File(save(weights))
    layer = Layer(f, "fc1.weight")
    for x in (np.ones(299), np.ones((2, 299)), np.float32(1)):
        with pytest.raises(ValueError):
            layer(x)
    with pytest.raises(ValueError):
        layer(np.ones(300), out=np.empty(64))
    with pytest.raises(ValueError):
        Layer(f, "fc1.weight", activation="gelu")
    with pytest.raises(DcfError):
        Layer(f, "fc1.weight", kernel="none")
    with pytest.raises(DcfError):
        Layer(f, "fc1.weight", bias=np.ones(3))
    with pytest.raises(KeyError):
        Layer(f, "fc9.weight")
