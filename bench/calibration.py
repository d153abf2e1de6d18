#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/calibration.py FOLDER | MODEL.onnx=1x3x48x320...: what `dcf compress --calibration` saves at equal output.

For the sentence encoder MiniLM (FOLDER as for bench/quality.py) and for ONNX models that take a picture
of these sizes it prints the bits a weight of the whole file that keep the change of the outputs at two levels: without
data, with statistics of noise, and of data; with sensitivities as well. Statistics are of other
inputs than those that are measured: 256 sentences of the tree's specification and sources, or 16
pictures of a seeded generator. The program, the library and collect_stats are those of the package
dcf_codec. MiniLM needs PyTorch, ONNX models need ONNX Runtime.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dcf_codec
import numpy as np
import quality
from pictures import pictures, relative_change

QUALITIES = (58, 53, 48, 43, 38, 33, 28, 23)
SENTENCES = 256
PICTURES = 16
MEASURED_PICTURES = 32


class Curve:
    """Bits a weight and change of the outputs at several qualities."""

    def __init__(self, points: list[tuple[float, list[float]]]) -> None:
        self.points = points

    def bits(self, change: float, column: int) -> float:
        """Linear in the logarithm of the change; NaN outside of what was measured."""
        logs = [np.log(max(changes[column], 1e-12)) for _, changes in self.points]
        order = np.argsort(logs)
        at = np.log(change)
        if not logs[order[0]] <= at <= logs[order[-1]]:
            return float("nan")
        return float(
            np.interp(at, np.array(logs)[order], np.array([b for b, _ in self.points])[order])
        )


def measure(
    model: Path, statistics: dict[str, Any] | None, changes: Callable[[Path], list[float]]
) -> Curve:
    weights = sum(
        int(np.prod(one["shape"]))
        for one in dcf_codec.inspect(model)["tensors"]
        if one["dtype"] == "f32"
    )
    points = []
    with tempfile.TemporaryDirectory() as folder:
        small, restored = Path(folder) / "small.dcf", Path(folder) / f"restored{model.suffix}"
        for level in QUALITIES:
            dcf_codec.compress(
                model,
                small,
                quality=level,
                calibration=statistics,
                force=True,
                exact_file=model.suffix == ".onnx",  # whose graph runs afterwards
            )
            size = small.stat().st_size
            dcf_codec.decompress(small, restored, force=True)
            points.append((8 * size / weights, changes(restored)))
    return Curve(points)


