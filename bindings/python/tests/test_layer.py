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
    for wrong in ({"batch": -1}, {"threads": -1}, {"threads": 2**32}, {"kernel": "packed\0"}):
        with pytest.raises(ValueError):
            Layer(f, "fc1.weight", **wrong)


def test_out_is_written_only_where_it_may_be(weights: dict) -> None:
    square = weights["fc1.weight"][:, :64]
    layer = Layer(File(save({"w": square})), "w")
    x = np.ones((64, 64), np.float32)
    fixed = np.zeros((64, 64), np.float32)
    fixed.flags.writeable = False
    both = np.ones(80 * 64, np.float32)
    for given, out in (
        (x, fixed),
        (x, x),
        (both[: 64 * 64].reshape(64, 64), both[16 * 64 :].reshape(64, 64)),
    ):
        with pytest.raises(ValueError):
            layer(given, out=out)
    assert not fixed.any() and (x == 1).all() and (both == 1).all()
    with pytest.raises(TypeError):
        layer(x, out=bytearray(x.nbytes))  # type: ignore[arg-type]


def test_shapes_of_convolutions(rng: np.random.Generator) -> None:
    f = File(save({"w": rng.standard_normal((6, 4, 3, 3)).astype(np.float32)}))
    for name in ("stride", "dilation", "groups"):
        for value in (0, -1):
            with pytest.raises(ValueError, match=name):
                Layer(f, "w", image=(4, 8, 7), **{name: value})
    with pytest.raises(ValueError, match="padding"):
        Layer(f, "w", image=(4, 8, 7), padding=-1)
    with pytest.raises(ValueError, match="image"):
        Layer(f, "w", image=(4, 0, 7))
    layer = Layer(f, "w", image=(4, 8, 7), stride=np.array([1, 1]), padding=np.int64(1))
    x = rng.standard_normal((2, 4, 8, 7)).astype(np.float32)
    y = layer(x)
    assert y.shape == (2, 6, 8, 7)
    assert np.array_equal(layer(x.reshape(2, -1)), y)
    assert np.array_equal(layer(x[0].ravel()), layer(x[0]))
    for wrong in (x.transpose(0, 2, 3, 1), x[0].transpose(1, 2, 0), x.reshape(2, 4, 56)):
        with pytest.raises(ValueError, match="shape"):
            layer(wrong)


def test_a_convolution_along_a_line(rng: np.random.Generator) -> None:
    w = rng.standard_normal((6, 4, 3)).astype(np.float32)
    layer = Layer(File(save({"w": w})), "w", image=(4, 1, 9))
    x = rng.standard_normal((2, 4, 9)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(x, 3, axis=2)
    expected = np.einsum("biwk,oik->bow", windows, w)[:, :, None]
    for given in (x, x[:, :, None], x.reshape(2, -1)):
        assert np.allclose(layer(given), expected, atol=1e-4)
    assert np.allclose(layer(x[0]), expected[0], atol=1e-4)
