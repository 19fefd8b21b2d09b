"""Which miners are tied to each other."""

from cluster.affinity import Affinity
from miners import Miner
from tests.cluster import fakes


def test_a_victim_is_identified_by_all_but_its_seeds() -> None:
    miners: dict[int, Miner] = {
        0: fakes.Draws(seed=1),
        1: fakes.Draws(seed=2),
        2: fakes.Copies(victim=fakes.Draws(seed=3)),
        3: fakes.Copies(victim=fakes.Copies(victim=fakes.Draws(seed=4))),
    }
    victims = {2: (0, 1), 3: (2,)}
    assert Affinity.of(miners) == Affinity(after=victims, same_host=victims)


def test_a_copycat_whose_victim_is_not_there_is_tied_to_nobody() -> None:
    assert Affinity.of({0: fakes.Says(), 1: fakes.Copies(victim=fakes.Draws())}).after == {1: ()}
