"""Pickling by position."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, fields, replace

import pytest

from cluster.hosts.host import EngineLost, own_copy
from inference.pickling import pickled_by_position
from subnets import Answer, Caller, Cost, Fault, Message, Prompt, Query, Response


@pytest.mark.parametrize(
    "value",
    [
        Response(3, Answer(text="a"), Fault.ERROR, "why", b"body", 0.5, 0.25, Cost(cpu_s=1.0, output_tokens=7)),
        EngineLost(3, fault=Fault.LOST, reason="gone", opening=True),
        Query("id", "ocr", Prompt((Message("user", "say"),), b"image", 9), 3.0, Caller("5F", 2.0, True)),
    ],
)
def test_what_is_pickled_by_position_comes_back_whole(value: object) -> None:
    again = pickle.loads(pickle.dumps(value))
    assert again == value
    assert type(again) is type(value)


@pickled_by_position
@dataclass(frozen=True, slots=True)
class Pair:
    left: int
    right: int


class Triple(Pair):
    pass


def test_a_subclass_that_forgets_its_own_fields_is_refused() -> None:
    with pytest.raises(TypeError, match="Triple can't be pickled: decorate it with pickled_by_position too"):
        pickle.dumps(Triple(1, 2))


def test_a_miners_own_copy_of_a_query_has_every_field() -> None:
    query = Query("id", "ocr", Prompt((Message("system", "s"), Message("user", "say")), b"image", 9), 3.0, Caller("5F"))
    assert own_copy(query) == query
    assert all(getattr(query, each.name) != each.default for each in fields(Query)), (
        "a field at its default would hide that it is not copied"
    )
    assert own_copy(replace(query, caller=Caller("5F", 2.0, True))).caller == Caller("5F", 2.0, True)
