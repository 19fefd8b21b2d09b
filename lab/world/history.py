"""History of a lean run: what every neuron was paid, held and did, epoch by epoch.

history.paid        # (epochs, neurons), rao
history.of("mallory")        # places of the neurons of that name or coldkey
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.record.entries import EpochEvents, Neuron

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """All epochs; rows are epochs, columns neurons in the order of the config."""

    neurons: tuple[Neuron, ...]
    events: tuple[EpochEvents, ...]
    """What happened before each epoch in which anything did."""
    paid: Floats
    """rao, for incentive to miners and for dividends to validators and their delegators."""
    stake: Floats
    """Tokens during the epoch."""
    validator_trust: Floats
    """A share, in [0, 1]."""
    quality: Floats
    """Mean true quality of the epoch's answers; NaN for neurons that gave none."""
    cost_usd: Floats
    """Dollars that the epoch's answers cost."""
    wealth: dict[str, Floats]
    """rao of free balance and stake after each epoch, by coldkey."""
    graded: Floats
    """Answers that each validator scored in the epoch."""

    @property
    def epochs(self) -> int:
        """Number of epochs."""
        return len(self.paid)

    @property
    def miners(self) -> list[int]:
        """Places of the miners."""
        return [neuron.uid for neuron in self.neurons if neuron.role == "miner"]

    @property
    def validators(self) -> list[int]:
        """Places of the validators."""
        return [neuron.uid for neuron in self.neurons if neuron.role == "validator"]

    def of(self, party: str, role: str = "") -> list[int]:
        """Return the places of the neurons of a name, of a table with a count, or of a coldkey."""
        return [
            neuron.uid
            for neuron in self.neurons
            if role in ("", neuron.role) and party in (neuron.name, neuron.name.rpartition("-")[0], neuron.coldkey)
        ]
