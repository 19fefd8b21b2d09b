"""Numbers as text: as many digits as their size needs, and nothing but zero as zero.

number(0.914)                        "0.91"
number(0.00012)                      "0.00012"
number(1.2e-9)                       "1.2e-9"
number(1234.5, 2, significant=True)  "1,234"
"""

from __future__ import annotations

from math import isfinite, isnan

TINY, HUGE = 1e-5, 1e12
"""Below the first and from the second on, a number is written with an exponent."""
NOISE = 1e-9
"""Share of the number next to it below which a number is a rounding error."""


def number(value: float, digits: int = 2, *, significant: bool = False, beside: float = 0.0) -> str:
    """Write a number.

    Args:
        value: the number.
        digits: decimals; a number below the last of them gets two significant digits instead.
        significant: True if `digits` are significant digits; those before the decimal point are all written.
        beside: the largest of the numbers that it stands next to; what is only a rounding error of that one is 0.
    """
    if isnan(value):
        return "unknown"
    if not isfinite(value):
        return "∞" if value > 0 else "-∞"
    size = abs(value)
    if size <= NOISE * abs(beside) or size == 0.0:
        return "0" if significant else f"{0:.{digits}f}"
    shown = max(1, digits) if significant else 2
    power = int(f"{size:.{shown - 1}e}".split("e")[1])
    if not TINY <= size < HUGE:
        mantissa = f"{value:.{shown - 1}e}".split("e")[0]
        return f"{mantissa}e{power}"
    fixed = not significant and size >= 10.0**-digits
    return f"{value:,.{digits if fixed else max(0, shown - 1 - power)}f}"
