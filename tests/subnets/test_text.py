"""Folding: what looks the same is compared as the same, in texts and in pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subnets.ocr.quality import fold as fold_line
from subnets.ocr.quality import text_quality
from subnets.text import fold, separate_digits, unify, words

ALIKE = [
    ("Brno-Lesn\u00e1", "Brno\u2010Lesna\u0301"),
    ("Brno-West", "Brno\u2011West"),
    ("Brno-West", "Brno\u2013West"),
    ("O'Dell", "O\u2019Dell"),
    ("O'Dell", "O\u02bcDell"),
    ("O'Dell", "O\uff07Dell"),
    ('the "Lark"', "the \u201cLark\u201d"),
    ('the "Lark"', "the \u201eLark\u201c"),
    ("lighthouse", "light\u00adhouse"),
    ("lighthouse", "light\u00ad\nhouse"),
    ("lighthouse", "light\u200bhouse"),
    ("lighthouse", "\ufefflight\u2060house\u200e"),
    ("lighthouse", "light\ufe0fhouse"),
    ("first flint", "\ufb01rst \ufb02int"),
    ("Vera Holt", "Vera\u00a0Holt"),
    ("Vera Holt", "Vera\u2028Holt"),
    ("407", "\u0664\u0660\u0667"),
    ("407", "\uff14\uff10\uff17"),
]


@pytest.mark.parametrize(("plain", "written"), ALIKE)
def test_what_looks_the_same_is_folded_the_same(plain: str, written: str) -> None:
    assert fold(written) == fold(plain)
    assert words(written) == words(plain)
    assert fold_line(written) == fold_line(plain)
    assert text_quality([plain], [written]) == 1.0


def test_a_dash_separates_words_and_a_hyphen_joins_them() -> None:
    assert words("Holt\u2014the baker") == ["holt", "the", "baker"]
    assert words("Holt\u2011Renner") == ["holt-renner"]


@pytest.mark.parametrize("space", ["\u00a0", "\u2009", "\u202f", "'", "\u2019"])
def test_thousands_are_one_number_whatever_separates_them(space: str) -> None:
    assert words(f"in 12{space}400 bags") == ["in", "12400", "bags"]


def test_raised_and_fractional_digits_stay_apart_from_their_neighbours() -> None:
    assert unify(separate_digits("10\u00b2 7\u00bd H\u2082O")) == "10^2 7 1/2 H_2O"


@given(st.text())
def test_unifying_twice_changes_nothing_more(text: str) -> None:
    assert unify(unify(text)) == unify(text)
    assert fold(fold(text)) == fold(text)
