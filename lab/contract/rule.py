"""Rules: functions that look at one plug-in and yield a line for each thing that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from subnets.text import printable

P = TypeVar("P")

Rule = Callable[[P], Iterator[str]]
"""Yields what is wrong, a line each; nothing if the plug-in keeps the rule."""


def violations(rules: Sequence[Rule[P]], plugin: P) -> list[str]:
    """Return a line for each thing that is wrong. A rule that raises is broken by the plug-in, too."""
    lines: list[str] = []
    for rule in rules:
        try:
            lines += rule(plugin)
        except Exception as error:  # the code under test may fail in any way
            lines.append(f"{rule.__name__.replace('_', ' ')}: {raised(error)}")
    return lines


def raised(error: BaseException) -> str:
    """Describe an exception and the line of code that raised it."""
    trace: Any = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace is not None else ""
    return printable(f"{type(error).__name__}: {error}"[:300], None) + where
