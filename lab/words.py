"""Texts that more than one place shows."""

NAME = "Phantom Lab"
TAGLINE = "A lab bench for synthetic medical images"
NOT_FOR_DIAGNOSIS = "Research use only. Not for diagnosis."
STARTING = "Phantom Lab is starting …"
NO_TABS = "No tab could be loaded. The installation may be incomplete: install Phantom Lab again."
VIEWER_SHOWS = (
    "The read-only page shows the names of runs, their settings, their loss curves and their synthetic sample sheets. "
    "It never shows real images, and it cannot change anything."
)


def broken_tab(title: str) -> str:
    """What stands in place of a tab whose file fails."""
    return f"The tab “{title}” could not be loaded; the others work. worker.log and the terminal say more."
