"""Values as users type them: amounts in τ, rows of weights, names with values."""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from consensus.amounts import MAX_RAO, TAO
from consensus.errors import CallRefused

GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
"""A number whose commas can only stand between thousands; "1,5" may mean 1.5."""


def rao(text: str) -> int:
    """Convert an amount in τ to rao, exactly."""
    text = text.strip()
    try:
        amount = Decimal(text.replace(",", "") if GROUPED.fullmatch(text) else text) * TAO
    except ArithmeticError:
        amount = Decimal("NaN")
    # the size first: a whole number of a million digits takes minutes
    if not amount.is_finite() or abs(amount) > MAX_RAO or amount != amount.to_integral_value():
        excerpt = text if len(text) <= 40 else f"{text[:40]}…"
        limit = MAX_RAO // TAO
        raise CallRefused(
            "amount", f"amount {excerpt!r}; allowed: up to {limit:,} τ with a point and up to 9 decimals, as in 1.5"
        )
    return int(amount)


def row(entries: Sequence[str]) -> Mapping[int, float]:
    """Read `UID=WEIGHT ...`; a uid named twice is refused before anything is signed."""
    weights: dict[int, float] = {}
    for entry in entries:
        uid, equals, weight = entry.partition("=")
        try:
            if not equals or int(uid) in weights:
                raise ValueError
            weights[int(uid)] = float(weight)
        except ValueError:
            raise CallRefused("weights", f"{entry!r}; allowed: UID=WEIGHT, each uid once, as in 3=0.25") from None
    return weights


def values(entries: Sequence[str]) -> Mapping[str, object]:
    """Read `NAME=VALUE ...`; a value is a number, true, false, null or a word."""
    settings: dict[str, object] = {}
    for entry in entries:
        name, equals, text = entry.partition("=")
        if not equals:
            raise CallRefused("hyperparameter", f"{entry!r}; allowed: NAME=VALUE, as in tempo=100")
        try:
            settings[name] = json.loads(text)
        except (ValueError, RecursionError):
            settings[name] = text
    return settings
