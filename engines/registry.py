"""Finds the plug-ins: one file in a known folder adds one thing, and ends with its spec constant."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import pkgutil
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from engines.options import Options
from engines.records import library_versions

# Folder below engines/ -> the constant that a plug-in file ends with.
FOLDERS: dict[str, str] = {
    "tasks": "TASK",
    "methods": "METHOD",
    "extractors": "EXTRACTOR",
    "metrics": "METRIC",
    "classifiers": "CLASSIFIER",
    "layouts": "LAYOUT",
    "exporting": "FORMAT",
    "steps": "STEP",
}
_PLACES = {"steps": "curation/steps"}  # folders that do not stand directly below engines/


@cache
def load(folder: str) -> dict[str, Any]:
    """All specs of a folder by name; a file that fails to import is warned about and left out."""
    constant = FOLDERS[folder]
    place = _PLACES.get(folder, folder)
    root = Path(__file__).parent / place
    specs: dict[str, Any] = {}
    for module in sorted(pkgutil.iter_modules([str(root)]), key=lambda module: module.name):
        try:
            spec = getattr(importlib.import_module(f"engines.{place.replace('/', '.')}.{module.name}"), constant, None)
        except Exception as error:  # a lab's own plug-in may fail in any way; the rest must go on
            warnings.warn(f"{folder}/{module.name}.py was left out: {error}", RuntimeWarning, stacklevel=2)
            continue
        if spec is not None:
            specs[spec.name] = spec
    return specs


def _plain(value: Any) -> Any:
    """JSON of a spec's public fields: options models become their JSON Schema, functions are left out."""
    if isinstance(value, type) and issubclass(value, Options):
        return value.model_json_schema()
    if isinstance(value, Options):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {name: _plain(field) for name, field in fields.items() if not callable(field) or isinstance(field, type)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def describe() -> dict[str, Any]:
    """What the engine can do, as JSON: every spec with its words and the JSON Schema of its options."""
    specs = {folder: {name: _plain(spec) for name, spec in load(folder).items()} for folder in FOLDERS}
    return {"code": code_version(), **specs}


def code_version() -> str:
    """A hash of the engine's source and libraries: a description made under the same version is still true."""
    digest = hashlib.sha256(repr(sorted(library_versions().items())).encode())
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]
