"""The methods as cards: what each is and costs, and whether it can learn the chosen image set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from engines.records import ImageSetRecord
from lab import forms
from lab.components.base import packed, part

COSTS = {  # class of cost -> what it means on a processor, and on a GPU
    "light": ("a first look within minutes", "good images within an hour or two"),
    "medium": ("a first look takes patience", "good images within hours"),
    "heavy": ("small images only, to try it", "hours, or a night"),
}
# The choice itself, for whatever hangs on it; the method's own settings are drawn anew when it changes.
CHOICE = """
(value) => {
  const { chosen, turn } = JSON.parse(value);
  return JSON.stringify({ method: chosen, turn });
}
"""


def methods() -> gr.HTML:
    """The chosen method, and a picker of all; its `input` event fires when another one is chosen."""
    return part("methods", label="Method")


def value(description: Mapping[str, Any], record: ImageSetRecord | None, chosen: str, turn: int) -> str:
    """What the part shows. `turn` counts choices: a list that is older than the page's own choice leaves that alone."""
    specs = description.get("methods", {})
    cards = [card(name, spec, record) for name, spec in specs.items()]
    costs = [{"name": name, "processor": words[0], "gpu": words[1]} for name, words in COSTS.items()]
    return packed({"methods": sorted(cards, key=_order), "costs": costs, "chosen": chosen, "turn": turn})


def _order(shown: Mapping[str, Any]) -> tuple[int, bool, str]:
    """The lightest first, and of equal cost the well-tried before the experimental."""
    cost = list(COSTS).index(shown["cost"]) if shown["cost"] in COSTS else len(COSTS)
    return cost, bool(shown["experimental"]), str(shown["title"]).lower()


def card(name: str, spec: Mapping[str, Any], record: ImageSetRecord | None) -> dict[str, Any]:
    """A method as a card; `trouble` says why it cannot learn the set, `warning` why it may not learn it well."""
    trouble, advice = refusal(spec, record) if record else ("", "")
    return {
        "name": name,
        **{key: spec.get(key, "") for key in ("title", "summary", "good_for", "source", "cost")},
        "sizes": sizes(spec),
        "images": int(spec.get("limits", {}).get("recommended_images", 0)),
        "fewest": int(spec.get("limits", {}).get("fewest_images", 0)),
        "tags": tags(spec),
        "experimental": bool(spec.get("experimental")),
        "trouble": trouble,
        "advice": advice,
        "warning": "" if trouble or record is None else warning(spec, record),
    }


def sizes(spec: Mapping[str, Any]) -> list[int]:
    """Sides of the images that a method makes, in pixels."""
    found = [setting for setting in forms.settings(spec.get("options", {})) if setting.name == "size"]
    return [int(size) for setting in found for size in (setting.choices or (setting.default,))]


def tags(spec: Mapping[str, Any]) -> list[str]:
    """What sets a method apart, in two words each."""
    channels = tuple(spec.get("limits", {}).get("channels", (1, 3)))
    only = {(1,): "grey only", (3,): "colour only"}
    return [
        *(["by class"] if spec.get("conditional") else []),
        *(["changes images"] if spec.get("translates") else []),
        *([only[channels]] if channels in only else []),
    ]


def refusal(spec: Mapping[str, Any], record: ImageSetRecord) -> tuple[str, str]:
    """Why a method cannot learn a set, and what to do; "" if it can. The engine judges again when the run starts."""
    limits = spec.get("limits", {})
    if record.channels not in limits.get("channels", (1, 3)):
        if record.channels == 3:
            return "Learns grey images only; this set is in colour.", "Make the set again in grey, on the Data tab."
        return "Learns colour images only; this set is grey.", "Choose a set in colour."
    counts = sorted((count for count in record.classes.values() if count), reverse=True)
    needed = 2 if spec.get("translates") else int(limits.get("fewest_classes", 1))
    if len(counts or [record.items]) < needed:
        return f"Needs images of {needed} classes; this set has one.", "Choose a set with classes."
    fewest = int(limits.get("fewest_images", 0))
    there = counts[1] if spec.get("translates") else record.items
    if there < fewest:
        each = " of each of two classes" if spec.get("translates") else ""
        return (
            f"Needs at least {fewest:,} images{each}; this set has {there:,}.",
            "Accept more on the Data tab.",
        )
    return "", ""


def warning(spec: Mapping[str, Any], record: ImageSetRecord) -> str:
    """Why a method may not learn a set well, "" if nothing speaks against it."""
    wanted = int(spec.get("limits", {}).get("recommended_images", 0))
    if record.items >= wanted:
        return ""
    return f"This set has {record.items:,} images; {wanted:,} or more are recommended."


def first(description: Mapping[str, Any], record: ImageSetRecord | None) -> str:
    """The method to begin with: the task's own default, else the first that can learn the set, else any; "" if none."""
    specs: Mapping[str, Any] = description.get("methods", {})
    task = description.get("tasks", {}).get("train", {}).get("parameters", {})
    usual = str(task.get("properties", {}).get("method", {}).get("default", ""))
    order: Sequence[str] = [name for name in (usual, *specs) if name in specs]
    able = (name for name in order if record is None or not refusal(specs[name], record)[0])
    return next(able, next(iter(order), ""))
