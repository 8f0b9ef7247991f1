"""The words keep up with the code: README tree, commands, methods, metrics and layouts."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import typer.main

from engines import registry
from engines.cli import app

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def test_the_tree_of_the_readme_is_current() -> None:
    spec = importlib.util.spec_from_file_location("readme_tree", ROOT / "tests" / "readme_tree.py")
    assert spec and spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.with_tree(README) == README, "run: uv run python tests/readme_tree.py"
    bare = [line for line in tool.tree().splitlines() if line.startswith("  ") and len(line.split(maxsplit=1)) < 2]
    assert not bare, "these files lack a first line that says what they are"


def test_every_command_is_documented_and_has_help() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        assert f"`{name}" in README, f"the README does not name `{name}`"
        assert command.help and len(command.help) > 20, name


def test_every_plugin_is_named_in_the_readme() -> None:
    for folder in ("methods", "metrics", "layouts", "extractors", "classifiers"):
        for name in registry.load(folder):
            assert f"`{name}`" in README, f"the README does not name {folder[:-1]} `{name}`"


def test_the_two_commands_of_the_readme_are_the_ones_that_ci_runs() -> None:
    assert "pip install uv && uv run launch.py" in README
    assert "pip install uv && uv run pytest" in README
    assert "pip install uv && uv run pytest" in (ROOT / ".ci" / "run").read_text()
