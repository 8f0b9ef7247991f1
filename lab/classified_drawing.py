"""Charts as SVG in a page to print, black on white: axes with ticks, lines told apart by colour and dash, keys."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Point = tuple[float, float]
Look = tuple[str, str]  # colour and dash

STYLE = (
    "figure{margin:12px 0;break-inside:avoid}figcaption{color:#566070;font-size:12px;max-width:900px}"
    "h3{font-size:14px;margin:18px 0 4px}"
    "svg{display:block;max-width:100%;height:auto;background:#fff}svg text{font-size:12px;fill:#1a1e25}"
    "svg .dim{fill:#566070}svg .head{font-weight:600}"
    "@media print{body{margin:0;padding:0;max-width:none;color:#000}h2,h3{break-after:avoid}tr{break-inside:avoid}"
    "table{font-size:11px}td:nth-child(n),th{padding:4px 5px 4px 0}.range,figcaption{font-size:9px}}"
)
WIDTH = 900  # pixels: on A4 the text of a figure is then as large as that of a footnote
REAL = "#16857f"
COLOURS = ("#c65d10", "#1f5fd0", "#946400", "#bd2f80", "#26803a", "#8b46cf")  # those of the light page
DASHES = ("7 3", "2 2.5", "9 3 2 3", "13 4", "5 2 1.5 2")  # five of them: no colour meets its dash again for 30 lines
INK, GREY, PALE = "#1a1e25", "#98a1ae", "#e4e7ec"
LINE = 15  # height of a line of text
LEGEND, WRAP = 566, 38  # where the keys begin, and how many signs fit beside them


@dataclass(frozen=True)
class Axes:
    """A chart's frame in pixels and what its ends stand for."""

    left: float
    top: float
    width: float
    height: float
    x_ends: Point = (0.0, 1.0)
    y_ends: Point = (0.0, 1.0)

    def x(self, value: float) -> float:
        low, high = self.x_ends
        return self.left + self.width * (value - low) / (high - low)

    def y(self, value: float) -> float:
        low, high = self.y_ends
        return self.top + self.height * (1 - (value - low) / (high - low))

    def frame(self, x_title: str, y_title: str, x_ticks: Sequence[float] = ()) -> list[str]:
        """The frame with its ticks and titles."""
        bottom, middle = self.top + self.height, self.top + self.height / 2
        drawn = [
            f'<rect x="{self.left}" y="{self.top}" width="{self.width}" height="{self.height}" fill="none" '
            f'stroke="{GREY}"/>'
        ]
        for value in x_ticks or ticks(*self.x_ends, 5):
            drawn.append(line((self.x(value), bottom), (self.x(value), bottom + 4)))
            drawn.append(text(self.x(value), bottom + 17, f"{value:,g}", "dim", "middle"))
        for value in ticks(*self.y_ends, 5):
            drawn.append(line((self.left - 4, self.y(value)), (self.left, self.y(value))))
            drawn.append(text(self.left - 7, self.y(value) + 4, f"{value:g}", "dim", "end"))
        drawn.append(text(self.left + self.width / 2, bottom + 33, x_title, "dim", "middle"))
        aside = f'transform="rotate(-90 {self.left - 34} {middle})"'
        return [*drawn, text(self.left - 34, middle, y_title, "dim", "middle", aside)]


def ticks(low: float, high: float, count: int) -> list[float]:
    """About `count` round numbers from low to high."""
    rough = (high - low) / count
    if not rough > 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{n * step:.12g}") for n in range(first, last + 1)]


def text(x: float, y: float, words: Any, kind: str = "", anchor: str = "start", more: str = "") -> str:
    """A text, escaped: names come from the workspace."""
    about = f' class="{kind}"' if kind else ""
    return f'<text{about} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{html.escape(str(words))}</text>'


def line(start: Point, end: Point, colour: str = GREY, width: float = 1, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    (x1, y1), (x2, y2) = start, end
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"{dashed}/>'


def look_of_arm(place: int) -> Look:
    """Colour and dash of a training set: real images are drawn through in their colour, thirty others look unlike."""
    return (REAL, "") if place == 0 else (COLOURS[(place - 1) % len(COLOURS)], DASHES[(place - 1) % len(DASHES)])


def look_of_classifier(place: int) -> Look:
    """Colour and dash of a classifier, in the colours of neither real nor synthetic images."""
    return COLOURS[1:][place % (len(COLOURS) - 1)], ("", *DASHES)[place % (len(DASHES) + 1)]


def figure(name: str, height: float, drawn: Iterable[str], caption: str = "") -> str:
    svg = f'<svg role="img" aria-label="{html.escape(name)}" width="{WIDTH}" viewBox="0 0 {WIDTH} {height:.0f}">'
    below = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{svg}{''.join(drawn)}</svg>{below}</figure>"


def keys(entries: Iterable[tuple[Look, str, str]], top: float) -> tuple[list[str], float]:
    """The keys of lines, each (look, title, value), and where they end."""
    drawn, y = [], top
    for (colour, dash), title, value in entries:
        drawn.append(line((LEGEND, y - 4), (LEGEND + 26, y - 4), colour, 2, dash))
        for words in textwrap.wrap(title, WRAP)[:3] or [""]:
            drawn.append(text(LEGEND + 33, y, words))
            y += LINE
        if value:
            drawn.append(text(LEGEND + 33, y, value, "dim"))
            y += LINE
        y += 5
    return drawn, y
