"""What the engine says it can do, remembered per version of its code, so that the page has it at once.

The memory lies in the user's cache folder, not in the workspace: it belongs to the program, and may vanish.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from engines import files, registry
from engines.errors import LabError


def cache_folder() -> Path:
    """Where this system keeps what programs can make again."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "phantom-lab"


def recall(version: str | None = None) -> dict[str, Any] | None:
    """The description of this very code, if it was made before."""
    version = version or registry.code_version()
    try:
        known = files.read_json(cache_folder() / f"description-{version}.json")
    except (OSError, LabError):
        return None
    return known if isinstance(known, dict) and known.get("code") == version else None


def remember(description: dict[str, Any]) -> None:
    """Keep a description, and forget those of other versions; a cache that cannot be written is no fault."""
    folder = cache_folder()
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"description-{description['code']}.json"
        if not path.exists():
            files.write_json(path, description)
        for other in folder.glob("description-*.json"):
            if other != path:
                other.unlink(missing_ok=True)
