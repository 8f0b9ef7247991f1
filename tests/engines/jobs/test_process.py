from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from engines.jobs import process


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        yield child
        child.kill()


def test_a_number_alone_is_no_identity(child: subprocess.Popen[bytes]) -> None:
    found = process.identify(child.pid)
    assert found is not None
    assert process.alive(found.pid, found.started)
    assert not process.alive(found.pid, found.started + 1)
    assert not process.alive(None, found.started)
    assert not process.alive(found.pid, None)


def test_a_zombie_is_dead(child: subprocess.Popen[bytes], until: Callable[[Callable[[], object]], None]) -> None:
    found = process.identify(child.pid)
    assert found is not None
    os.kill(child.pid, 9)  # not waited for: it stays as a zombie until the fixture collects it
    until(lambda: not process.alive(found.pid, found.started))
    assert process.identify(child.pid) is None


def test_only_the_process_that_is_meant_is_ended(child: subprocess.Popen[bytes]) -> None:
    found = process.identify(child.pid)
    assert found is not None
    process.end(found.pid, found.started + 1)
    assert process.alive(found.pid, found.started)
    process.end(found.pid, found.started)
    assert child.wait(10) != 0


def test_this_process_is_alive() -> None:
    me = process.this_process()
    assert me.pid == os.getpid()
    assert process.alive(me.pid, me.started)
