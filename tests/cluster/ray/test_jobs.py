"""Following a job's output on a head that answers some questions and not others."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from cluster import PoolError
from cluster.ray import jobs
from cluster.ray.jobs import LOG_TRIES, Jobs


class Head:
    """A head whose job ends after some questions, and whose log comes in pieces or fails."""

    def __init__(self, ends_after: int, tails: Sequence[Sequence[str | Exception]]) -> None:
        self.ends_after, self.tails, self.asked, self.tailed = ends_after, list(tails), 0, 0

    def get_job_info(self, job: str) -> Any:
        self.asked += 1
        over = self.asked > self.ends_after
        return SimpleNamespace(status=SimpleNamespace(is_terminal=lambda: over))

    async def tail_job_logs(self, job: str) -> AsyncIterator[str]:
        pieces = self.tails[min(self.tailed, len(self.tails) - 1)]
        self.tailed += 1
        for piece in pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


FAILS = [RuntimeError("Internal Server Error")]


def follow(head: Head, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("RETRY_S", "LONGEST_RETRY_S"):
        monkeypatch.setattr(jobs, name, 0.0)
    following = Jobs.__new__(Jobs)
    following.address, following._client = "http://head:8265", head

    async def all_of_it() -> str:
        async with asyncio.timeout(30):
            return "".join([text async for text in following.follow("ocr-1")])

    return asyncio.run(all_of_it())


def test_an_ended_job_whose_log_can_not_be_read_is_not_asked_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    head = Head(0, [FAILS])
    assert follow(head, monkeypatch) == ""
    assert (head.asked, head.tailed) == (1, LOG_TRIES)
    assert "job ocr-1 has ended, but the rest of its log can't be read: Internal Server Error" in caplog.text


def test_a_job_whose_log_can_not_be_read_is_followed_until_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    head = Head(20, [FAILS])
    assert follow(head, monkeypatch) == ""
    assert head.asked == 21


def test_a_log_that_is_cut_off_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    tails: list[list[str | Exception]] = [["one ", "two ", *FAILS], [*FAILS], ["one two three ", *FAILS]]
    head = Head(3, [*tails, ["one two three four"]])
    assert follow(head, monkeypatch) == "one two three four"


def test_a_head_that_no_longer_answers_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "CUT_OFF_S", 0.0)
    head = Head(0, [FAILS])
    monkeypatch.setattr(head, "get_job_info", lambda job: (_ for _ in ()).throw(RuntimeError("gone")))
    with pytest.raises(PoolError, match="no longer answers: .*gone; the job may still run"):
        follow(head, monkeypatch)
