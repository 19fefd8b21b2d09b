"""Vocabulary of the pages: goods with their prices, headings and labels in each language.

A language is named as tesseract names it: "eng", "deu", "rus"; `languages.toml` holds them all.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PRICES = (
    *(1895, 4250, 2735, 6490, 12000, 1475, 625, 18900, 3350, 1120, 2980, 3675),
    *(860, 5499, 8925, 1540, 4780, 975, 3199, 1265, 745, 24500, 31250, 15875),
)
"""Unit prices of the goods, in hundredths."""
DUE_DAYS = (7, 14, 30, 60, 90)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Goods, headings and labels of one language."""

    locales: tuple[str, ...]
    """Where names, addresses and sentences come from, as Faker names it; the subnet's option names those of English."""
    script: str
    """What its typefaces must cover: "latin", "greek" or "cyrillic"."""
    months: str
    date: str
    """A day in words, with `day`, `month` and `year`."""
    amount: str
    """An amount of money, with `whole` and `cents`."""
    thousands: str
    """Between the thousands of an amount."""
    goods: tuple[str, ...]
    terms: str
    """When an invoice is due, with `days`."""
    invoice_titles: tuple[str, ...]
    invoice_headers: tuple[str, ...]
    invoice_labels: tuple[str, ...]
    receipt_labels: tuple[str, ...]
    receipt_endings: tuple[str, ...]
    telephone: str
    greetings: tuple[str, ...]
    closings: tuple[str, ...]
    form_titles: tuple[str, ...]
    form_labels: tuple[str, ...]
    form_endings: tuple[str, ...]
    number: str
    nationalities: tuple[str, ...]
    table_titles: tuple[str, ...]
    table_headers: tuple[str, ...]
    table_endings: tuple[str, ...]

    @property
    def priced_goods(self) -> tuple[tuple[str, int], ...]:
        """Descriptions with unit prices in hundredths."""
        return tuple(zip(self.goods, PRICES, strict=True))

    def money(self, hundredths: int) -> str:
        """Write an amount: 123450 is "$1,234.50" in English."""
        whole = f"{hundredths // 100:,}".replace(",", self.thousands)
        return self.amount.format(whole=whole, cents=f"{hundredths % 100:02d}")


@cache
def vocabularies() -> Mapping[str, Vocabulary]:
    """Read the vocabularies of all languages."""
    table = tomllib.loads(Path(__file__).with_name("languages.toml").read_text(encoding="utf-8"))
    return {name: Vocabulary(**{key: _frozen(value) for key, value in entry.items()}) for name, entry in table.items()}


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
