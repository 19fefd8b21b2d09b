"""The help of keys is what Pydantic would read, found only when somebody asks."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from lab.config.docstrings import field_docstrings
from lab.config.run_config import RunConfig


class Shared(BaseModel):
    """Fields that others inherit."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    count: int = 1
    """Number of
    neurons."""
    plain: int = 2
    name: str = ""
    """Name in the report."""


class Special(Shared):
    """Fields of its own, and one that it defines again."""

    name: str = Field("x", max_length=3)
    """Name of at most three letters."""
    limit: ClassVar[int] = 4
    """Limit of nothing."""


def test_the_texts_are_those_that_pydantic_reads() -> None:
    for model in (Shared, Special):
        theirs = {name: field.description for name, field in model.model_fields.items() if field.description}
        ours = field_docstrings(model)
        assert {name: ours[name] for name in theirs} == theirs and "plain" not in ours


def test_a_class_without_source_has_no_texts() -> None:
    names: dict[str, type[BaseModel]] = {}
    exec("class Typed(BaseModel):\n    count: int = 1\n    'Number.'", {"BaseModel": BaseModel}, names)
    assert field_docstrings(names["Typed"]) == {}


def test_no_class_of_a_config_reads_them_when_it_is_made() -> None:
    assert all(field.description is None for field in RunConfig.model_fields.values())
    assert field_docstrings(RunConfig)["seed"]
