"""The list to choose one thing from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

from lab.components.base import packed, part


def cards(label: str) -> gr.HTML:
    """An empty list; its `input` event fires when another card is chosen."""
    return part("cards", label=label)


def value(items: Sequence[dict[str, Any]], chosen: str, empty: str, label: str) -> str:
    """What to show: items {id, title, text, state?, hint?, link?}; the first is chosen if the old choice is gone."""
    ids = [item["id"] for item in items]
    shown = chosen if chosen in ids else next(iter(ids), "")
    return packed({"items": list(items), "chosen": shown, "empty": empty, "label": label})


def chosen_of(value: str | None) -> str:
    """Id of the chosen card, "" if there is none."""
    return str((json.loads(value or "null") or {}).get("chosen", ""))
