"""A miner in the shape of the field's template: a class with `forward(synapse)`, or a function of that name.

[[miners]]
kind = "template"
forward = "neurons.miner:Miner"
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import PrivateAttr, model_validator

from subnets import Answer, Query, Subnet
from subnets.plugin import ROOMS
from subnets.template.loading import bittensor, finished, load, packed, protocol_of

from .miner import Miner

EXAMPLE = "subnets.template.example"


class TemplateMiner(Miner):
    """Runs a miner that is written for the field's template, unmodified."""

    description: ClassVar[str] = "runs a miner that is written for the field's template"

    code: str = f"{EXAMPLE}:Doubler"
    """The miner as module:Class, or its forward function as module:function. May also be written as `forward`."""
    protocol: str = ""
    """The Synapse that it answers (default: that of the run's subnet)."""

    _neuron: Any = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _forward_is_code(cls, options: Any) -> Any:
        if isinstance(options, Mapping) and "forward" in options and "code" not in options:
            return {"code" if name == "forward" else name: value for name, value in options.items()}
        return options

    def informed(self, subnet: Subnet, task_seeds: tuple[int, ...]) -> Miner:
        """Take over the protocol of the run's subnet, and no secret."""
        protocol = getattr(subnet, "protocol", "")
        return self if self.protocol or not protocol else self.model_copy(update={"protocol": protocol})

    def foreign_classes(self) -> frozenset[str]:
        """Name the user's code, which runs apart from ours."""
        own = {self.code} if self.code.partition(".")[0] not in ROOMS else set()
        return super().foreign_classes() | own

    async def forward(self, query: Query) -> Answer:
        """Have the miner fill the synapse."""
        synapse = self._synapse(query)
        filled = self._function("forward")(synapse)
        if inspect.isawaitable(filled):
            filled = await filled
        return Answer(text=packed(synapse if filled is None else filled))

    def blacklist(self, query: Query) -> str:
        """Ask the miner's own `blacklist`, which returns whether to refuse and why."""
        function = self._function("blacklist")
        try:
            synapse = self._synapse(query)
        except ValueError:
            return f"the query is not a {self.protocol or EXAMPLE}"
        if function is None:
            return super().blacklist(query)
        refused, reason = finished(function(synapse))
        return (str(reason) or "the miner gives no reason") if refused else super().blacklist(query)

    def priority(self, query: Query) -> float:
        """Ask the miner's own `priority`."""
        function = self._function("priority")
        try:
            return super().priority(query) if function is None else float(finished(function(self._synapse(query))))
        except ValueError:  # a query of another protocol, which is refused
            return super().priority(query)

    def _synapse(self, query: Query) -> Any:
        """Return the query as a synapse, and show its caller in the metagraph that the miner sees."""
        package = bittensor()
        synapse = protocol_of(self.protocol or f"{EXAMPLE}:Doubling").model_validate_json(query.prompt.text)
        synapse.timeout = query.timeout_s
        synapse.dendrite = package.TerminalInfo(hotkey=query.caller.hotkey, ip="127.0.0.1", uuid=query.id)
        if (metagraph := getattr(package, "METAGRAPH", None)) is not None:
            metagraph.see(query.caller.hotkey, query.caller.stake, permit=query.caller.validator_permit)
        return synapse

    def _function(self, name: str) -> Any:
        """Return a function of the miner; None if it has none of that name."""
        if self._neuron is None:
            code = load(self.code, "forward")
            self._neuron = code() if isinstance(code, type) else _Function(code)
        return getattr(self._neuron, name, None)


class _Function:
    """A miner that is a function alone."""

    def __init__(self, forward: Any) -> None:
        self.forward = forward
