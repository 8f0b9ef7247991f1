"""Options models as forms: their JSON Schema becomes settings, settings become controls, and controls become values."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr
from gradio.components import Component

from engines.errors import LabError

Kind = Literal["integer", "number", "switch", "choice", "text"]
KINDS: dict[str, Kind] = {"integer": "integer", "number": "number", "boolean": "switch", "string": "text"}
LAYERS = ("dial", "basic", "all")
MOST_BUTTONS = 4  # choices that stand side by side; more become a list


@dataclass(frozen=True)
class Setting:
    """One option of an options model, as the form needs it. `low` and `high` are allowed unless open."""

    name: str
    title: str
    help: str
    kind: Kind
    default: Any
    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    unit: str = ""
    layer: str = "all"
    too_low: str = ""
    too_high: str = ""
    optional: bool = False
    required: bool = False


def settings(schema: Mapping[str, Any], leave_out: Collection[str] = ()) -> list[Setting]:
    """The settings of a JSON Schema in its order; lists and maps, which a form cannot show, are left out."""
    found = []
    required = set(schema.get("required", ()))
    for name, given in schema.get("properties", {}).items():
        if name in leave_out:
            continue
        setting = _setting(name, given, schema.get("$defs", {}), name in required)
        if setting is not None:
            found.append(setting)
    return found


def _setting(name: str, given: Mapping[str, Any], shared: Mapping[str, Any], required: bool) -> Setting | None:
    variants = [_resolved(variant, shared) for variant in given.get("anyOf", (given,))]
    real = [variant for variant in variants if variant.get("type") != "null"]
    if not real:
        return None
    shape = {**_resolved(real[0], shared), **{key: value for key, value in given.items() if key != "anyOf"}}
    choices = tuple(shape.get("enum", ()) or ((shape["const"],) if "const" in shape else ()))
    kind: Kind | None = "choice" if choices else KINDS.get(str(shape.get("type")))
    if kind is None:
        return None
    low, low_open = _bound(shape, "minimum", "exclusiveMinimum")
    high, high_open = _bound(shape, "maximum", "exclusiveMaximum")
    return Setting(
        name=name,
        title=str(shape.get("title", name.replace("_", " "))),
        help=str(shape.get("description", "")),
        kind=kind,
        default=shape.get("default"),
        choices=choices,
        low=low,
        high=high,
        low_open=low_open,
        high_open=high_open,
        unit=str(shape.get("unit", "")),
        layer=str(shape["layer"]) if shape.get("layer") in LAYERS else "all",
        too_low=str(shape.get("too_low", "")),
        too_high=str(shape.get("too_high", "")),
        optional=len(real) < len(variants),
        required=required,
    )


def _resolved(shape: Mapping[str, Any], shared: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = str(shape.get("$ref", ""))
    return {**shared.get(reference.rsplit("/", 1)[-1], {}), **shape} if reference else shape


def _bound(shape: Mapping[str, Any], closed: str, open_: str) -> tuple[float | None, bool]:
    return (shape[open_], True) if open_ in shape else (shape.get(closed), False)


def tooltip(setting: Setting) -> str:
    """What a setting is, and what too low and too high look like; one line each."""
    lines = [setting.help]
    if setting.too_low:
        lines.append(("Off: " if setting.kind == "switch" else "Too low: ") + setting.too_low)
    if setting.too_high:
        lines.append(("On: " if setting.kind == "switch" else "Too high: ") + setting.too_high)
    if (allowed := bounds(setting)) and setting.kind != "switch":
        lines.append(f"Allowed: {allowed}.")
    return "\n\n".join(line for line in lines if line)


def bounds(setting: Setting) -> str:
    """The allowed range in words, "" if there is none."""
    words = []
    if setting.low is not None:
        words.append(f"{'above' if setting.low_open else 'at least'} {setting.low:,.10g}")
    if setting.high is not None:
        words.append(f"{'below' if setting.high_open else 'at most'} {setting.high:,.10g}")
    return ", ".join(words)


def control(setting: Setting, value: Any = None) -> Component:
    """The Gradio control of a setting, with its tooltip; bounds are checked by `checker` when the form is sent."""
    label = f"{setting.title} ({setting.unit})" if setting.unit else setting.title
    start = setting.default if value is None else value
    common: dict[str, Any] = {
        "label": label,
        "info": tooltip(setting),
        "elem_classes": ["lab-setting"],
        "min_width": 96,
        "interactive": True,
    }
    if setting.kind == "switch":
        return gr.Checkbox(value=bool(start), **common)
    if setting.kind == "choice":
        shown = [(str(choice).replace("_", " "), choice) for choice in setting.choices]
        if len(shown) <= MOST_BUTTONS:
            return gr.Radio(shown, value=start, **{**common, "elem_classes": ["lab-setting", "lab-segments"]})
        return gr.Dropdown(shown, value=start, filterable=False, **common)
    if setting.kind in ("integer", "number") and not setting.optional:
        return gr.Number(value=start, precision=0 if setting.kind == "integer" else None, **common)
    # An optional number is a text: Gradio's number field shows an empty value as 0.
    return gr.Textbox(value="" if start is None else f"{start}", placeholder="automatic", max_lines=1, **common)


def problem(setting: Setting, value: Any) -> str:
    """Why this value cannot be used, in words; "" if it can."""
    if setting.kind == "switch":
        return "" if isinstance(value, bool) else "Switch it on or off."
    if value is None or value == "":
        return "" if setting.optional or (setting.kind == "text" and not setting.required) else "Give a value."
    if setting.kind == "choice":
        return "" if value in setting.choices else "Choose one of the list."
    if setting.kind == "text":
        return "" if isinstance(value, str) else "Give a text."
    value = _number(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "Give a number."
    if setting.kind == "integer" and value != int(value):
        return "Give a whole number."
    low, high = setting.low, setting.high
    beneath = low is not None and (value <= low if setting.low_open else value < low)
    beyond = high is not None and (value >= high if setting.high_open else value > high)
    return f"It must be {bounds(setting)}." if beneath or beyond else ""


def _number(value: Any) -> Any:
    """A typed number as a number; anything else as it is."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def clean(setting: Setting, value: Any) -> Any:
    """The value as the options model wants it: whole numbers as int, an empty optional one as None."""
    if value is None or (value == "" and (setting.optional or setting.kind != "text")):
        return None
    if setting.kind == "integer":
        return int(_number(value))
    return float(value) if setting.kind == "number" else value