def show(
    title: str,
    model: Path,
    variants: dict[str, dict[str, Any] | None],
    changes: Callable[[Path], list[float]],
    kinds: Sequence[str],
    levels: Sequence[float],
) -> None:
    columns = [f"{kind}, {level:g}" for kind in kinds for level in levels]
    print(f"\n{title}\n\n| | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}", flush=True)
    first: list[float] = []
    for name, statistics in variants.items():
        curve = measure(model, statistics, changes)
        bits = [curve.bits(level, i) for i in range(len(kinds)) for level in levels]
        first = first or bits
        cells = [f"{b:.2f}" if b == a else f"{b:.2f} ({b - a:+.2f})" for a, b in zip(first, bits)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def collect(title: str, *arguments: Any, **options: Any) -> dict[str, Any]:
    begin = time.monotonic()
    found: dict[str, Any] = dcf_codec.collect_stats(*arguments, **options)
    print(f"{title}: {time.monotonic() - begin:.1f} s", file=sys.stderr, flush=True)
    return found


# ---- MiniLM


def other_sentences() -> list[str]:
    """Of the specification and of the READMEs, of which no measured sentence is."""
    pages = [*sorted(quality.TREE.glob("spec/*.md")), *sorted(quality.TREE.glob("*.md"))]
    return quality.spread(quality.sentences_of(pages), SENTENCES)


def code_lines(pattern: str, count: int) -> list[str]:
    """Lines of sources: another kind of text."""
    files = sorted(quality.TREE.glob(pattern))
    lines = [line.strip() for file in files for line in file.read_text().splitlines()]
    return quality.spread([one for one in lines if 25 < len(one) < 220], count)


def encoder(weights: dict[str, np.ndarray]) -> Any:
    """all-MiniLM-L6-v2 as a module whose tensors have the names of its file."""
    import torch
    from torch import nn

    def group(**parts: nn.Module) -> nn.ModuleDict:
        return nn.ModuleDict(parts)

    width, heads = quality.WIDTH, quality.HEADS

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            tables = {"word": 30522, "position": 512, "token_type": 2}
            self.embeddings = group(
                **{f"{name}_embeddings": nn.Embedding(n, width) for name, n in tables.items()},
                LayerNorm=nn.LayerNorm(width, 1e-12),
            )
            self.encoder = group(layer=nn.ModuleList(self._layer() for _ in range(quality.LAYERS)))
            self.pooler = group(dense=nn.Linear(width, width))

        def _layer(self) -> nn.Module:
            parts = {name: nn.Linear(width, width) for name in ("query", "key", "value")}
            own = nn.ModuleDict({"self": group(**parts), "output": self._sum(width)})
            wide = group(dense=nn.Linear(width, 4 * width))
            return group(attention=own, intermediate=wide, output=self._sum(4 * width))

        def _sum(self, inputs: int) -> nn.Module:
            return group(dense=nn.Linear(inputs, width), LayerNorm=nn.LayerNorm(width, 1e-12))

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            """ids: [tokens]. The embedding of a sentence, of length 1."""
            tables = self.embeddings
            x = tables["word_embeddings"](ids)
            x = x + tables["position_embeddings"].weight[: len(ids)]
            x = tables["LayerNorm"](x + tables["token_type_embeddings"].weight[0])
            for layer in self.encoder["layer"]:
                own = layer["attention"]
                query, key, value = (
                    own["self"][name](x).reshape(len(ids), heads, -1).transpose(0, 1)
                    for name in ("query", "key", "value")
                )
                scores = query @ key.transpose(1, 2) / (width / heads) ** 0.5
                mixed = (scores.softmax(-1) @ value).transpose(0, 1).reshape(len(ids), width)
                x = own["output"]["LayerNorm"](x + own["output"]["dense"](mixed))
                hidden = nn.functional.gelu(layer["intermediate"]["dense"](x))
                x = layer["output"]["LayerNorm"](x + layer["output"]["dense"](hidden))
            return nn.functional.normalize(x.mean(0), dim=0)

    model = Encoder().eval()
    state = {name: torch.from_numpy(value.copy()) for name, value in weights.items()}
    model.load_state_dict(state)
    return model


def show_encoder(folder: Path) -> None:
    import torch

    path, tokens = quality.open_encoder(folder)
    model = encoder(quality.read_safetensors(path))

    def inputs(texts: list[str]) -> list[Any]:
        return [torch.tensor(tokens(text)) for text in texts]

    measured = {
        "sentences": inputs(quality.sentences()),
        "code": inputs(code_lines("tools/**/*.cc", 100)),
    }

    def embeddings(weights: dict[str, np.ndarray]) -> list[Any]:
        module = encoder(weights)
        with torch.no_grad():
            return [torch.stack([module(ids) for ids in texts]) for texts in measured.values()]

    before = embeddings(quality.read_safetensors(path))

    def changes(restored: Path) -> list[float]:
        after = embeddings(quality.read_safetensors(restored))
        return [float((1 - (a * b).sum(1)).mean()) for a, b in zip(before, after)]

    prose = inputs(other_sentences())
    mixed = prose[::2] + inputs(code_lines("libdcf/**/*.h", len(prose) // 2))
    noise = [torch.randint(0, 30522, (20,)) for _ in range(SENTENCES)]
    variants = {
        "data-free": None,
        "noise": collect("noise", model, noise),
        "256 sentences": collect("256 sentences", model, prose),
        "256, half of them code": collect("mixed", model, mixed),
        "256 sentences, sensitivity": collect("sensitivity", model, prose, sensitivity=True),
        "half code, sensitivity": collect("mixed, sensitivity", model, mixed, sensitivity=True),
    }
    title = "MiniLM: bits a weight at 1 - cosine"
    show(title, path, variants, changes, list(measured), [1.2e-4, 1.2e-3])


# ---- ONNX models of pictures


def show_pictures(path: Path, dims: Sequence[int]) -> None:
    import onnxruntime

    def session(model: Path) -> Any:
        return onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])

    original = session(path)
    (one,) = original.get_inputs()
    measured = list(pictures(dims, MEASURED_PICTURES, 2))

    def outputs(run: Any) -> list[np.ndarray]:
        return [np.concatenate([y.ravel() for y in run.run(None, {one.name: x})]) for x in measured]

    before = outputs(original)

    def changes(restored: Path) -> list[float]:
        after = outputs(session(restored))
        return [relative_change(before, after)]

    data = [{one.name: x} for x in pictures(dims, PICTURES, 1)]
    variants = {
        "data-free": None,
        "noise": collect("noise", path, input_shapes={one.name: dims}, count=PICTURES),
        "16 pictures": collect("16 pictures", path, data),
        "16 pictures, sensitivity": collect("sensitivity", path, data, sensitivity=True),
    }
    title = f"{path.name}: bits a weight at a mean change of the outputs of"
    show(title, path, variants, changes, ["pictures"], [0.003, 0.01, 0.03])


def main() -> None:
    arguments = sys.argv[1:]
    if not arguments or arguments[0].startswith("-"):
        sys.exit(__doc__)
    for argument in arguments:
        path, _, sizes = argument.partition("=")
        if sizes:
            show_pictures(Path(path), [int(n) for n in sizes.split("x")])
        else:
            show_encoder(Path(path))


if __name__ == "__main__":
    main()
