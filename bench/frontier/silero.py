# SPDX-License-Identifier: Apache-2.0
"""Silero VAD v6 (fp32), through ONNX Runtime: the probability of speech in eight clips of 8 seconds."""

from __future__ import annotations

import tarfile
from pathlib import Path

import coders
import numpy as np
import onnx_graph
import safetensors_file
from coders import Arrays
from safetensors_file import Tensor
from speech import RATE, speech

TITLE = "Silero VAD v6"
FETCHED = "silero-v6-fp32"
ERROR = "mean change of the probability"
TARGETS = {3.5e-3: 6.9, 1.1e-2: 5.7}
SEEDS, SECONDS = range(100, 108), 8
STEP, CONTEXT = 512, 64  # new samples of a call, and those before that come again


def tensors(folder: Path) -> list[Tensor]:
    return list(safetensors_file.read(folder / f"{FETCHED}.safetensors"))


def channel_axis(name: str, shape: tuple[int, ...]) -> int:
    return 0


def clips() -> list[np.ndarray]:
    """Each louder or fainter than the one before, in noise of its own."""
    rng = np.random.default_rng(99)
    sounds = [speech(seed, SECONDS) for seed in SEEDS]
    noises = [rng.standard_normal(sound.size) * rng.choice([0.001, 0.01, 0.03]) for sound in sounds]
    return [(s * rng.uniform(0.1, 1) + n).astype(np.float32) for s, n in zip(sounds, noises)]


def outputs(folder: Path, weights: Arrays) -> list[np.ndarray]:
    import onnx
    import onnxruntime

    with tarfile.open(coders.package(folder, "ricky0123-vad-web-*.tgz")) as members:
        member = members.extractfile("package/dist/silero_vad_v6.onnx")
        model = onnx.load_model_from_string(member.read())
    onnx_graph.replace(model.graph, weights)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # it warns of the shapes of the model as it was
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    found = []
    for clip in clips():
        state, context = np.zeros((2, 1, 128), np.float32), np.zeros(CONTEXT, np.float32)
        for begin in range(0, clip.size - STEP + 1, STEP):
            heard = np.concatenate([context, clip[begin : begin + STEP]])
            inputs = {"input": heard[None], "state": state, "sr": np.array(RATE)}
            probability, state = session.run(None, inputs)
            context = heard[-CONTEXT:]
            found.append(probability.reshape(-1))
    return found


def error(before: list[np.ndarray], after: list[np.ndarray]) -> float:
    return float(np.mean(np.abs(np.array(before, np.float64) - np.array(after))))
