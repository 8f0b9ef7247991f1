"""No data ever becomes markup: templates are constants, and scripts write text only."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from lab.components import base

LAB = Path(base.__file__).parent.parent
PYTHON = sorted(LAB.rglob("*.py"))
SCRIPTS = sorted(LAB.rglob("*.js"))
STYLES = sorted(LAB.rglob("*.css"))
TEMPLATES = {"html_template", "css_template", "js_on_load"}
EVALUATED = ("{{", "${")
# What turns text into markup or code.
FORBIDDEN = (
    r"\binnerHTML\b", r"\bouterHTML\b", r"\binsertAdjacentHTML\b", r"\bcreateContextualFragment\b", r"\bsetHTML\w*\b",
    r"\bdocument\.write", r"\beval\s*\(", r"\bnew\s+Function\b", r"\bDOMParser\b", r"\bsrcdoc\b", r"javascript:",
    r"setTimeout\(\s*[\"'`]", r"setInterval\(\s*[\"'`]",
)  # fmt: skip


def constants(tree: ast.Module) -> dict[str, str]:
    """Module-level names that are plain strings."""
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def template_arguments() -> list[tuple[str, int, str, ast.expr, dict[str, str]]]:
    found = []
    for path in PYTHON:
        tree = ast.parse(path.read_text())
        known = constants(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                found += [
                    (path.name, node.lineno, keyword.arg, keyword.value, known)
                    for keyword in node.keywords
                    if keyword.arg in TEMPLATES or (keyword.arg == "template" and ast.unparse(node.func) == "part")
                ]
    return found


def text_of(value: ast.expr, known: dict[str, str]) -> str | None:
    """The constant text of an expression; a constant with one name put in by `replace` counts as that constant."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    if isinstance(value, ast.Name):
        return known.get(value.id)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "replace":
        return text_of(value.func.value, known)
    return None


def test_templates_are_constants_that_evaluate_nothing() -> None:
    arguments = template_arguments()
    assert arguments, "the check looks in the wrong place"
    for file, line, name, value, known in arguments:
        if file == "base.py" and isinstance(value, ast.Name) and value.id == "template":
            continue  # `part` hands its own argument on: its callers are checked here, and it checks again
        text = text_of(value, known)
        assert text is not None, f"{file}:{line}: {name} is not a constant"
        if name != "js_on_load":
            assert not any(mark in text for mark in EVALUATED), f"{file}:{line}: {name} would be evaluated"
            assert not isinstance(value, ast.Call), f"{file}:{line}: {name} is put together"


def test_a_part_cannot_be_named_into_code() -> None:
    with pytest.raises(ValueError, match="cannot name"):
        base.part("x; alert(1)", label="")


@pytest.mark.parametrize("template", ["<b>{{value}}</b>", "<b>${value}</b>", "<b>`</b>"])
def test_a_part_refuses_a_template_that_would_be_evaluated(template: str) -> None:
    with pytest.raises(ValueError, match="constant"):
        base.part("chart", label="", template=template)


def test_a_value_travels_as_json_whatever_it_holds() -> None:
    hostile = {"name": "</script><img src=x onerror=alert(1)> ${1+1} {{value}}"}
    assert json.loads(base.part("chart", hostile, label="").value) == hostile


def test_no_component_shows_raw_markup() -> None:
    guilty = []
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            for keyword in node.keywords:
                value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
                if keyword.arg == "sanitize_html" and value is not True:
                    guilty.append((path.name, node.lineno, "sanitize_html"))
                if keyword.arg == "datatype" and "html" in ast.dump(keyword.value):
                    guilty.append((path.name, node.lineno, "datatype"))
            name = ast.unparse(node.func)
            if name == "gr.HTML" and not any(keyword.arg == "html_template" for keyword in node.keywords):
                guilty.append((path.name, node.lineno, "gr.HTML without a constant template"))
    assert not guilty


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_write_text_only(path: Path) -> None:
    found = [pattern for pattern in FORBIDDEN if re.search(pattern, path.read_text())]
    assert not found


@pytest.mark.parametrize("path", [*SCRIPTS, *STYLES], ids=lambda path: path.name)
def test_the_page_asks_no_other_host(path: Path) -> None:
    addresses = re.findall(r"https?://[^\s\"'`)]+", path.read_text())
    assert [address for address in addresses if "www.w3.org/2000/svg" not in address] == []


def test_every_part_has_its_script() -> None:
    names = set()
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "part" and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    names.add(str(first.value))
    registered = {name for path in SCRIPTS for name in re.findall(r"lab\.(\w+) = \{ ?mount", path.read_text())}
    assert names and names <= registered
