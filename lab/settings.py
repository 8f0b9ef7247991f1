"""What the app is started with: flags, secure defaults, and the combinations that are refused."""

from __future__ import annotations

import argparse
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engines.workspace import default_workspace

DEFAULT_PORT = 7860
VIEWER_PORT = 7861
LOOPBACK = "127.0.0.1"
OWNER_SESSION_HOURS = 24.0 * 30
VIEWER_EXPIRE_HOURS = 8.0
MAX_EXPIRE_HOURS = 24.0 * 7


@dataclass(frozen=True)
class Settings:
    """One start of the app. `expire_hours` bounds viewers' links and sessions; `spare` is as in `EngineThread`."""

    workspace: Path
    port: int
    open_browser: bool = True
    viewer: bool = False
    lan: bool = False
    share: bool = False
    expire_hours: float = VIEWER_EXPIRE_HOURS
    spare: bool | None = None

    @property
    def bind(self) -> str:
        """The address to listen on: this computer only, unless the viewer is opened to the local network."""
        return "0.0.0.0" if self.lan else LOOPBACK


def parse(arguments: Sequence[str] | None = None) -> Settings:
    """Read the command line; a wrong flag ends with argparse's own sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="launch.py", description="Phantom Lab: a lab bench for synthetic images.")
    parser.add_argument("--workspace", type=Path, default=None, help="folder of the lab (default: ~/PhantomLab)")
    parser.add_argument("--port", type=int, default=None, help=f"{DEFAULT_PORT}, for the viewer {VIEWER_PORT}")
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser, only print the link")
    parser.add_argument("--viewer", action="store_true", help="serve the read-only page for supervisors")
    parser.add_argument("--lan", action="store_true", help="with --viewer: let the local network see it")
    parser.add_argument("--share", action="store_true", help="with --viewer: make a public link that expires")
    parser.add_argument(
        "--expire-hours", type=float, default=VIEWER_EXPIRE_HOURS, help="hours after which viewers' links end"
    )
    no_spare = "keep no warm worker: saves half a gigabyte, and a training starts some seconds later"
    parser.add_argument("--no-spare", action="store_true", help=no_spare)
    flags = parser.parse_args(arguments)
    return Settings(
        workspace=(flags.workspace or default_workspace()).expanduser().resolve(),
        port=flags.port if flags.port is not None else (VIEWER_PORT if flags.viewer else DEFAULT_PORT),
        open_browser=not flags.no_browser,
        viewer=flags.viewer,
        lan=flags.lan,
        share=flags.share,
        expire_hours=flags.expire_hours,
        spare=False if flags.no_spare else None,
    )


def refusal(settings: Settings, may_be_shared: bool = False) -> str:
    """A sentence that says why these settings are unsafe, or "" if they are not.

    `may_be_shared` is the workspace's own mark (`settings.deidentified` in workspace.json).
    """
    if (settings.lan or settings.share) and not settings.viewer:
        flag = "--share" if settings.share else "--lan"
        return (
            f"{flag} would let others start and delete work and see patients' images. The full page stays on this "
            f"computer; add --viewer to serve the read-only page instead."
        )
    if not 0 < settings.port < 65536:
        return f"Port {settings.port} does not exist. Choose one between 1024 and 65535."
    if not 0 < settings.expire_hours <= MAX_EXPIRE_HOURS:
        return f"--expire-hours must lie above 0 and at most {MAX_EXPIRE_HOURS:.0f} (one week)."
    if settings.share and not may_be_shared:
        return (
            "--share sends pictures through a relay outside your institution, so the workspace must be marked as "
            'de-identified first: put "deidentified": true under "settings" in its workspace.json, or use --lan.'
        )
    return ""


def scrub_environment(environment: MutableMapping[str, str], cache: Path) -> None:
    """Remove every GRADIO_ variable and set only ours: many of Gradio's defaults follow its environment.

    Must run before gradio is imported. `cache` is where Gradio keeps uploads and pictures that handlers return.
    """
    for name in [name for name in environment if name.startswith("GRADIO_")]:
        del environment[name]
    environment["GRADIO_ANALYTICS_ENABLED"] = "False"
    environment["GRADIO_TEMP_DIR"] = str(cache)
    environment.setdefault("HF_HUB_OFFLINE", "1")
    environment.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
