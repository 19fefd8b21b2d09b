"""The reward function under audit: where it is found, and how it is called.

    f(task, answers) -> list[float]        all answers to a task at once
    reward(query, response) -> float       one answer at a time, as in the field's template

The names and annotations of its two parameters say which of the two it is, unless the user does. The function stays
as it is; what it raises or returns amiss becomes a `RewardFault`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from math import isfinite
from typing import Any, Literal, Self

from lab.errors import ConfigError

from .tasks import AuditTask

Call = Literal["together", "each"]
MANY = ("answers", "responses", "completions", "predictions", "outputs", "candidates")
ONE = ("answer", "response", "completion", "prediction", "output", "candidate", "text")
ASKED = ("query", "prompt", "question", "challenge", "input")
"""Names of a first parameter that takes what is asked, not the whole task."""
LISTS = ("list", "List", "Sequence", "Iterable", "tuple", "Tuple", "ndarray")


class RewardFault(Exception):
    """The function raised, or returned something other than finite numbers."""


@dataclass(frozen=True, slots=True)
class RewardFunction:
    """A function and the way to call it."""

    source: str
    """"module:function"."""
    function: Callable[[Any, Any], Any]
    call: Call
    takes_task: bool
    """False if its first argument is what is asked instead of the task."""

    @classmethod
    def find(cls, source: str, call: Call | None = None) -> Self:
        """Import a function, and read from its parameters how to call it.

        Raises:
            ConfigError: there is no such function, or its parameters do not say how to call it.
        """
        module, _, name = source.partition(":")
        if not module or not name:
            raise ConfigError(f"{source!r} names no function; write MODULE:FUNCTION, such as rewards:score")
        try:
            imported = import_module(module)
        # The user's module may fail in any way while it is imported, even call sys.exit.
        except (Exception, SystemExit) as error:
            raise ConfigError(f"{module} can't be imported: {type(error).__name__}: {error}") from error
        try:
            function = reduce(getattr, name.split("."), imported)
        except AttributeError:
            known = [key for key, value in vars(imported).items() if inspect.isfunction(value)]
            raise ConfigError(f"{module} has no {name}; its functions: {', '.join(known) or 'none'}") from None
        if not callable(function):
            raise ConfigError(f"{source} is a {type(function).__name__}; name a function")
        asked, answered = _parameters(source, function)
        return cls(source, function, call or _call(source, answered), asked.name.lower() not in ASKED)

    def rewards(self, task: AuditTask, answers: Sequence[Any]) -> list[float]:
        """Return the rewards of answers to a task.

        Raises:
            RewardFault: the function failed, or did not return a finite number for every answer.
        """
        asked = task.view if self.takes_task else task.query
        if self.call == "each":
            return [_number(self._called(asked, answer)) for answer in answers]
        returned = self._called(asked, list(answers))
        try:
            numbers = list(returned)
        except TypeError:
            raise RewardFault(f"returned {_quoted(returned)} for {len(answers)} answers, not a list") from None
        if len(numbers) != len(answers):
            raise RewardFault(f"returned {len(numbers)} rewards for {len(answers)} answers")
        return [_number(each) for each in numbers]

    def _called(self, asked: Any, answered: Any) -> Any:
        try:
            with redirect_stdout(sys.stderr):  # what it prints must not mix with our own output
                return self.function(asked, answered)
        # Code of the user's own may raise anything; each failure is a finding of the audit.
        except Exception as error:
            raise RewardFault(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}") from error


def _parameters(source: str, function: Any) -> tuple[inspect.Parameter, inspect.Parameter]:
    """Return the first two parameters; the others need defaults."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise ConfigError(
            f"{source}: its parameters can't be read; wrap it in a function of task and answers"
        ) from None
    positional = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    needed = [each.name for each in positional[2:] if each.default is each.empty]
    needed += [each.name for each in parameters if each.kind is each.KEYWORD_ONLY and each.default is each.empty]
    if len(positional) < 2 or needed:
        names = ", ".join(each.name for each in parameters)
        raise ConfigError(f"{source}({names}): a function of two arguments, task and answers, or query and response")
    return positional[0], positional[1]


def _call(source: str, answered: inspect.Parameter) -> Call:
    """Read from the second parameter whether it takes one answer or all."""
    kind = "" if answered.annotation is answered.empty else str(getattr(answered, "annotation", ""))
    name = answered.name.lower()
    if any(word in kind for word in LISTS) or name in MANY:
        return "together"
    if name in ONE or kind:
        return "each"
    raise ConfigError(
        f"{source}: its parameter {answered.name!r} does not say whether it takes one answer or all of them; "
        "give --call each or --call together"
    )


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise RewardFault(f"returned {_quoted(value)}, not a number") from None
    if not isfinite(number):
        raise RewardFault(f"returned {number}")
    return number


def _quoted(value: Any) -> str:
    return f"{type(value).__name__} {' '.join(repr(value).split())[:60]}"
