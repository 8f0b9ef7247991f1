"""Phantom Lab's start: `uv run launch.py`. Reads the flags, refuses unsafe ones, starts the engine, serves the page."""

from __future__ import annotations

import gc
import sys
import time

STARTED = time.perf_counter()
# Imports make half a million objects that stay: looking through them for garbage costs 0.7 s of the start (measured).
# lab/start.py switches it on again when the page is served.
gc.disable()


def main() -> int:
    """Serve until stopped. Exit code 0; 2 if the flags or the workspace cannot be used."""
    print("Phantom Lab is starting …", flush=True)
    from engines.errors import LabError
    from lab.start import start

    try:
        return start(sys.argv[1:], STARTED)
    except LabError as error:
        print(f"Phantom Lab did not start. {error}", file=sys.stderr, flush=True)
        return 2
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
