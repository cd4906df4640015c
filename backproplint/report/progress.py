"""A progress bar on stderr, once a run has taken a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE = 1.0  # seconds


@contextmanager
def bar(shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Give a function to call with (files done, files in all); it draws nothing where not `shown`."""
    started = time.monotonic()
    drawn: list[Progress] = []

    def advance(done: int, total: int) -> None:
        if not shown or time.monotonic() - started < PATIENCE:
            return
        if not drawn:
            drawn.append(_start(total))
        drawn[0].update(drawn[0].task_ids[0], completed=done)

    try:
        yield advance
    finally:
        for progress in drawn:
            progress.stop()


def _start(total: int) -> Progress:
    from rich.console import Console  # deferred: most runs end before a bar is due
    from rich.progress import Progress

    progress = Progress(console=Console(stderr=True), transient=True)
    progress.add_task("reading", total=total)
    progress.start()
    return progress
