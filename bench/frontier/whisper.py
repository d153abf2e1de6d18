# SPDX-License-Identifier: Apache-2.0
"""Whisper tiny.en (fp16): what its encoder makes of four clips. The file is the whole model: its decoder, which
is not run, has three quarters of the weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import quality
import safetensors_file
from coders import Arrays
from safetensors_file import Tensor
from speech import log_mel, speech

TITLE = "Whisper tiny.en"
FETCHED = "whisper-tiny.en-fp16"
ERROR = "1 - cosine of the encoder's output"
TARGETS = {3.9e-4: 6.05, 1.1e-3: 5.25}
SEEDS = range(4)
SECONDS, LAYERS, HEADS = 10, 4, 6


def tensors(folder: Path) -> list[Tensor]:
    return list(safetensors_file.read(folder / f"{FETCHED}.safetensors"))


def channel_axis(name: str, shape: tuple[int, ...]) -> int:
    return 0


def convolved(x: np.ndarray, w: np.ndarray, bias: np.ndarray, stride: int) -> np.ndarray:
    """[time, in] by [out, in, 3], with a frame of zeros before and after: [time / stride, out]."""
    padded = np.pad(x, ((1, 1), (0, 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, 3, axis=0)[::stride]
    return frames.reshape(len(frames), -1) @ w.reshape(len(w), -1).T + bias


def normalised(x: np.ndarray, w: Arrays, name: str) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + np.float32(1e-5))
    return centred / deviation * w[name + "/gamma"] + w[name + "/beta"]


def attention(x: np.ndarray, w: Arrays, layer: str) -> np.ndarray:
    qkv = x @ w[layer + "linear_0/weight"].T + w[layer + "linear_0/bias"]
    query, key, value = qkv.reshape(len(x), 3, HEADS, -1).transpose(1, 2, 0, 3)
    scores = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(query.shape[-1]))
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = (scores / scores.sum(-1, keepdims=True)) @ value
    mixed = mixed.transpose(1, 0, 2).reshape(len(x), -1)
    return mixed @ w[layer + "linear_1/weight"].T + w[layer + "linear_1/bias"]


def encoded(w: Arrays, mel: np.ndarray) -> np.ndarray:
    """[frames / 2, 384] of a log-mel spectrum [80, frames]: the encoder of Radford et al., 2022."""
    x = mel.T
    for number, stride in ((1, 1), (2, 2)):
        name = f"encoder/conv{number}/"
        x = quality.gelu(convolved(x, w[name + "weight"], w[name + "bias"], stride))
    x = x + w["encoder/position_encodings/encodings"][: len(x)]
    for number in range(LAYERS):
        layer = f"encoder/layer_{number}/self_attention/"
        x = x + attention(normalised(x, w, layer + "layer_norm"), w, layer)
        layer = f"encoder/layer_{number}/ffn/"
        hidden = normalised(x, w, layer + "layer_norm") @ w[layer + "linear_0/weight"].T
        hidden = quality.gelu(hidden + w[layer + "linear_0/bias"])
        x = x + hidden @ w[layer + "linear_1/weight"].T + w[layer + "linear_1/bias"]
    return normalised(x, w, "encoder/layer_norm")


def outputs(folder: Path, weights: Arrays) -> list[np.ndarray]:
    w = {name: v.astype(np.float32) for name, v in weights.items() if name.startswith("encoder/")}
    return [encoded(w, log_mel(speech(seed, SECONDS))) for seed in SEEDS]


def error(before: list[np.ndarray], after: list[np.ndarray]) -> float:
    """The mean over the frames of all clips."""
    a, b = np.concatenate(before).astype(np.float64), np.concatenate(after).astype(np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.mean(1 - (a * b).sum(1) / lengths))
