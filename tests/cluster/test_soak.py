"""A short soak; the long one is `python benchmarks/soak.py`."""

from benchmarks.soak import soak


def test_a_run_whose_hosts_are_killed_at_random_loses_and_doubles_nothing() -> None:
    found = soak(200, "local", kill_every_s=0.3, seed=1)
    assert found.whole, found.count
    assert found.kills > 0 and found.count.answers == 1200
