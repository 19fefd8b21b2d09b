"""The base of all tables of a config."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from subnets.option import Wording

Name = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$"),
    Wording("a name (letters, digits, '_', '.' and '-', at most 40, first a letter or digit)"),
]


class Table(BaseModel):
    """Base of every config table. The docstrings of its fields are the help of `subnetlab run --help`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def keys(cls) -> dict[str, FieldInfo]:
        """Return the keys that a user may write, with their fields."""
        return dict(cls.model_fields)
