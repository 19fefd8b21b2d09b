"""What every table of a config has in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")]


class Table(BaseModel):
    """Base of every config table."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
