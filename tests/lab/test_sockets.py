"""The socket that the app listens on: answers leave at once."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import sockets
from lab.settings import Settings


def test_an_answer_in_two_parts_waits_for_nobody(tmp_path: Path) -> None:
    """Without TCP_NODELAY the second part waits for the first one's confirmation: 40 ms for most answers."""
    listener = sockets.listen(Settings(tmp_path, port=0))

    async def waits() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            found.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(serve, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            chosen = await found
            writer.close()
            return chosen

    # A browser test before this one leaves its own loop running in this thread.
    with ThreadPoolExecutor(1) as apart:
        assert apart.submit(asyncio.run, waits()).result(30)
