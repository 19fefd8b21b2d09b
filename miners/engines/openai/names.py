"""The names of a model: the one in requests, and the one in the server's answers."""

from __future__ import annotations

import logging
import re

from inference.weights.known import PACKAGED, TRAINED

logger = logging.getLogger(__name__)


class ModelNames:
    """Decides whether the right model answered.

    A server may add a version or an owner to a model's name. A name of no known model is that of a deployment; the
    model that answers first must then answer always.
    """

    def __init__(self, asked: str, answered_by: str = "") -> None:
        """Set the name in requests, and the name of the model behind it if that differs."""
        self._meant = answered_by or ("" if _is_deployment(asked) else asked)
        self._asked = asked
        self._first = ""

    def problem(self, answered: str) -> str:
        """Describe the problem with the name in an answer, and the fix; empty if there is none."""
        if not answered or _same(answered, self._meant or self._asked):
            return ""
        if self._meant:
            return f'answered with {answered[:100]}; if that is meant, set answered_by = "{answered[:100]}"'
        if not self._first:
            logger.info("%s is answered by %s", self._asked, answered[:100])
            self._first = answered
        if _same(answered, self._first):
            return ""
        return f"answered with {answered[:100]}, and before with {self._first[:100]}; name the right one as answered_by"


def _same(answered: str, meant: str) -> bool:
    answered, meant = answered.casefold(), meant.casefold().removesuffix("-latest").removesuffix(":latest")
    return answered.startswith(meant) or meant.endswith(answered) or answered.rpartition("/")[2].startswith(meant)


def _is_deployment(name: str) -> bool:
    """Return True if no model has the name: not ours, not in the table of prices, not OWNER/MODEL or MODEL:SIZE."""
    if name in PACKAGED or name in TRAINED or re.search(r"[/:]", name):
        return False
    import genai_prices

    try:
        genai_prices.calc_price(genai_prices.Usage(input_tokens=1, output_tokens=1), name)
    except LookupError:
        return True
    return False
