"""What every handler that changes something does: check the role, and say errors in words."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from engines.errors import LabError
from lab.security import require_owner
from lab.tabs.base import TabContext


@contextmanager
def in_words(title: str) -> Iterator[None]:
    """Turn a LabError into a message on the page."""
    try:
        yield
    except LabError as error:
        raise gr.Error(str(error), title=title, print_exception=False) from error


def submit(context: TabContext, request: gr.Request, kind: str, parameters: dict[str, Any], title: str) -> str:
    """Queue a job for the owner and note it in the audit; returns its id. Raises gr.Error."""
    require_owner(request)
    with in_words("The job was not started"):
        id = context.engine.submit(kind, parameters, title, secrets.token_hex(8))
        context.workspace.audit("owner", f"queued {kind}", job=id)
        return id
