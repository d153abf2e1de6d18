# SPDX-License-Identifier: Apache-2.0
"""ESRGAN x4 (UpscalerJS' thick model, fp32): PSNR between six enlarged pictures before and after."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import coders
import numpy as np
import safetensors_file
from coders import Arrays
from safetensors_file import Tensor

TITLE = "ESRGAN x4"
FETCHED = "esrgan-x4-fp32"
ERROR = "PSNR in dB"
DECIBELS = True
TARGETS = {60: 32 / 4.9}
SEEDS, SIDE = range(6), 24


def tensors(folder: Path) -> list[Tensor]:
    return list(safetensors_file.read(folder / f"{FETCHED}.safetensors"))


def channel_axis(name: str, shape: tuple[int, ...]) -> int:
    return len(shape) - 1


def picture(seed: int) -> np.ndarray:
    """[SIDE, SIDE, 3] within 0 and 1: a shaded ground, some discs and bars in colours, and fine noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : SIDE * 1j, 0 : 1 : SIDE * 1j]
    ground = (
        rng.uniform(0.2, 0.8, 3)
        + (x * rng.uniform(-1, 1) + y * rng.uniform(-1, 1))[..., None] * 0.3
    )
    for _ in range(6):
        distance = np.hypot(x - rng.uniform(), y - rng.uniform()) - rng.uniform(0.05, 0.3)
        if rng.uniform() < 0.5:
            angle = rng.uniform(0, np.pi)
            across = (x - rng.uniform()) * np.cos(angle) + (y - rng.uniform()) * np.sin(angle)
            distance = np.abs(across) - rng.uniform(0.02, 0.1)
        cover = 1 / (1 + np.exp(np.clip(distance * SIDE * 3, -50, 50)))[..., None]
        ground = ground * (1 - cover) + rng.uniform(0, 1, 3) * cover
    return np.clip(ground + 0.01 * rng.standard_normal(ground.shape), 0, 1).astype(np.float32)


def convolved(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """[h, w, in] by [3, 3, in, out], zeros around."""
    h, w, _ = x.shape
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    windows = [padded[i : i + h, j : j + w] for i in range(3) for j in range(3)]
    columns = np.concatenate(windows, axis=2)
    return columns @ kernel.reshape(columns.shape[-1], -1) + bias


def depth_to_space(x: np.ndarray, block: int) -> np.ndarray:
    """[h, w, block * block * c] as [h * block, w * block, c]."""
    h, w, _ = x.shape
    return x.reshape(h, w, block, block, -1).swapaxes(1, 2).reshape(h * block, w * block, -1)


def applied(layers: list[dict], weights: Arrays, x: np.ndarray) -> np.ndarray:
    """The output of the last layer of a Keras model of these classes, of an input [h, w, 3]."""
    values: Arrays = {}
    for layer in layers:
        name, kind, config = layer["name"], layer["class_name"], layer["config"]
        inputs = [values[source[0]] for node in layer["inbound_nodes"] for source in node]
        if kind == "InputLayer":
            value = x
        elif kind == "Conv2D":
            value = convolved(inputs[0], weights[name + "/kernel"], weights[name + "/bias"])
        elif kind == "Activation" and config["activation"] == "relu":
            value = np.maximum(inputs[0], 0)
        elif kind == "Concatenate":
            value = np.concatenate(inputs, axis=-1)
        elif kind == "Add":
            value = inputs[0] + inputs[1]
        elif kind == "MultiplyBeta":
            value = inputs[0] * np.float32(config["beta"])
        elif kind == "PixelShuffle4x":
            value = depth_to_space(inputs[0], config["scale"])
        else:
            raise ValueError(f"{name}: a layer {kind} is not known here")
        values[name] = value
    return value


def outputs(folder: Path, weights: Arrays) -> list[np.ndarray]:
    with tarfile.open(coders.package(folder, "upscalerjs-esrgan-thick-*.tgz")) as members:
        model = json.load(members.extractfile("package/models/x4/model.json"))
    layers = model["modelTopology"]["model_config"]["config"]["layers"]
    return [np.clip(applied(layers, weights, picture(seed)), 0, 1) for seed in SEEDS]


def error(before: list[np.ndarray], after: list[np.ndarray]) -> float:
    """Of all pixels together; the peak is 1."""
    square = np.mean((np.array(before, np.float64) - np.array(after)) ** 2)
    return float(-10 * np.log10(max(square, 1e-20)))
