"""Names of months and ordinals of days, folded, as they stand in dates of six languages."""

from __future__ import annotations

from subnets.text_prompting.world.world import MONTHS

_FOREIGN = (
    "januar jan janvier enero gennaio janeiro januari",
    "februar f\u00e9vrier febrero febbraio fevereiro februari",
    "m\u00e4rz mars marzo mar\u00e7o maart",
    "avril abril aprile",
    "mai mayo maggio maio mei",
    "juni juin junio giugno junho",
    "juli juillet julio luglio julho",
    "ao\u00fbt agosto augustus",
    "septembre septiembre settembre setembro",
    "oktober octobre octubre ottobre outubro",
    "novembre noviembre novembro",
    "dezember d\u00e9cembre diciembre dicembre dezembro",
)
"""Months in German, French, Spanish, Italian, Portuguese and Dutch."""

NUMBER_OF: dict[str, int] = {
    name: number
    for number, (english, foreign) in enumerate(zip(MONTHS, _FOREIGN, strict=True), start=1)
    for name in (english.lower(), english[:3].lower(), *foreign.split())
}
MONTH = "|".join(sorted(NUMBER_OF, key=len, reverse=True))

_UNITS = "first second third fourth fifth sixth seventh eighth ninth".split()
_TEENS = (
    "tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
).split()
ORDINALS = dict(
    zip(
        [*_UNITS, *_TEENS, *(f"twenty-{unit}" for unit in _UNITS), "thirtieth", "thirty-first"],
        range(1, 32),
        strict=True,
    )
)
ORDINAL = "|".join(sorted(ORDINALS, key=len, reverse=True)).replace("-", "[- ]")
