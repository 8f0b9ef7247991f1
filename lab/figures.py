"""Plotly figures in the look of the page: one template, axes with units, real and synthetic always in their colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

# The tokens of theme.css that read on both themes; a figure is drawn once for either.
REAL, SYNTHETIC, INK, LINE = "#38b2ac", "#f0883e", "#98a1ae", "rgba(127,137,150,0.25)"
TEMPLATE = go.layout.Template(
    layout=go.Layout(
        font=dict(family="system-ui, Segoe UI, Roboto, DejaVu Sans, sans-serif", size=12, color=INK),
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin=dict(l=56, r=16, t=28, b=42),
        xaxis=dict(gridcolor=LINE, zeroline=False, linecolor=LINE, ticks="outside", tickcolor=LINE),
        yaxis=dict(gridcolor=LINE, zeroline=False, linecolor=LINE),
        legend=dict(orientation="h", y=1.02, yanchor="bottom", x=0),
        hovermode="x unified",
    )
)


def empty(text: str) -> go.Figure:
    """A figure that says what will stand here."""
    figure = go.Figure(layout=dict(template=TEMPLATE, xaxis=dict(visible=False), yaxis=dict(visible=False)))
    figure.add_annotation(text=text, showarrow=False, font=dict(size=13))
    return figure


def by_checkpoint(rows: Sequence[Mapping[str, Any]], title: str, unit: str) -> go.Figure:
    """One metric over the checkpoints of a run with its interval, and the band that real images reach."""
    seen = [row["images_seen"] / 1000 for row in rows]
    value = [row["value"] for row in rows]
    up = [row["high"] - row["value"] for row in rows]
    down = [row["value"] - row["low"] for row in rows]
    figure = go.Figure(layout=dict(template=TEMPLATE))
    last = rows[-1]
    figure.add_hrect(y0=last["baseline_low"], y1=last["baseline_high"], fillcolor=REAL, opacity=0.18, line_width=0)
    figure.add_hline(y=last["baseline"], line=dict(color=REAL, width=1.5, dash="dot"))
    figure.add_trace(
        go.Scatter(
            x=seen, y=value, name="synthetic, 95 % interval", mode="lines+markers",
            line=dict(color=SYNTHETIC, width=2), marker=dict(size=7),
            error_y=dict(type="data", array=up, arrayminus=down, color=SYNTHETIC, thickness=1, width=3),
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(x=[None], y=[None], name="real against real", mode="lines", line=dict(color=REAL, dash="dot"))
    )
    figure.update_xaxes(title_text="thousand images seen", rangemode="tozero")
    figure.update_yaxes(title_text=f"{title} [{unit}]" if unit else title)
    return figure
