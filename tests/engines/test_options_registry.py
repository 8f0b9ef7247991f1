"""Options carry their words; the registry finds plug-ins and survives broken ones."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pydantic
import pytest

from engines import registry
from engines.errors import explain
from engines.options import Options, option, parse_assignments


class Example(Options):
    rate: float = option(
        2e-4, "Learning rate", "Step size.", too_low="Slow.", too_high="Diverges.", layer="basic", gt=0, le=1
    )


def test_schema_carries_words_bounds_and_layer() -> None:
    field = Example.model_json_schema()["properties"]["rate"]
    assert field["title"] == "Learning rate" and field["too_high"] == "Diverges." and field["layer"] == "basic"
    assert field["exclusiveMinimum"] == 0 and field["maximum"] == 1 and field["default"] == 2e-4


def test_out_of_bounds_and_unknown_names_are_explained() -> None:
    for values in ({"rate": 3}, {"rat": 1}):
        with pytest.raises(pydantic.ValidationError) as caught:
            Example.model_validate(values)
        words = explain(caught.value)
        assert words.what == "A setting is out of bounds." and next(iter(values)) in words.why


def test_assignments_of_the_command_line() -> None:
    assert parse_assignments(["rate=3e-4", "name=abc", "on=true", "n=[1,2]"]) == {
        "rate": 3e-4, "name": "abc", "on": True, "n": [1, 2],
    }  # fmt: skip
    with pytest.raises(ValueError, match="key=value"):
        parse_assignments(["rate"])


def test_every_plugin_loads_and_describes_itself() -> None:
    described = registry.describe()
    json.dumps(described, allow_nan=False)
    assert {"add", "curate", "demo", "train", "generate", "evaluate", "export"} <= set(described["tasks"])
    assert "custom_gan" in described["methods"] and {"folder", "mini_mias"} <= set(described["layouts"])
    for folder in ("tasks", "methods", "metrics", "layouts", "exporting"):
        for name, spec in described[folder].items():
            assert spec["name"] == name and spec["title"] and spec["summary"], (folder, name)


def test_every_option_has_its_words() -> None:
    described = registry.describe()
    schemas = [spec["parameters"] for spec in described["tasks"].values()]
    schemas += [spec["options"] for spec in described["methods"].values()]
    for schema in schemas:
        for name, field in schema["properties"].items():
            assert field.get("title") and field.get("description"), f"{schema['title']}.{name} has no words"


def test_a_broken_plugin_warns_and_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "engines_with_fault"
    (package / "layouts").mkdir(parents=True)
    (package / "layouts" / "broken.py").write_text("raise OSError('no')")
    monkeypatch.setattr(registry, "__file__", str(package / "registry.py"))
    monkeypatch.setitem(sys.modules, "engines.layouts", type(sys)("engines.layouts"))
    sys.modules["engines.layouts"].__path__ = [str(package / "layouts")]
    with pytest.warns(RuntimeWarning, match=r"broken\.py was left out"):
        assert registry.load.__wrapped__("layouts") == {}