def read(form: Sequence[Setting], raw: Sequence[Any]) -> dict[str, Any]:
    """The form's values by name. Raises LabError for the first that cannot be used."""
    values = {}
    for setting, value in zip(form, raw, strict=True):
        if trouble := problem(setting, value):
            raise LabError(f"{setting.title}: {trouble}", f"It holds “{value}”.", tooltip(setting).split("\n\n")[0])
        values[setting.name] = clean(setting, value)
    return values


def checker(form: Sequence[Setting], before: int = 0) -> Callable[..., list[dict[str, Any]]]:
    """A Gradio validator: a message under each control that cannot be used; the first `before` inputs pass."""

    def check(*raw: Any) -> list[dict[str, Any]]:
        passed = [gr.validate(True, "") for _ in raw[:before]]
        troubles = [problem(setting, value) for setting, value in zip(form, raw[before:], strict=True)]
        return [*passed, *(gr.validate(not trouble, trouble) for trouble in troubles)]

    return check


def differing(form: Sequence[Setting], values: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Only the values that differ from `base` (a preset), or from the defaults where `base` is silent."""
    return {
        setting.name: values[setting.name]
        for setting in form
        if setting.name in values and values[setting.name] != base.get(setting.name, setting.default)
    }


def starting(form: Sequence[Setting], base: Mapping[str, Any]) -> list[Any]:
    """The value of every setting under a preset, in the form's order."""
    return [base.get(setting.name, setting.default) for setting in form]


def by_layer(form: Sequence[Setting], layer: str) -> list[Setting]:
    """The settings of one layer, in order."""
    return [setting for setting in form if setting.layer == layer]
