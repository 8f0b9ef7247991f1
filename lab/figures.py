"""Plotly figures in the look of the page: one template, axes with units, real and synthetic always in their colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

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
    figure.update_yaxes(title_text=f"{title} [{unit}]" if unit else title, range=room(rows))
    return figure


def beside_baseline(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Each metric on an axis of its own: the synthetic value with its interval over the band that real images reach."""
    titles = [f"{row['title']} [{row['unit']}]" if row.get("unit") else row["title"] for row in rows]
    figure = make_subplots(rows=len(rows), cols=1, subplot_titles=titles)
    for n, row in enumerate(rows, start=1):
        at: dict[str, Any] = dict(row=n, col=1)
        figure.add_trace(
            go.Scatter(
                x=[row["value"]], y=[0], mode="markers", marker=dict(size=9, color=SYNTHETIC), name=row["title"],
                error_x=dict(
                    type="data", array=[row["high"] - row["value"]], arrayminus=[row["value"] - row["low"]],
                    color=SYNTHETIC, thickness=1.5,
                ),
            ),
            **at,
        )  # fmt: skip
        # After the trace: Plotly draws no shape on an axis that is still empty, nor makes room for one.
        band = dict(x0=row["baseline_low"], x1=row["baseline_high"], fillcolor=REAL, opacity=0.25, line_width=0)
        figure.add_vrect(**band, **at)
        figure.add_vline(x=row["baseline"], line=dict(color=REAL, width=1.5, dash="dot"), **at)
        figure.update_xaxes(range=room([row]), **at)
        figure.update_yaxes(visible=False, range=[-1, 1], **at)
    figure.update_layout(template=TEMPLATE, showlegend=False, height=60 + 105 * len(rows))
    figure.update_annotations(font_size=13)
    return figure


def room(rows: Sequence[Mapping[str, Any]]) -> list[float]:
    """An axis that holds all values, intervals and baselines."""
    names = ("value", "low", "high", "baseline", "baseline_low", "baseline_high")
    numbers = [float(row[name]) for row in rows for name in names]
    margin = 0.06 * (max(numbers) - min(numbers)) or 1.0
    return [min(numbers) - margin, max(numbers) + margin]
