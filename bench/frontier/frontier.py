#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Size against what the outputs lose, of models that were not trained again, by dcf and by others.

Prints a table for each model: bits of the whole file for each of its weights, and the error of its
outputs. A second table has the size that each coder takes for the same error, between its neighbouring
points: the logarithm of the error goes straight from one to the next. --page FILE gets both, with plots.
"""

from __future__ import annotations

import argparse
import importlib
import math
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

BENCH = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(BENCH), str(BENCH / "lossless")]

import coders  # noqa: E402
import plot  # noqa: E402
from coders import Coded  # noqa: E402
from onnx_pictures import OnnxPictures  # noqa: E402

CODERS = ("dcf --quality", "dcf --quality --small", "int8 per channel + zstd -19", "q8_0", "q4_0",
          "k-means (dcf --bits)", "NNCodec")  # fmt: skip
MODELS = ("minilm", "whisper", "silero", "esrgan", "use_lite")
LEVELS = ("50", "45", "40", "35", "30", "25", "20")
LEVELS_SMALL = ("40", "30")  # of LEVELS
QPS = (-42, -38, -34, -30, -26)
FEWEST = 3  # points of a curve


class Point(NamedTuple):
    coder: str
    setting: str
    bytes: int
    bits: float  # of the file, for each weight
    error: float

    def name(self) -> str:
        return f"{self.coder} {self.setting}".strip()


Model = ModuleType | OnnxPictures


def model_named(name: str) -> Model:
    path, _, sizes = name.partition("=")
    if sizes:
        return OnnxPictures(Path(path), [int(n) for n in sizes.split("x")])
    return importlib.import_module(name)


def settings(
    dcf: str, module: Model, tensors: list
) -> Iterator[tuple[str, str, Callable[[], Coded]]]:
    """CODERS with their settings. A call does the work."""
    axis = module.channel_axis

    def by_dcf(*options: str) -> Callable[[], Coded]:
        return lambda: coders.coded_dcf(dcf, tensors, list(options))

    for level in LEVELS:
        yield "dcf --quality", level, by_dcf("--quality", level)
    for level in LEVELS_SMALL:
        yield "dcf --quality --small", level, by_dcf("--small", "--quality", level)
    yield "int8 per channel + zstd -19", "", lambda: coders.coded_int8(tensors, axis)
    yield "q8_0", "", lambda: coders.coded_blocks(tensors, axis, coders.q8_0)
    yield "q4_0", "", lambda: coders.coded_blocks(tensors, axis, coders.q4_0)
    for bits in ("8", "6", "5"):
        yield "k-means (dcf --bits)", bits, by_dcf("--bits", bits)
    for qp in QPS:
        yield "NNCodec", f"qp {qp}", lambda qp=qp: coders.coded_nncodec(tensors, axis, qp)


def measured(dcf: str, module: Model, folder: Path, wanted: list[str]) -> list[Point]:
    """Prints each point as it comes; without WANTED, those of all coders. A coder that is not installed is
    named once and left out."""
    tensors = module.tensors(folder)
    count = coders.elements(tensors)
    before = module.outputs(folder, coders.arrays(tensors))
    errors: dict[int, float] = {}  # of dcf by level: --small changes no value
    points: list[Point] = []
    missing: set[str] = set()
    print(f"\n### {module.TITLE}: {count:,} weights\n")
    print(f"| coder | bytes | bits a weight | {module.ERROR} |\n|---|--:|--:|--:|", flush=True)
    for coder, setting, run in settings(dcf, module, tensors):
        if coder in missing or (wanted and coder not in wanted):
            continue
        try:
            coded = run()
        except ImportError as fault:
            missing.add(coder)
            print(f"| {coder} | not installed: {fault.name} | | |", flush=True)
            continue
        known = errors.get(int(setting)) if coder.startswith("dcf --quality") else None
        lost = (
            module.error(before, module.outputs(folder, coded.values)) if known is None else known
        )
        if coder == "dcf --quality":
            errors[int(setting)] = lost
        points.append(Point(coder, setting, coded.size, 8 * coded.size / count, lost))
        last = points[-1]
        print(
            f"| {last.name()} | {last.bytes:,} | {last.bits:.2f} | {shown(module, lost)} |",
            flush=True,
        )
    return points


def shown(module: Model, error: float) -> str:
    return f"{error:.1f}" if getattr(module, "DECIBELS", False) else f"{error:.2g}"


def straight(error: float, decibels: bool) -> float:
    """What is nearly straight against the bits: dB as they are, others by their logarithm."""
    return error if decibels else math.log(max(error, 1e-12))


def bits_at(points: list[Point], error: float, decibels: bool = False) -> str:
    """Of one coder, between the two neighbouring points that enclose an error. Beyond its points: less than
    those of its smallest file, or more than those of its largest."""
    known = sorted((p.bits, straight(p.error, decibels)) for p in points)
    wanted = straight(error, decibels)
    for (bits, one), (more_bits, other) in zip(known, known[1:]):
        if one != other and min(one, other) <= wanted <= max(one, other):
            return f"{bits + (more_bits - bits) * (wanted - one) / (other - one):.2f}"
    (least, worst), (most, best) = known[0], known[-1]
    return f"< {least:.2f}" if (wanted - worst) * (best - worst) < 0 else f"> {most:.2f}"


def by_coder(points: list[Point]) -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = {}
    for point in points:
        found.setdefault(point.coder, []).append(point)
    return found


def equal_output(module: Model, points: list[Point]) -> tuple[list[str], list[list[str]]]:
    """Bits a weight of the coders with curves at the errors of TARGETS, and at those of coders with one point."""
    decibels = getattr(module, "DECIBELS", False)
    coders_of = by_coder(points)
    curves = {name: found for name, found in coders_of.items() if len(found) >= FEWEST}
    at = {f"{error:g}": (error, "") for error in module.TARGETS}
    for name, found in coders_of.items():
        if len(found) == 1:
            at[shown(module, found[0].error)] = (found[0].error, f"{found[0].bits:.2f} ({name})")
    rows = []
    for text, (error, other) in at.items():
        found = [bits_at(curve, error, decibels) for curve in curves.values()]
        rows.append([text, *found, other])
    return [module.ERROR, *curves, "other"], rows


def section(
    module: Model, points: list[Point], head: list[str], rows: list[list[str]]
) -> list[str]:
    series = [
        plot.Series(name, [(p.bits, p.error, p.name()) for p in found if p.error > 0])
        for name, found in by_coder(points).items()
    ]
    logarithmic = not getattr(module, "DECIBELS", False)
    all_rows = [[p.name(), f"{p.bytes:,}", f"{p.bits:.2f}", shown(module, p.error)] for p in points]
    return [
        f"<h2>{plot.escape(module.TITLE)}</h2>",
        plot.svg(series, "bits a weight of the whole file", module.ERROR, logarithmic),
        plot.legend(series),
        "<p>Bits a weight at equal output:</p>",
        plot.table(head, rows),
        "<p>All points:</p>",
        plot.table(["coder", "bytes", "bits a weight", module.ERROR], all_rows),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of bench/fetch.sh")
    parser.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help=f"of {', '.join(MODELS)}; or one of your own that takes a picture: MODEL.onnx=1x3x224x224",
    )
    parser.add_argument(
        "--coders",
        nargs="+",
        default=[],
        choices=CODERS,
        metavar="NAME",
        help=f"only these of {', '.join(CODERS)}",
    )
    parser.add_argument("--page", type=Path, metavar="FILE", help="HTML with plots")
    arguments = parser.parse_args()
    unknown = {name for name in arguments.models if "=" not in name} - set(MODELS)
    if unknown:
        parser.error(f"no model {min(unknown)}; there are: {', '.join(MODELS)}")
    dcf = os.environ.get("DCF", str(BENCH.parent / "build/release/bin/dcf"))
    if not Path(dcf).exists():
        parser.error(f"there is no {dcf}; ./demo.sh builds it, or DCF= names another")
    parts: list[str] = []
    for name in arguments.models or MODELS:
        module = model_named(name)
        fetched = getattr(module, "FETCHED", None)
        if fetched and not (arguments.folder / f"{fetched}.safetensors").exists():
            print(f"\n{module.TITLE}: bench/fetch.sh {arguments.folder} {fetched} makes it")
            continue
        points = measured(dcf, module, arguments.folder, arguments.coders)
        head, rows = equal_output(module, points)
        print("\nBits a weight at equal output:\n")
        for row in [head, ["--:"] * len(head), *rows]:
            print(f"| {' | '.join(row)} |")
        parts += section(module, points, head, rows)
        if arguments.page:
            arguments.page.write_text(plot.page("Size against what the outputs lose", parts))


if __name__ == "__main__":
    main()
