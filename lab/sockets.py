"""The address that the app listens on, and the names it answers to."""

from __future__ import annotations

import socket

import psutil

from engines.errors import LabError
from lab.settings import Settings


def listen(settings: Settings) -> socket.socket:
    """A bound, not yet listening socket. Raises LabError if the port is taken or may not be used."""
    # The protocol by name: only then does asyncio send the parts of an answer at once. Otherwise the second waits for
    # the browser to confirm the first, which costs most answers 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.bind, settings.port))
    except OSError as error:
        listener.close()
        raise LabError(
            f"Port {settings.port} cannot be used.",
            f"{error.strerror}." if error.strerror else "",
            f"Is Phantom Lab running already? Otherwise choose another port: --port {settings.port + 1}.",
        ) from error
    return listener


def local_hosts(settings: Settings) -> set[str]:
    """Names under which this server may be asked for; any other is a rebinding trick."""
    hosts = {"127.0.0.1", "localhost", "[::1]"}
    if settings.lan:
        name = socket.gethostname().lower()
        hosts |= {name, f"{name}.local", *lan_addresses()}
    return hosts


def lan_addresses() -> list[str]:
    """This computer's IPv4 addresses in its networks."""
    found = [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and not address.address.startswith("127.")
    ]
    return sorted(set(found))
