# SPDX-License-Identifier: Apache-2.0
"""Deep Compression of LeNet-300-100: train, prune and retrain, cluster, fine-tune, write lenet.dcf.
usage: compress_mnist.py FOLDER [SEED]    FOLDER has the four idx files of MNIST, gzipped or not"""

import gzip
import os
import pathlib
import sys
import time

import numpy as np
import torch

from dcf_codec.torch import cluster_, load_model, prune_, save_model, scheduled_sparsity


def load_digits(part):
    def idx(name, offset):
        path = next(pathlib.Path(sys.argv[1]).glob(f"{part}-{name}*"))
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return torch.from_numpy(np.frombuffer(data, np.uint8, offset=offset).copy())

    return idx("images", 16).view(-1, 784).float() / 255, idx("labels", 8).long()


def train(epochs, rate, sparsity=None):
    optimiser = torch.optim.Adam(model.parameters(), rate)
    steps = epochs * len(labels) // 128
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        if sparsity and step % 50 == 0:
            prune_(model, scheduled_sparsity(step, sparsity, end=steps // 2))
        batch = torch.randint(len(labels), (128,))
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimiser.step()
        schedule.step()


def report(stage):
    wrong = (model(test_images).argmax(1) != test_labels).float().mean().item()
    print(f"{stage}: test error {100 * wrong:.2f} %, {time.time() - start:.0f} s", flush=True)


start = time.time()
torch.manual_seed(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
(images, labels), (test_images, test_labels) = load_digits("train"), load_digits("t10k")
sizes = [(784, 300), (300, 100), (100, 10)]
layers = [part for size in sizes for part in (torch.nn.Linear(*size), torch.nn.ReLU())]
model = torch.nn.Sequential(*layers[:-1])
train(12, 1e-3), report("dense")
train(40, 1e-3, {"0": 0.9, "2": 0.88, "4": 0.5}), report("pruned")
cluster_(model, bits=5), report("clustered")
train(2, 1e-4), report("fine-tuned")
save_model(model, "lenet.dcf")
load_model(model, "lenet.dcf"), report("lenet.dcf")
dense, small = 4 * sum(a * b + b for a, b in sizes), os.path.getsize("lenet.dcf")
print(f"{small} bytes, {dense / small:.1f} times fewer than {dense}")
