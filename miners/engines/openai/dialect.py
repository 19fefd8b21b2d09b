"""The parameters that a server accepts, according to the config and to its refusals.

A parameter whose absence changes no answer is left out once the server has refused it, or renamed, and the engine
sends the request again. A refused temperature is a failure, because another temperature would make another miner.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Mapping
from typing import Any

from inference.causal import merge_system

logger = logging.getLogger(__name__)

REFUSALS = frozenset({400, 404, 405, 415, 422, 501})
"""Status codes with which servers refuse a parameter."""
LIMITS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
DROPPED = ("stream_options", "top_p", "seed", "stop", "stream", "temperature")
"""Parameters that may be left out, the least important first."""
DEFAULTS = {"top_p": 1.0, "temperature": 1.0}
"""Values at which leaving a parameter out changes nothing."""
MAX_SEED = 2**31
"""Servers that keep seeds in 32 bits, with or without a sign, accept seeds below this."""
_NO_SYSTEM = re.compile(
    r"(?i)system\W{0,3} (?:role|message|prompt|instruction)s?\b[^.]{0,60}\bnot\b|roles must alternate"
)
_TOO_MUCH = re.compile(r"(?i)context|too (?:large|long|high)|at most|exceed")
_REFUSAL = re.compile(
    r"(?i)support|unrecogni|unknown|unexpected|unsupported|permitted|allow|extra|invalid|only one|both|cannot|can't"
    r"|not (?:accepted|available|implemented)|less than|greater than|int32|range|remove|does not exist|deprecated"
)


class Dialect:
    """The names of one server's parameters, and the parameters that it does not accept."""

    def __init__(self, limit_key: str, left_out: Collection[str], renamed: Mapping[str, str], stream: bool) -> None:
        """Start from the config."""
        self._left_out = set(left_out)
        self._merges_system = self._limit_learned = False
        self._renamed = {"max_tokens": limit_key, **renamed}
        if not stream:
            self._left_out |= {"stream", "stream_options"}

    def body(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters in the form that the server accepts."""
        body = {
            self._renamed.get(name, name): value for name, value in parameters.items() if name not in self._left_out
        }
        if self._merges_system:
            body["messages"] = merge_system(body["messages"])
        return body

    @property
    def stops(self) -> bool:
        """True if the server gets the stop strings."""
        return "stop" not in self._left_out

    def learn(self, status: int, body: str, parameters: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
        """Learn from a refusal, and return True if the same request would now be sent in another form.

        Args:
            status: the refusal's HTTP status.
            body: its body.
            parameters: the parameters by their usual names.
            sent: the body of the refused request.
        """
        if status not in REFUSALS:
            return False
        if self.body(parameters) != sent:
            return True  # another request has met the same refusal meanwhile
        if _NO_SYSTEM.search(body) and any(turn["role"] == "system" for turn in sent["messages"]):
            logger.info("the server refuses system messages; their text goes before the user's from now on")
            self._merges_system = True
            return True
        limit = self._renamed["max_tokens"]
        other = LIMITS.get(limit, "")
        names = [*DROPPED[:-1], limit, DROPPED[-1]]
        for name in sorted(_named(body, sent, names), key=names.index):
            if name == limit and other and not self._limit_learned and not _TOO_MUCH.search(body):
                self._renamed["max_tokens"], self._limit_learned = other, True
                logger.info("the server refuses %s; it is sent as %s from now on", name, other)
                return True
            if name in DROPPED and name in parameters and parameters[name] == DEFAULTS.get(name, parameters[name]):
                self._left_out |= {"stream", "stream_options"} if name == "stream" else {name}
                logger.info("the server refuses %s; it is left out from now on", name)
                return True
        return False


def _named(body: str, sent: Mapping[str, Any], names: Collection[str]) -> list[str]:
    """Return the parameters of the request that a refusal quotes, or else those that it names."""
    body = body[:20_000]
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    error = value.get("error", value) if isinstance(value, dict) else None
    field = error.get("param") if isinstance(error, dict) else None
    if field in names and field in sent:
        return [str(field)]
    if not _REFUSAL.search(body):
        return []
    text = body.replace('\\"', '"')
    quoted = [name for name in names if name in sent and re.search(rf"['\"`]{name}['\"`:]", text)]
    if quoted:
        return quoted
    text = re.sub(r"(?i)\bstreaming\b", "stream", text)
    return [name for name in names if name in sent and re.search(rf"(?i)(?<!\w){name}(?!\w)", text)]
