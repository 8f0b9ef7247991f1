"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted([*ROOT.glob("engines/**/*.py"), *ROOT.glob("lab/**/*.py"), ROOT / "launch.py"])
PARTS = sorted([*SOURCES, *ROOT.glob("lab/**/*.js"), *ROOT.glob("lab/**/*.css"), *ROOT.glob("tests/**/*.py")])
MOST_LINES, MOST_FUNCTION_LINES = 320, 65
LONG_FUNCTIONS = {"engines/training/loop.py"}  # the training loop is the one long function
HEAVY = {"torch", "torchvision", "sklearn", "skimage", "scipy", "timm"}
LIGHT_ENGINES = {
    "errors",
    "files",
    "records",
    "workspace",
    "options",
    "registry",
    "jobs",
    "splits",
    "decisions",
    "versions",
    "weights",
}
# The floors of engines/, lowest first: a module imports from its own floor's folder and from lower floors only.
FLOORS = (
    {"errors", "options"},
    {"files", "growing"},
    {"records", "decisions", "device", "resize", "registry"},
    {"workspace", "weights", "splits"},
    {"pretrained"},
    {"versions", "methods", "layouts", "exporting", "readers", "phantoms", "extractors"},
    {"jobs", "metrics", "recipes"},
    {"curation", "training", "classifiers"},
    {"tasks"},
    {"worker"},
    {"cli_views"},
    {"cli"},
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def floor_of(part: str) -> int | None:
    return next((n for n, parts in enumerate(FLOORS) if part in parts), None)


def test_files_stay_readable() -> None:
    long = {name_of(path): count for path in PARTS if (count := len(path.read_text().splitlines())) > MOST_LINES}
    assert not long, "look for a second concept in these files"


def test_functions_stay_readable() -> None:
    long = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and name_of(path) not in LONG_FUNCTIONS:
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > MOST_FUNCTION_LINES:
                    long.append((name_of(path), node.name, length))
    assert not long


def test_engines_never_import_the_page() -> None:
    guilty = [
        (name_of(path), name)
        for path in SOURCES
        if "engines" in path.parts
        for name in imports_of(path)
        if name.split(".")[0] in {"gradio", "lab", "fastapi", "uvicorn"}
    ]
    assert not guilty


def test_the_page_imports_only_light_floors() -> None:
    guilty = []
    for path in SOURCES:
        if "engines" in path.relative_to(ROOT).parts:
            continue
        for name in imports_of(path):
            parts = name.split(".")
            heavy_engine = parts[0] == "engines" and len(parts) > 1 and parts[1] not in LIGHT_ENGINES
            if parts[0] in HEAVY or heavy_engine:
                guilty.append((name_of(path), name))
    assert not guilty


def test_no_floor_imports_upwards() -> None:
    guilty = []
    for path in ROOT.glob("engines/**/*.py"):
        part = path.relative_to(ROOT / "engines").parts[0].removesuffix(".py")
        own = floor_of(part)
        if own is None:
            assert part == "__init__", f"engines/{part} stands on no floor: name it in FLOORS"
            continue
        for name in imports_of(path):
            parts = name.split(".")
            if parts[0] != "engines" or len(parts) < 2 or parts[1] == part:
                continue
            other = floor_of(parts[1])
            if other is None or other > own or (other == own and parts[1] != part and own > 2):
                guilty.append((name_of(path), name))
    assert not guilty


PLUGINS = ("methods", "metrics", "extractors", "layouts", "exporting", "tasks")
PLUGIN_CONSTANTS = {"METHOD", "METRIC", "EXTRACTOR", "LAYOUT", "FORMAT", "TASK"}


def is_plugin(path: Path) -> bool:
    names = {
        target.id
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return bool(names & PLUGIN_CONSTANTS)


def test_plugins_never_import_one_another() -> None:
    plugins = {path for folder in PLUGINS for path in ROOT.glob(f"engines/{folder}/*.py") if is_plugin(path)}
    modules = {f"engines.{path.parent.name}.{path.stem}" for path in plugins}
    guilty = [
        (name_of(path), name)
        for path in plugins
        for name in imports_of(path)
        if name in modules and not name_of(path).removesuffix(".py").replace("/", ".") == name
    ]
    assert plugins and not guilty


def test_nothing_that_can_run_code_is_loaded() -> None:
    guilty = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                if (
                    called in {"eval", "exec", "pickle.load", "pickle.loads", "yaml.load", "os.system"}
                    or (called == "torch.load" and keywords.get("weights_only") != "True")
                    or keywords.get("allow_pickle") == "True"
                    or keywords.get("shell") == "True"
                ):
                    guilty.append((name_of(path), node.lineno, called))
    assert not guilty


def test_only_files_py_writes_to_the_workspace() -> None:
    """Opening for writing, Path.write_* and os.replace belong to files.py; the rest is named here with its reason."""
    allowed = {
        "engines/files.py",
        "engines/exporting/base.py",  # inside a folder that new_folder makes appear whole
        "engines/exporting/zip.py",
    }
    guilty = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or name_of(path) in allowed:
                continue
            called = ast.unparse(node.func)
            if called in {"os.replace", "os.rename"} or called.endswith((".write_bytes", ".write_text")):
                if not called.startswith("files."):
                    guilty.append((name_of(path), node.lineno, called))
    assert not guilty


@pytest.mark.parametrize("module", ["lab.app", "lab.viewer", "engines.cli"])
def test_the_page_and_the_command_line_start_without_torch(module: str) -> None:
    program = f"import sys, {module}; print(sorted(set(sys.modules) & {HEAVY!r}))"
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
