"""Writes the file tree and the methods of the README from the code: `uv run python tests/readme_tree.py`."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
TREE, METHODS = "tree", "methods"
LONGEST = 100


def summary(path: Path) -> str:
    """The first sentence of a file's docstring or leading comment, on one line."""
    if path.suffix == ".py":
        text = ast.get_docstring(ast.parse(path.read_text())) or ""
    else:
        text = path.read_text().split("\n")[0].strip("/* ")
    line = text.split("\n\n")[0].replace("\n", " ")
    first = re.split(r"(?<=[^.])[.:;](?:\s|$)", line)[0].strip()
    return first if len(first) <= LONGEST else first[: LONGEST - 1].rsplit(" ", 1)[0] + " …"


def listed(folder: Path) -> list[Path]:
    files = [path for path in folder.iterdir() if path.suffix in (".py", ".js") and path.name != "__init__.py"]
    return sorted(files, key=lambda path: path.name)


def tree() -> str:
    """One line for each file of lab/ and engines/, folder by folder."""
    lines = [f"launch.py  {summary(ROOT / 'launch.py')}"]
    for top in ("lab", "engines"):
        folders = [
            ROOT / top,
            *sorted(p for p in (ROOT / top).rglob("*") if p.is_dir() and "__pycache__" not in p.parts),
        ]
        for folder in folders:
            files = listed(folder)
            if files:
                lines += ["", f"{folder.relative_to(ROOT).as_posix()}/"]
                width = max(len(path.name) for path in files)
                lines += [f"  {path.name:<{width}}  {summary(path)}" for path in files]
    return "\n".join(lines)


def methods() -> str:
    """A table of all methods: what each is, its sizes, what it costs and needs, and its presets."""
    sys.path.insert(0, str(ROOT))
    from engines import registry

    lines = ["| method | what it is | sizes | cost | images | presets |", "|---|---|---|---|---|---|"]
    for name, method in registry.load("methods").items():
        marks = [
            *(["draws each class"] if method.conditional else []),
            *(["turns one class into another"] if method.translates else []),
            *(["experimental"] if method.experimental else []),
        ]
        what = method.summary + (f" ({', '.join(marks)})" if marks else "")
        sizes = f"{min(method.sizes)}–{max(method.sizes)}"
        presets = ", ".join(preset.title for key, preset in method.presets.items() if key != "tiny")
        lines.append(
            f"| `{name}` | **{method.title}.** {what} | {sizes} | {method.cost} | {method.limits.recommended_images:,} "
            f"| {presets} |"
        )
    return "\n".join(lines)


def with_tree(text: str) -> str:
    """The README with its tree and its methods renewed."""
    return _between(_between(text, TREE, f"```\n{tree()}\n```"), METHODS, methods())


def _between(text: str, mark: str, made: str) -> str:
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    before, rest = text.split(begin)
    return f"{before}{begin}\n{made}\n{end}{rest.split(end)[1]}"


if __name__ == "__main__":
    README.write_text(with_tree(README.read_text()))
