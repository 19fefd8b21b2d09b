"""The pool on Ray: one cluster for the whole run."""

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from cluster import LocalPool, PoolError, RayPool, RaySession
from miners import Miner
from subnets import Caller, Fault
from tests.cluster import fakes
from tests.cluster.fakes import Words, query
from validators import Validator


def ray_pool(session: RaySession, miners: Mapping[int, Miner], *, cores: int = 1) -> RayPool:
    return RayPool(Words(image_bytes=1000), miners, {9: Validator(seed=1)}, cores=cores, session=session)


async def test_the_same_seed_gives_the_same_scores_on_both_pools(ray_session: RaySession) -> None:
    miners: dict[int, Miner] = {
        0: fakes.Says(),
        1: fakes.Works(),
        2: fakes.Says(text="no"),
        3: fakes.Raises(),
        4: fakes.Returns(what="surrogate"),
        5: fakes.Copies(victim=fakes.Works()),
        6: fakes.Draws(seed=6),
    }
    stakes = dict.fromkeys(miners, 1.0)
    async with ray_pool(ray_session, miners) as pool:
        on_ray = [await pool.play(9, number, stakes, Caller()) for number in range(3)]
    async with LocalPool(Words(image_bytes=1000), miners, {9: Validator(seed=1)}, cores=1) as pool:
        here = [await pool.play(9, number, stakes, Caller()) for number in range(3)]
    assert [played.task for played in on_ray] == [played.task for played in here]
    assert [played.scores for played in on_ray] == [played.scores for played in here]
    assert [[r.body for r in played.responses] for played in on_ray] == [
        [r.body for r in played.responses] for played in here
    ]
    assert [score.value for score in here[0].scores] == [1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
