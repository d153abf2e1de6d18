# SPDX-License-Identifier: Apache-2.0
"""A page of plots and tables: HTML with SVG inside, no script, for light and dark screens."""

from __future__ import annotations

import math
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 86, 16, 12, 50  # the margins of a plot
COLOURS = 8  # as many --s0, --s1, ... as STYLE has; further series begin anew with a dashed line
STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1d2733;--soft:#66707c;--line:#d9dee4;--s0:#0a58ca;--s1:#c2410c;
--s2:#2e7d32;--s3:#7b1fa2;--s4:#8a6d00;--s5:#00798c;--s6:#b0156b;--s7:#5b5f66}
@media(prefers-color-scheme:dark){:root{--bg:#12161b;--fg:#e5e9ee;--soft:#9aa4af;--line:#333b45;--s0:#7ab0ff;
--s1:#ff9d66;--s2:#7fd084;--s3:#d3a0f0;--s4:#e0c15a;--s5:#5fcbdc;--s6:#ff8cc6;--s7:#b9c0c9}}
body{background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:880px;padding:16px}
h1{font-size:1.5em}h2{font-size:1.2em;margin-top:2em}svg{width:100%;height:auto;max-width:720px;display:block}
svg text{fill:var(--fg);font:13px system-ui,sans-serif}svg .soft{fill:var(--soft)}svg .grid{stroke:var(--line)}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:3px 12px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th{white-space:normal;vertical-align:bottom}th:first-child,td:first-child{text-align:left}
@media(max-width:600px){svg text{font-size:19px}th,td{padding:3px 6px;font-size:.9em}}p{max-width:70ch}
""" + "".join(f".c{i}{{stroke:var(--s{i});fill:var(--s{i})}}" for i in range(COLOURS))


class Series(NamedTuple):
    name: str
    points: list[tuple[float, float, str]]  # x, y > 0, and what a point is called


def rounded_steps(low: float, high: float, count: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten within low and high, about COUNT of them; low < high."""
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def powers_of_ten(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    return [10.0**k for k in range(first, last + 1)]


def _extent(values: list[float], margin: float) -> tuple[float, float]:
    low, high = min(values), max(values)
    space = (high - low) * margin or 0.5
    return low - space, high + space


def svg(series: list[Series], x_label: str, y_label: str, logarithmic: bool) -> str:
    """Points, and a line for a series of three or more; a point's title says its name, x and y. Raises ValueError without points."""
    points = [point for one in series for point in one.points]
    if not points:
        raise ValueError("no points to plot")
    scaled = math.log10 if logarithmic else float
    x_low, x_high = _extent([x for x, _, _ in points], 0.04)
    y_low, y_high = _extent([scaled(y) for _, y, _ in points], 0.06)

    def across(x: float) -> float:
        return LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)

    def down(y: float) -> float:
        return TOP + (y_high - scaled(y)) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)

    lines = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(y_label)} against {escape(x_label)}">'
    ]
    for x in rounded_steps(x_low, x_high, 8):
        at = f"{across(x):.1f}"
        lines.append(f'<line class="grid" x1="{at}" x2="{at}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        lines.append(
            f'<text class="soft" x="{at}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{x:g}</text>'
        )
    for y in (
        powers_of_ten(10**y_low, 10**y_high) if logarithmic else rounded_steps(y_low, y_high, 6)
    ):
        at = f"{down(y):.1f}"
        lines.append(f'<line class="grid" y1="{at}" y2="{at}" x1="{LEFT}" x2="{WIDTH - RIGHT}"/>')
        lines.append(
            f'<text class="soft" x="{LEFT - 8}" y="{at}" dy="4" text-anchor="end">{y:g}</text>'
        )
    middle = (TOP + HEIGHT - BOTTOM) / 2
    lines.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>'
    )
    lines.append(
        f'<text transform="translate(18 {middle}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text>'
    )
    for i, one in enumerate(series):
        colour, dashes = f"c{i % COLOURS}", ' stroke-dasharray="5 4"' if i >= COLOURS else ""
        path = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y, _ in sorted(one.points))
        if len(one.points) > 2:
            lines.append(
                f'<polyline class="{colour}" style="fill:none" stroke-width="2"{dashes} points="{path}"/>'
            )
        for x, y, name in one.points:
            lines.append(f'<circle class="{colour}" cx="{across(x):.1f}" cy="{down(y):.1f}" r="4">'
                         f"<title>{escape(name)}: {x:.2f}, {y:.3g}</title></circle>")  # fmt: skip
    return "\n".join([*lines, "</svg>"])


def legend(series: list[Series]) -> str:
    """A mark and the name of each series, in lines that wrap."""
    marks = (
        f'<span style="white-space:nowrap;margin-right:1.2em"><svg viewBox="0 0 12 12" style="display:inline;width:.8em">'
        f'<circle class="c{i % COLOURS}" cx="6" cy="6" r="5"/></svg> {escape(one.name)}</span> '
        for i, one in enumerate(series)
    )
    return f"<p>{''.join(marks)}</p>"


def table(head: list[str], rows: list[list[str]]) -> str:
    cells = ["".join(f"<th>{escape(cell)}</th>" for cell in head)]
    cells += ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    return f'<div class="wide"><table>{"".join(f"<tr>{row}</tr>" for row in cells)}</table></div>'


def page(title: str, parts: list[str]) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style></head>\n<body><h1>{escape(title)}</h1>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )
