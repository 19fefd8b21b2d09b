"""What a miner requires of the machine that hosts it, besides what its engines need.

Requirements(labels={"zone": "in(a, b)"}, resources={"nvme": 1})
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from subnets.option import Wording

LABEL = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
"""Pattern of a label's name and of its value."""
LABEL_WORDS = "letters, digits, '_', '.' and '-', at most 63"
LabelKey = Annotated[
    str,
    Field(pattern=rf"^({LABEL}/)?{LABEL}$"),
    Wording(f"a label's name ({LABEL_WORDS}, after an optional prefix and '/')"),
]
LabelValue = Annotated[str, Field(pattern=rf"^{LABEL}$"), Wording(f"a label ({LABEL_WORDS})")]
LabelSelector = Annotated[
    str,
    Field(pattern=rf"^!?(in\({LABEL}(, ?{LABEL})*\)|{LABEL})$"),
    Wording(f"a label ({LABEL_WORDS}), '!label', 'in(label, label)' or '!in(label, label)'"),
]
ResourceName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,62}$"),
    Wording("a resource's name (letters, digits, '_', '.' and '-', at most 63, first a letter)"),
]


@dataclass(frozen=True, slots=True)
class Requirements:
    """Labels that the machine must have, and custom resources that each host takes of it."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Selector for each label, by key: "a", "!a" (anything else), "in(a, b)" or "!in(a, b)"."""
    resources: Mapping[str, float] = field(default_factory=dict)
    """Amount of each custom resource that one host takes."""

    def __str__(self) -> str:
        pairs = [
            *sorted(self.labels.items()),
            *((name, f"{amount:g}") for name, amount in sorted(self.resources.items())),
        ]
        return ",".join(f"{key}={value}" for key, value in pairs)


NO_REQUIREMENTS = Requirements()


def matches(label: str | None, selector: str) -> bool:
    """Return whether a label (None: the machine has no such label) satisfies a selector."""
    values = selector.removeprefix("!")
    if values.startswith("in("):
        values = values.removeprefix("in(").removesuffix(")")
    return (label in {value.strip() for value in values.split(",")}) != selector.startswith("!")
