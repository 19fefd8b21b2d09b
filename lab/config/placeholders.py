"""Placeholders: what a config leaves open until it runs, because it differs from machine to machine.

    {server:NAME}   address of one of the config's servers, "http://127.0.0.1:40123"    in a miner's options
    {model:NAME}    folder of a model, by the models' resolver                          there and in commands
    {python}        this interpreter                                                    in commands
    {port}          the free port that the server gets                                  in commands

The record holds them as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from inference.weights import resolve

NOWHERE = "http://127.0.0.1:1"
"""Stands for a server's address where none runs: in a check of a config, in an audit."""

_IN_OPTIONS = re.compile(r"\{(server|model):([^{}]*)\}")
_IN_COMMANDS = re.compile(r"\{([a-z]+)(?::([^{}]*))?\}")


def servers_in(options: Any) -> list[str]:
    """Return the names of the servers that some options speak of."""
    found: list[str] = []

    def note(match: re.Match[str]) -> str:
        found.extend([match[2]] if match[1] == "server" else [])
        return match[0]

    _replace(options, _IN_OPTIONS, note)
    return found


def fill_options(options: Any, addresses: Mapping[str, str] | None) -> Any:
    """Fill in a miner's options; without addresses nothing runs, and models are not looked for.

    Raises:
        ModelError: a model is not on this machine.
    """

    def fill(match: re.Match[str]) -> str:
        if match[1] == "server":
            return NOWHERE if addresses is None else addresses[match[2]]
        return match[0] if addresses is None else str(resolve(match[2]))

    return _replace(options, _IN_OPTIONS, fill)


def unknown_in(command: tuple[str, ...]) -> str:
    """Return the first placeholder of a command that has no meaning; empty where all have."""
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
    said = {"python": python, "port": str(port)}
    return [_IN_COMMANDS.sub(lambda match: said.get(match[1]) or str(resolve(match[2])), word) for word in command]


def _replace(value: Any, pattern: re.Pattern[str], fill: Callable[[re.Match[str]], str]) -> Any:
    """Replace a pattern in all strings of a nested value, keys apart."""
    if isinstance(value, str):
        return pattern.sub(fill, value)
    if isinstance(value, Mapping):
        return {key: _replace(inner, pattern, fill) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_replace(inner, pattern, fill) for inner in value]
    return value
