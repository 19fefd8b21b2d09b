"""Reasons in words: why a step adds to a miner's pay or takes from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lab.results.words import counted, listed, percent
from lab.statistics import number

from .shares import EpochShares, Floats

MOST_NAMED = 4
"""Validators that a reason names."""
NO_STEP = "These rules of consensus have no separate step here."


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one miner in one epoch besides its shares."""

    asked: int
    unscored: int
    faults: dict[str, int]
    silent: tuple[str, ...]
    """Names of the validators that submitted no weights."""
    refused: tuple[str, ...]
    """Names of the validators whose weights the chain refused."""


@dataclass(frozen=True, slots=True)
class WeightSetting:
    """How the validators of a run set their weights."""

    rules: tuple[str, ...]
    """Names of their weight rules."""
    biased: tuple[str, ...]
    """Validators that do not weigh by their own grades, with what they do instead."""

    @property
    def sentence(self) -> str:
        """What there is to know of validators that do not weigh by their own grades; empty if there are none."""
        return f" Some don't weigh by their own grades: {_some(self.biased)}." if self.biased else ""


@dataclass(frozen=True, slots=True)
class Reasons:
    """The reasons for one miner's pay in some epochs."""

    epochs: Sequence[EpochShares]
    place: int
    """Place of the miner in the arrays."""
    facts: Sequence[Facts]
    setting: WeightSetting

    def of(self, step: str, delta_rao: int) -> str:
        """Say why a step, one of `STEPS`, changed the pay by so much."""
        by_step = {
            "equal": self._equal,
            "scores": self._scores,
            "average": self._average,
            "weights": self._weights,
            "chain": self._chain,
            "clipping": self._clipping,
            "incentive": self._incentive,
            "tokens": self._tokens,
            "dividends": self._dividends,
        }
        return by_step[step](delta_rao)

    def figure(self, name: str) -> float | None:
        """Return the miner's mean figure over the epochs in which it is known."""
        return _mean([getattr(each, name)[self.place : self.place + 1] for each in self.epochs])

    def _of_all(self, name: str) -> float | None:
        return _mean([getattr(each, name) for each in self.epochs])

    @property
    def _traced(self) -> bool:
        return all(each.is_traced for each in self.epochs)

    def _equal(self, delta_rao: int) -> str:
        miners = counted(len(self.epochs[0].score), "miner")
        return f"The part of each if the {miners} shared alike the half of the emission that is for miners."

    def _scores(self, delta_rao: int) -> str:
        asked, unscored = sum(each.asked for each in self.facts), sum(each.unscored for each in self.facts)
        if not asked:
            return "No validator asked it, so nothing was graded; its part goes to those that were."
        faults: Counter[str] = Counter()
        for each in self.facts:
            faults.update(each.faults)
        text = f"It was asked {counted(asked, 'time')}"
        if faults:
            text += f"; faults: {listed(f'{count:,} {name}' for name, count in sorted(faults.items()))}"
        if unscored:
            text += f"; {counted(unscored, 'answer')} could not be graded"
        mean, others = self.figure("score"), self._of_all("score")
        if mean is None or others is None:
            return f"{text}."
        return f"{text}. Its mean grade is {number(mean)}, that of all miners {number(others)}."

    def _average(self, delta_rao: int) -> str:
        average, others = self.figure("average"), self._of_all("average")
        if average is None or others is None:
            return "No validator has a score for it yet."
        text = (
            f"Validators also remember earlier grades: with them its score is {number(average)}, the mean of all "
            f"miners {number(others)}."
        )
        if delta_rao == 0:
            return f"{text} That changes nothing."
        return f"{text} Its past makes its share {'larger' if delta_rao > 0 else 'smaller'}."

    def _weights(self, delta_rao: int) -> str:
        share = percent(self.figure("weight") or 0.0)
        text = f"Validators turned scores into weights ({listed(self.setting.rules)}) and gave it {share} of them."
        silent = sorted({name for each in self.facts for name in each.silent})
        submitted = f" Without weights in some epoch: {_some(silent)}." if silent else ""
        return text + self.setting.sentence + submitted

    def _chain(self, delta_rao: int) -> str:
        if not self._traced:
            return NO_STEP
        text = "The chain rounds weights to 16 bits and counts each validator by its active stake and permit."
        refused = sorted({name for each in self.facts for name in each.refused})
        return f"{text} It refused weights of {_some(refused)}; earlier ones stay in force." if refused else text

    def _clipping(self, delta_rao: int) -> str:
        if not self._traced:
            return NO_STEP
        consensus = percent(self.figure("consensus") or 0.0)
        text = f"Consensus on it is {consensus}, the most that validators with enough stake (kappa) agree on."
        return f"{text} {'Weight above that is cut.' if delta_rao < 0 else 'Nobody gave more, so nothing is cut.'}"

    def _incentive(self, delta_rao: int) -> str:
        share = percent(self.figure("incentive") or 0.0)
        if not self._traced:
            return f"The chain's rules make of the weights an incentive of {share}."
        cut = [1 - float(each.clipped.sum() / each.on_chain.sum()) for each in self.epochs if each.on_chain.sum()]
        lost = percent(max(0.0, sum(cut) / len(cut))) if cut else "nothing"
        return f"Clipping cut {lost} of all weight; what is left counts as the whole, so its incentive is {share}."

    def _tokens(self, delta_rao: int) -> str:
        half = sum(each.half_rao for each in self.epochs)
        paid = sum(int(each.amounts_rao[-2].sum()) for each in self.epochs)
        if paid > 1.001 * half:
            return "In some epochs no validator earned dividends, so the miners got that half as well."
        return "The chain splits the emission between miners and validators, in whole rao."

    def _dividends(self, delta_rao: int) -> str:
        return "It has stake, and under these rules that earns dividends as a validator's does."


def _mean(figures: Sequence[Floats]) -> float | None:
    known = np.concatenate(figures)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else None


def _some(names: Sequence[str]) -> str:
    if len(names) <= MOST_NAMED:
        return listed(names)
    return listed([*names[: MOST_NAMED - 1], f"{len(names) - MOST_NAMED + 1:,} more"])
