"""Notes every attempt to reach another computer; Python imports this at the start of each process of the suite."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any

LOG = os.environ.get("PHANTOM_LAB_OUTBOUND_LOG", "")
OURS = {"", "localhost", "0.0.0.0", "::", "testserver"}


def is_local(host: Any) -> bool:
    text = host.decode() if isinstance(host, bytes) else str(host if host is not None else "")
    if text in OURS or text.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(text.split("%")[0]).is_loopback
    except ValueError:
        return False


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if not is_local(host):
        with open(LOG, "a") as log:
            log.write(f"{event} {host!r} by {sys.argv[:2]}\n")


if LOG:
    sys.addaudithook(watch)
