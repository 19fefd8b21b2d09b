from hypothesis import given
from hypothesis import strategies as st

from subnets import Seed


def test_a_seed_is_the_same_on_every_machine() -> None:
    assert Seed(7).child("task", 0, 3).integer() == 1712924213395449140


@given(st.integers(0, 2**63 - 1), st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=3))
def test_children_repeat_themselves_and_differ_from_their_parent(entropy: int, path: list[int]) -> None:
    child = Seed(entropy).child(*path)
    assert child.integer() == Seed(entropy).child(*path).integer()
    assert child.integer() != Seed(entropy).integer()
    assert 0 <= child.integer() < 2**63


def test_every_generator_starts_in_the_same_state() -> None:
    seed = Seed(1).child("sample", 4)
    assert seed.rng().random() == seed.rng().random()
    assert seed.rng().random() != Seed(1).child("sample", 5).rng().random()
