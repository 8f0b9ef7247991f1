"""The page's own scripts and styles: found in lab/components, named with their content's hash, served for ever."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lab.headers import Own

LAB = Path(__file__).parent
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


def _order(path: Path) -> tuple[bool, bool, str]:
    # base first; then helpers, whose names hold an underscore; then the parts that use them
    return path.stem != "base", "_" not in path.stem, path.stem


def sources() -> list[Path]:
    """Styles and scripts in the order in which the page loads them."""
    styles = [LAB / "theme.css", *sorted((LAB / "components").glob("*.css"), key=_order)]
    return [*styles, *sorted((LAB / "components").glob("*.js"), key=_order)]


@cache
def served() -> dict[str, tuple[bytes, str]]:
    """File name -> content and type; read once, so that a page's files belong together."""
    return {path.name: (path.read_bytes(), TYPES[path.suffix]) for path in sources()}


@cache
def build() -> str:
    """A hash of the page's own code: an open page of another build is asked to reload."""
    digest = hashlib.sha256()
    for path in sorted(LAB.rglob("*.py")):
        digest.update(path.read_bytes())
    for content, _ in served().values():
        digest.update(content)
    return digest.hexdigest()[:12]


def own() -> Own:
    """The lines of the page that load them all."""
    address = {name: f"/lab/static/{name}?v={build()}" for name in served()}
    scripts = [f'<script defer src="{address[name]}"></script>' for name in served() if name.endswith(".js")]
    styles = [f'<link rel="stylesheet" href="{address[name]}">' for name in served() if name.endswith(".css")]
    return Own("\n".join([f'<link rel="icon" href="{ICON}">', *scripts]), "\n".join(styles))


# A drawn outline of a breast in the two colours of the lab, as a data address: no file, no request.
ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath d='M3 1v14c7 0 10-3 10-7S10 1 3 1z' fill='%23f0883e'/%3E"
    "%3Cpath d='M3 1v14' stroke='%2338b2ac' stroke-width='2'/%3E%3C/svg%3E"
)


async def _serve(request: Request) -> Response:
    found = served().get(request.path_params["name"])
    if found is None:
        return Response(status_code=404)
    lasting = "private, max-age=31536000, immutable" if request.query_params.get("v") == build() else "no-cache"
    return Response(found[0], media_type=found[1], headers={"Cache-Control": lasting})


def route() -> Route:
    """GET /lab/static/{name}: names of known files only, so there is no path to traverse."""
    return Route("/static/{name}", _serve, methods=["GET"])
