"""What two or more runs were begun with, setting by setting, and only where they differ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from engines.errors import LabError
from engines.records import RunRecord
from engines.workspace import Workspace

FEWEST, MOST = 2, 4  # more curves in one chart, or sheets side by side, cannot be told apart
# Shown first, under these titles; the task's own parameters of the same names repeat them.
OWN = {"method": "Method", "preset": "Preset", "image_set": "Image set", "seed": "Seed"}
LEFT_OUT = (*OWN, "options")
BUDGET = ("images", "epochs", "minutes")
ABSENT, UNSET = "–", "not set"
LONGEST_TEXT = 200
Setting = tuple[str, str]  # where it belongs (run, options or parameters), and its name


def compared(workspace: Workspace, ids: Sequence[str], description: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that differ between runs, as text in the order of the runs, and how many are equal.

    Titles and units come from the engine's description; a run without a setting that another has shows a dash.
    Raises LabError for an unknown run, and for a number of runs that cannot be compared.
    """
    if not FEWEST <= len(set(ids)) == len(ids) <= MOST:
        raise LabError("Two to four different runs can be compared.", "", "Mark other runs.")
    records = [workspace.run(id) for id in ids]
    values = [_settings(workspace, record, description) for record in records]
    names = list(dict.fromkeys(name for settings in values for name in settings))
    names.sort(key=_place)
    rows = []
    for name in names:
        texts = [settings.get(name, ABSENT) for settings in values]
        if len(set(texts)) > 1:
            title = _title(name, records, description)
            rows.append({"name": name[1], "of": name[0], "title": title, "values": texts})
    return {"runs": [record.id for record in records], "rows": rows, "equal": len(names) - len(rows)}


def _place(name: Setting) -> int:
    """What a run learns from and how long, then the method's options, then the rest."""
    part, setting = name
    return 1 if part == "parameters" and setting in BUDGET else {"run": 0, "options": 2, "parameters": 3}[part]


def _settings(workspace: Workspace, record: RunRecord, description: Mapping[str, Any]) -> dict[Setting, str]:
    """All that a run was begun with, as text."""
    method = description.get("methods", {}).get(record.method, {})
    preset = method.get("presets", {}).get(record.preset, {})
    found: dict[Setting, str] = {
        ("run", "method"): str(method.get("title", record.method)),
        ("run", "preset"): str(preset.get("title", record.preset) or ABSENT),
        ("run", "image_set"): _set_name(workspace, record.image_set),
        ("run", "seed"): str(record.seed),
    }
    options = _properties(method.get("options", {}))
    parameters = _properties(_task(description))
    for name, value in record.options.items():
        found["options", name] = words(value, options.get(name, {}))
    for name, value in record.parameters.items():
        if name not in LEFT_OUT:
            found["parameters", name] = words(value, parameters.get(name, {}))
    return found


def _set_name(workspace: Workspace, id: str) -> str:
    """Name and id, since two sets may share a name; the id alone for a set that is gone."""
    try:
        name = workspace.image_set(id).record.name
    except LabError:
        return id
    return name if name == id else f"{name} ({id})"


def words(value: Any, schema: Mapping[str, Any]) -> str:
    """A setting's value as the page shows it."""
    if value is None or value == "":
        return UNSET
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return f"{value:.10f}".rstrip("0") if 1e-6 <= abs(value) < 1e-4 else f"{value:,.10g}"
    if isinstance(value, str):
        return (value.replace("_", " ") if _is_choice(schema) else value)[:LONGEST_TEXT]
    return json.dumps(value, ensure_ascii=False)[:LONGEST_TEXT]


def _is_choice(schema: Mapping[str, Any]) -> bool:
    return any("enum" in variant or "const" in variant for variant in (schema, *schema.get("anyOf", ())))


def _title(name: Setting, records: Sequence[RunRecord], description: Mapping[str, Any]) -> str:
    """What the form calls a setting, with its unit; the name in plain letters where the engine does not say."""
    part, setting = name
    if part == "run":
        return OWN[setting]
    methods = description.get("methods", {})
    schemas = [methods.get(record.method, {}).get("options", {}) for record in records]
    for schema in schemas if part == "options" else [_task(description)]:
        if said := _properties(schema).get(setting):
            title = str(said.get("title", setting))
            unit = str(said.get("unit", ""))
            return f"{title} ({unit})" if unit and f"({unit})" not in title else title
    return setting.replace("_", " ").capitalize()


def _task(description: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = description.get("tasks", {}).get("train", {}).get("parameters", {})
    return schema


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema.get("properties", {})
    return found
