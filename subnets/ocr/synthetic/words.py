"""Words on a page, all drawn from the task's seed.

Names and places come from Faker. Goods, their prices and headings are fixed lists, as on real forms;
`guesses` tries to be paid for knowing them by heart.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from faker import Faker

from subnets.seed import Seed

from .vocabulary import vocabularies

T = TypeVar("T")

# A Faker holds its own random state, so each thread has one for each locale.
_local = threading.local()


def _faker(locale: str) -> Faker:
    fakers: dict[str, Faker] = _local.__dict__.setdefault("fakers", {})
    if locale not in fakers:
        fakers[locale] = Faker(locale)
    return fakers[locale]


class Words:
    """A stream of words and numbers for one page."""

    def __init__(self, seed: Seed, locale: str = "en_US", language: str = "eng") -> None:
        self.vocabulary = vocabularies()[language]
        self.rng: np.random.Generator = seed.child("numbers").rng()
        self._fake = _faker(locale)
        self._fake.seed_instance(seed.child("names").integer())

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of `choices`, each equally likely."""
        return choices[self.integer(0, len(choices) - 1)]

    def sample(self, choices: Sequence[T], count: int) -> list[T]:
        """Return `count` different choices in their own order."""
        return [choices[i] for i in sorted(self.rng.choice(len(choices), count, replace=False).tolist())]

    def integer(self, low: int, high: int) -> int:
        """Return an integer, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def between(self, low: float, high: float) -> float:
        """Return a number in [low, high)."""
        return float(self.rng.uniform(low, high))

    def chance(self, probability: float = 0.5) -> bool:
        """Return True with the given probability."""
        return bool(self.rng.random() < probability)

    def company(self) -> str:
        """Return a company's name."""
        return _flat(self._fake.company())

    def person(self) -> str:
        """Return a first and a last name."""
        return _flat(f"{self._fake.first_name()} {self._fake.last_name()}")

    def street(self) -> str:
        """Return a street with its number."""
        return _flat(self._fake.street_address())

    def place(self) -> str:
        """Return a town with its postcode."""
        return _flat(f"{self._fake.city()}, {self._fake.postcode()}")

    def job(self) -> str:
        """Return an occupation."""
        return _flat(self._fake.job())

    def email(self) -> str:
        """Return an address at a domain reserved for examples."""
        return _flat(self._fake.ascii_safe_email())

    def phone(self) -> str:
        """Return seven digits in two groups."""
        return f"{self.integer(200, 999)}-{self.integer(1000, 9999)}"

    def date(self) -> str:
        """Return a day of this century, in words."""
        month, day, year = self.pick(self.vocabulary.months.split()), self.integer(1, 28), self.integer(2008, 2026)
        return self.vocabulary.date.format(day=day, month=month, year=year)

    def sentence(self) -> str:
        """Return a sentence of common words."""
        return _flat(self._fake.sentence(nb_words=self.integer(6, 12), variable_nb_words=False))


def _flat(text: str) -> str:
    return ", ".join(" ".join(part.split()) for part in text.splitlines() if part.strip())
