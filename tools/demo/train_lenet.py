#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains LeNet-300-100 (784-300-100-10, ReLU) on Fashion-MNIST and writes it as safetensors.

Needs Debian's python3-numpy and dataset-fashion-mnist. The seed fixes the initial weights and the
order of the samples; another BLAS may round differently and end a few samples apart. The test set
is looked at once, after the last epoch.
"""
import argparse
import gzip
import json
import struct
from pathlib import Path

import numpy as np

LAYERS = [("ip1", 784, 300), ("ip2", 300, 100), ("ip3", 100, 10)]
BATCH = 128
PEAK_RATE = 0.1
MOMENTUM = 0.9
DECAY = 1e-4


def read_idx(path):
    with gzip.open(path) as f:
        data = f.read()
    rank = data[3]
    shape = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load(folder, part):
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz")
    return images.reshape(len(images), -1).astype(np.float32) / 255, labels.astype(np.int64)


def initial_parameters(rng):
    parameters = {}
    for name, inputs, outputs in LAYERS:
        bound = np.sqrt(6 / inputs)
        parameters[f"{name}.weight"] = rng.uniform(-bound, bound, (outputs, inputs)).astype(np.float32)
        parameters[f"{name}.bias"] = np.zeros(outputs, np.float32)
    return parameters


def forward(parameters, x):
    """The activations of every layer, the input first; the last are logits."""
    activations = [x]
    for name, _, _ in LAYERS:
        x = x @ parameters[f"{name}.weight"].T + parameters[f"{name}.bias"]
        if name != LAYERS[-1][0]:
            x = np.maximum(x, 0)
        activations.append(x)
    return activations


def gradients(parameters, x, labels):
    activations = forward(parameters, x)
    logits = activations[-1] - activations[-1].max(axis=1, keepdims=True)
    delta = np.exp(logits)
    delta /= delta.sum(axis=1, keepdims=True)
    delta[np.arange(len(labels)), labels] -= 1
    delta /= len(labels)
    result = {}
    for i in reversed(range(len(LAYERS))):
        name = LAYERS[i][0]
        result[f"{name}.weight"] = delta.T @ activations[i]
        result[f"{name}.bias"] = delta.sum(axis=0)
        if i > 0:
            delta = (delta @ parameters[f"{name}.weight"]) * (activations[i] > 0)
    return result


def train(parameters, images, labels, epochs, rng):
    velocity = {name: np.zeros_like(value) for name, value in parameters.items()}
    steps_per_epoch = len(images) // BATCH
    for epoch in range(epochs):
        order = rng.permutation(len(images))
        for step in range(steps_per_epoch):
            batch = order[step * BATCH : (step + 1) * BATCH]
            progress = (epoch + step / steps_per_epoch) / epochs
            rate = np.float32(PEAK_RATE * 0.5 * (1 + np.cos(np.pi * progress)))
            for name, gradient in gradients(parameters, images[batch], labels[batch]).items():
                gradient = gradient + np.float32(DECAY) * parameters[name]
                velocity[name] = np.float32(MOMENTUM) * velocity[name] - rate * gradient
                parameters[name] += velocity[name]
        print(f"epoch {epoch + 1}/{epochs}", flush=True)


def test_error(parameters, images, labels):
    return float(np.mean(forward(parameters, images)[-1].argmax(axis=1) != labels))


def write_safetensors(path, parameters, metadata):
    header = {"__metadata__": metadata}
    offset = 0
    for name, value in parameters.items():
        header[name] = {"dtype": "F32", "shape": list(value.shape),
                        "data_offsets": [offset, offset + value.nbytes]}
        offset += value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for value in parameters.values():
            f.write(value.astype("<f4").tobytes())


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("output", type=Path)
    arguments.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    arguments.add_argument("--epochs", type=int, default=30)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()

    rng = np.random.default_rng(options.seed)
    parameters = initial_parameters(rng)
    train(parameters, *load(options.data, "train"), options.epochs, rng)
    error = test_error(parameters, *load(options.data, "t10k"))
    print(f"test error {100 * error:.2f} %")
    write_safetensors(options.output, parameters, {
        "model": "LeNet-300-100", "data": "Fashion-MNIST", "input": "28x28 pixels / 255",
        "seed": str(options.seed), "epochs": str(options.epochs),
        "test_error_percent": f"{100 * error:.2f}"})


if __name__ == "__main__":
    main()
