"""The jury as a scorer: miners are ranked by each other's answers and by the few tasks whose truth is known.

    {kind = "jury", gold = 0.1, window = 200}

An answer's score is the probability that it is right; a page's is the F1 of its words by theirs. `dawid_skene` has the
arithmetic. Use it where no grader is better than the miners, or where grading every task by a truth is too expensive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from subnets import NOTHING, SILENT, Fault, Response, Score
from subnets.subnet import Subnet
from validators.dawid_skene import NO_ANSWER, NOT_ASKED, JuryResult, jury
from validators.window import Round, WindowScorer

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

OWN = 0
"""Column of the validator's own answers."""


class Jury(WindowScorer):
    """Dawid and Skene's model of who is right, anchored in gold and discounted by copying."""

    own_uid: int | None = Field(None, ge=0)
    """Uid of a miner that the validator runs itself, whose answers are its own. They help only below eight gold tasks.
    Omit it to do without."""
    own_accuracy: float = Field(0.5, gt=0.0, lt=1.0)
    """Share of its own answers that the validator believes to be right."""
    share_copies: bool = False
    """True to divide the score of an answer among the miners that copy each other, so that a bloc earns what one of
    them would."""

    def score_window(self, rounds: Sequence[Round], subnet: Subnet) -> list[list[Score]]:
        """Grade all responses of a window."""
        uids = sorted({response.uid for each in rounds for response in each.responses} - {self.own_uid})
        columns = {uid: column for column, uid in enumerate(uids, start=OWN + 1)}
        if self.own_uid is not None:
            columns[self.own_uid] = OWN
        compared = [_Compared.of(each, subnet, columns, len(uids) + 1) for each in rounds]
        ordered = sorted((each for each in compared if each is not None), key=lambda each: not each.gold)
        values: dict[int, Floats] = {}
        if ordered:
            result = self._judge(ordered)
            shares = 1.0 + self.share_copies * result.copies[:, OWN + 1 :].sum(axis=1)
            first = 0
            for each in ordered:
                values[each.number] = each.values(result.posterior[first : first + len(each.classes)]) / shares
                first += len(each.classes)
        return [
            [_score(response, each, values.get(each.number), columns[response.uid]) for response in each.responses]
            for each in rounds
        ]

    def _judge(self, rounds: Sequence[_Compared]) -> JuryResult:
        """Hold the jury over rounds of which the gold ones come first."""
        gold = [each for each in rounds if each.gold]
        return jury(
            np.vstack([each.classes for each in rounds]),
            np.vstack([each.right for each in gold]) if gold else [],
            gold=sum(len(each.classes) for each in gold),
            wrong=np.vstack([each.wrong for each in rounds]),
            own=self.own_accuracy,
            # A page is one task, however many words it has.
            counts=np.concatenate([np.full(len(each.classes), 1.0 / len(each.classes)) for each in rounds]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """The answers of one round: P parts, S sources."""

    number: int
    classes: Integers
    """(P, S)"""
    wrong: Integers
    """How many wrong answers are as likely as each of these, (P, S)."""
    unshared: Integers
    """Parts of each source that no other has, (S,)."""
    right: Floats
    """(P, S); meaningless unless gold."""
    parts: int | None
    """Parts of the right answer; None unless gold."""

    @classmethod
    def of(cls, each: Round, subnet: Subnet, columns: Mapping[int, int], sources: int) -> _Compared | None:
        """Compare the answers of a round; None if they have nothing that can be compared."""
        asked = [response for response in each.responses if response.fault is not Fault.LOST]
        items = subnet.items(each.task, [response.answer for response in asked])
        if items is None or not len(items.classes):
            return None
        own = [columns[response.uid] for response in asked]
        shape = len(items.classes), sources
        classes, right, unshared = np.full(shape, NOT_ASKED), np.zeros(shape), np.zeros(sources, np.int64)
        classes[:, own] = np.where(items.classes == SILENT, NO_ANSWER, items.classes)
        unshared[own] = items.unshared
        if items.right is not None:
            right[:, own] = items.right
            classes[np.isnan(right)] = NOT_ASKED
        # Leaving something out is one mistake, and a likely one: it says less than the same wrong word would.
        wrong = np.where(classes == NOTHING, 1, items.wrong)
        return cls(each.number, classes, wrong, unshared, np.nan_to_num(right), items.parts)

    @property
    def gold(self) -> bool:
        """True if the truth is known."""
        return self.parts is not None

    def values(self, posterior: Floats) -> Floats:
        """Return the F1 of each source, (S,): its parts by their probability, against all that it has and should have.

        An answer of one part gets the probability of that part. NaN for a source that was not asked.
        """
        has = self.classes > NOTHING
        nothing = np.where(self.classes == NOTHING, posterior, 0.0).max(axis=1)
        expected = float((1.0 - nothing).sum()) if self.parts is None else self.parts
        right = np.where(has, posterior, 0.0).sum(axis=0)
        asked = (self.classes != NOT_ASKED).all(axis=0)
        scores = 2.0 * right / np.maximum(has.sum(axis=0) + self.unshared + expected, 1.0)
        return np.where(asked, np.clip(scores, 0.0, 1.0), np.nan)


def _score(response: Response, each: Round, values: Floats | None, column: int) -> Score:
    if response.fault is Fault.LOST:
        return Score(None, reason=response.reason)
    if response.answer is None:
        return Score(0.0, reason=f"{response.fault}: {response.reason}")
    if values is None:
        return Score(None, reason=f"answers to task {each.task.id} can't be compared with each other")
    if np.isnan(values[column]):
        return Score(None, reason="the answer can be read in more than one way")
    return Score(float(values[column]), {} if each.task.reference is None else {"gold": 1.0})
