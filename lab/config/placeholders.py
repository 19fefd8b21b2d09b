"""Placeholders: parts of a config that differ from machine to machine and are filled in when it runs.

    {server:NAME}   address of one of the config's servers, "http://127.0.0.1:40123"    in a miner's options
    {model:NAME}    folder of a model, by the models' resolver                          there and in commands
    {python}        this interpreter                                                    in commands
    {port}          the free port that the server gets                                  in commands

The record holds the placeholders themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from inference.weights import resolve

NOWHERE = "http://127.0.0.1:1"
"""Stand-in for a server's address where none runs: while a config is checked or a record audited."""

_IN_OPTIONS = re.compile(r"\{(server|model):([^{}]*)\}")
_IN_COMMANDS = re.compile(r"\{([a-z]+)(?::([^{}]*))?\}")


def servers_in(options: Any) -> list[str]:
    """Return the names of the servers that a miner's options refer to."""
    names: list[str] = []

    def note(match: re.Match[str]) -> str:
        names.extend([match[2]] if match[1] == "server" else [])
        return match[0]

    _replace(options, _IN_OPTIONS, note)
    return names


def fill_options(options: Any, addresses: Mapping[str, str] | None) -> Any:
    """Fill in a miner's options. Without addresses no server runs, and models are not looked up.

    Raises:
        ModelError: a model is not on this machine.
    """

    def fill(match: re.Match[str]) -> str:
        if match[1] == "server":
            return NOWHERE if addresses is None else addresses[match[2]]
        return match[0] if addresses is None else str(resolve(match[2]))

    return _replace(options, _IN_OPTIONS, fill)


def unknown_in(command: tuple[str, ...]) -> str:
    """Return the first placeholder of a command that has no meaning; empty if all have."""
    for match in _IN_COMMANDS.finditer("\n".join(command)):
        named = match[2] is not None
        if (match[1], named) not in (("python", False), ("port", False), ("model", True)):
            return match[0]
    return ""


def fill_command(command: tuple[str, ...], python: str, port: int) -> list[str]:
    """Fill in a server's command.

    Raises:
        ModelError: a model is not on this machine.
    """
    values = {"python": python, "port": str(port)}
    return [_IN_COMMANDS.sub(lambda match: values.get(match[1]) or str(resolve(match[2])), word) for word in command]


def _replace(value: Any, pattern: re.Pattern[str], fill: Callable[[re.Match[str]], str]) -> Any:
    """Replace a pattern in all strings of a nested value except its keys."""
    if isinstance(value, str):
        return pattern.sub(fill, value)
    if isinstance(value, Mapping):
        return {key: _replace(inner, pattern, fill) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_replace(inner, pattern, fill) for inner in value]
    return value
