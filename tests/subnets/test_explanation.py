"""The message on a wrong key names its place, what is allowed there and the value given."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from subnets import SUBNETS, Subnet
from subnets.explanation import explain
from subnets.option import Wording, accepted

Word = Annotated[str, Field(pattern="^[a-z]+$"), Wording("a word in small letters")]


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int = Field(1, ge=1, le=9)


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    count: int = Field(1, ge=1)
    port: int = Field(1, ge=0, le=65535)
    seed: int = Field(0, ge=0, lt=2**128)
    share: float = Field(1.0, gt=0, le=1)
    left: float | None = Field(None, gt=0)
    below: float = Field(0.0, lt=1)
    most: float = Field(0.0, le=4)
    free: float = 0.0
    keep: bool = False
    how: Literal["pack", "spread"] = "pack"
    which: Literal["a", "b"] | Literal["c"] = "a"
    text: str = Field("a", min_length=1)
    short: str = Field("a", max_length=3)
    name: Word = "a"
    tag: str = Field("a", pattern="^#")
    uids: tuple[int, ...] = Field((1,), min_length=1)
    points: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field((0.0, 1.0), min_length=2)
    pair: tuple[int, Annotated[int, Field(le=60)]] = (1, 2)
    difficulty: Annotated[float, Field(ge=0, le=1)] | tuple[float, float] = 0.0
    labels: dict[Word, Annotated[float, Field(gt=0)]] = {}
    inner: Inner = Inner()
    many: tuple[Inner, ...] = ()
    subnet: Annotated[Subnet, *SUBNETS.field()] | None = None


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"count": "three"}, ".count: give an integer of at least 1 (got 'three')"),
    ({"count": 0}, ".count: give an integer of at least 1 (got 0)"),
    ({"count": 2.5}, ".count: give an integer of at least 1 (got 2.5)"),
    ({"count": [1]}, ".count: give an integer of at least 1 (got [1])"),
    ({"port": 70_000}, ".port: give an integer from 0 to 65535 (got 70000)"),
    ({"seed": 2**128}, f".seed: give an integer of at least 0 and below 2^128 (got {2**128})"),
    ({"share": 0}, ".share: give a number above 0 and at most 1 (got 0)"),
    ({"left": -1}, ".left: give a number above 0 (got -1)"),
    ({"below": 1}, ".below: give a number below 1 (got 1)"),
    ({"most": 5}, ".most: give a number of at most 4 (got 5)"),
    ({"free": float("nan")}, ".free: give a number (got nan)"),
    ({"free": "much"}, ".free: give a number (got 'much')"),
    ({"keep": "maybe"}, ".keep: give true or false (got 'maybe')"),
    ({"how": True}, ".how: give 'pack' or 'spread' (got true)"),
    ({"which": "d"}, ".which: give 'a', 'b' or 'c' (got 'd')"),
    ({"text": ""}, ".text: give text that is not empty (got '')"),
    ({"text": 7}, ".text: give text that is not empty (got 7)"),
    ({"short": "long one"}, ".short: give text of at most 3 characters (got 'long one')"),
    ({"name": "A b"}, ".name: give a word in small letters (got 'A b')"),
    ({"tag": "x"}, ".tag: give text that matches ^# (got 'x')"),
    ({"uids": []}, ".uids: give a list of one or more integers (got [])"),
    ({"uids": 3}, ".uids: give a list of one or more integers (got 3)"),
    ({"uids": [1, "x"]}, ".uids[1]: give an integer (got 'x')"),
    ({"points": [0.5]}, ".points: give a list of at least 2 numbers from 0 to 1 (got [0.5])"),
    ({"points": [0.5, 2]}, ".points[1]: give a number from 0 to 1 (got 2)"),
    ({"pair": [1, 61]}, ".pair[1]: give an integer of at most 60 (got 61)"),
    ({"pair": 1}, ".pair: give a list of 2: an integer, an integer of at most 60 (got 1)"),
    ({"difficulty": 3}, ".difficulty: give a number from 0 to 1 or a list of 2 numbers (got 3)"),
    ({"labels": {"a": 0}}, ".labels.a: give a number above 0 (got 0)"),
    ({"labels": {"A": 1}}, ".labels.A: give a word in small letters (got 'A')"),
    ({"labels": 1}, ".labels: give a table (got 1)"),
    ({"inner": 5}, ".inner: give a table (got 5)"),
    ({"inner": [{}]}, ".inner: give one table, write [inner] (got 1 of them)"),
    ({"inner": {"size": 10}}, ".inner.size: give an integer from 1 to 9 (got 10)"),
    ({"inner": {"sise": 1}}, ".inner.sise: unknown key; known: size; did you mean size?"),
    ({"many": {"size": 1}}, ".many: give several tables, write [[many]] (got {'size': 1})"),
    ({"many": [{"size": 0}]}, ".many[0].size: give an integer from 1 to 9 (got 0)"),
    ({"subnet": {"kind": "ocr", "width": 1}}, ".subnet.width: give an integer from 300 to 4000 (got 1)"),
]


@pytest.mark.parametrize(("table", "line"), FAULTS)
def test_a_wrong_value_is_answered_by_what_is_allowed(table: dict[str, Any], line: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(table)
    assert explain(caught.value, Model) == line


def test_a_key_that_is_always_left_out_is_to_be_left_out() -> None:
    assert accepted(type(None)).words == "no value: omit the key"
