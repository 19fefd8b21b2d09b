"""The progress display: a bar with rate and time left on a terminal.

Elsewhere it is a line for each part of a study, and one now and then while a run waits.
"""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from lab.run.events import Event, Stage

LINE_S = 10.0
"""Seconds between two lines where there is no terminal."""


class Rate(ProgressColumn):
    """Column of finished items per second."""

    def render(self, task: Task) -> Text:
        """Show the rate once it is known."""
        return Text("" if not task.finished_speed and not task.speed else f"{task.finished_speed or task.speed:.2f}/s")


class Bar:
    """One bar on stderr, inside a `with` block."""

    def __init__(self, text: str, *, quiet: bool = False) -> None:
        console = Console(stderr=True)
        self._log = None if quiet or console.is_terminal else console
        self._last_line_s = -LINE_S
        self._part = ""
        """The part of a long task that was last named."""
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            Rate(),
            TimeRemainingColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
            transient=True,
        )
        self._text = text
        self._task = self._progress.add_task(text, total=None)

    def show(self, event: Event) -> None:
        """Show how far a run is."""
        text = f"{self._text}: {event.note or ('starting' if event.stage is Stage.STARTING else 'rounds')}"
        if event.note and self._log is not None and time.monotonic() - self._last_line_s >= LINE_S:
            self._last_line_s = time.monotonic()
            self._log.print(text, markup=False, highlight=False, soft_wrap=True)
        self._progress.update(self._task, description=text, completed=event.rounds, total=event.total_rounds)

    def advance(self, finished: int, total: int) -> None:
        """Show how far any other task is."""
        self._progress.update(self._task, completed=finished, total=total)

    def follow(self, what: str, finished: int, total: int) -> None:
        """Show which part of a long task is running, and how far the whole task is; a line for each part elsewhere."""
        if self._log is not None and what != self._part:
            self._log.print(f"{self._text}: {what}", markup=False, highlight=False, soft_wrap=True)
        self._part = what
        self._progress.update(self._task, description=f"{self._text}: {what}", completed=finished, total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
