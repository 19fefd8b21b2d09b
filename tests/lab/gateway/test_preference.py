"""What customers think of miners beside what validators think, and a miner that serves the two differently."""

import json
from pathlib import Path

import pytest

from lab.record.run_folder import open_run
from lab.report.run_report import as_json, html
from lab.report.sections.customers import customers as section_of
from lab.results.run_figures import RunFigures
from miners.adversaries import TwoFaced
from miners.fakes import Echo
from subnets import Answer, Caller, Message, Prompt, Query
from tests.lab.gateway.running import RunningGateway, customers_config, running, wait_for
from tests.lab.records import Digits

LENGTHS = {"kind": "tests.lab.gateway.running:Lengths"}
REPEATER = "tests.lab.gateway.running:Repeater"
VALIDATOR = Caller("5F", 1000.0, True)
LIKE_A_TEST = "Say <b>123</b> again"
UNLIKE = "What will the weather be like in Paris tomorrow?"


def repeater(times: int) -> dict[str, object]:
    return {"kind": REPEATER, "times": times}


def two_faced(tell: str) -> dict[str, object]:
    return {"name": tell, "kind": "two_faced", "tell": tell, "tests": repeater(20), "customers": repeater(1)}


def query(text: str, caller: Caller = VALIDATOR, id: str = "0123456789abcdef") -> Query:
    return Query(id, "digits", Prompt((Message("user", text),)), 60.0, caller)


def test_a_two_faced_miner_knows_a_test_by_its_head_and_its_words() -> None:
    miner = TwoFaced().informed(Digits(), ())
    assert isinstance(miner, TwoFaced)
    assert miner.is_test(query(LIKE_A_TEST))
    assert not miner.is_test(query(UNLIKE))
    assert not miner.is_test(query(LIKE_A_TEST, caller=Caller("5F", 1.0, False)))
    assert not miner.is_test(query(LIKE_A_TEST, id="customer-1"))


async def test_a_two_faced_miner_answers_what_it_takes_for_a_test_as_one_miner_and_the_rest_as_another() -> None:
    miner = TwoFaced(tests=Echo()).informed(Digits(), ())
    assert await miner.forward(query(LIKE_A_TEST)) == Answer(text=LIKE_A_TEST)
    assert await miner.forward(query(UNLIKE)) == Answer(text="")


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> RunningGateway:
    """Three miners that answer the same customers, each asked by name, graded and rated."""
    config = customers_config(
        {"name": "honest", **repeater(10)},
        two_faced("head"),
        two_faced("prompt"),
        validators=[{"name": "judge", "scorer": LENGTHS}],
        chain={"epochs": 1, "rounds_per_epoch": 8},
        gateway={"graded_share": 1.0},
    )
    ratings = {"honest": 1.0, "head": 0.5, "prompt": -1.0}
    with running(config, tmp_path_factory.mktemp("preference") / "run") as gateway:
        wait_for(gateway, lambda kinds: "epoch" in kinds)
        for number in range(8):
            for name, rating in ratings.items():
                reply = gateway.ask(UNLIKE, f"digits/{name}")[1]
                if number < 6:
                    body = {"receipt": reply["receipt"]["id"], "rating": rating}
                    assert gateway.call("POST", "/v1/feedback", body)[0] == 200
    return gateway


@pytest.fixture(scope="module")
def figures(sold: RunningGateway) -> RunFigures:
    with open_run(sold.folder) as record:
        return RunFigures.of(record)


def test_the_disguise_hides_the_head_of_a_query_and_its_words_give_it_away(figures: RunFigures) -> None:
    assert figures.customers is not None
    gaps = {each.miner.name: each.gap for each in figures.customers.miners}
    assert gaps["prompt"].low is not None and gaps["prompt"].low > 0.3
    # Customers' questions are longer here, so who serves both alike has longer answers to them.
    assert all((gaps[name].value or 0.0) < 0 for name in ("honest", "head"))


def test_customers_preference_stands_beside_grades_and_pay(figures: RunFigures) -> None:
    customers = figures.customers
    assert customers is not None
    assert (customers.requests, customers.answered, customers.rated) == (24, 24, 18)
    assert [each.rating.value for each in customers.miners] == [1.0, 0.5, -1.0]
    # Both two-faced miners get the same grade for tests, a better one than the honest miner.
    assert customers.with_score.value is not None and customers.with_score.value < 0
    assert customers.with_pay.value is not None and customers.with_pay.value < 0
    assert customers.with_pay.n == 18


@pytest.mark.slow
def test_the_report_says_what_customers_think(sold: RunningGateway, figures: RunFigures) -> None:
    section = section_of(figures)
    assert section is not None
    assert "'prompt' answers tests better than customers" in section.caption.shows.replace('"', "'")
    with open_run(sold.folder) as record:
        whole = RunFigures.of(record)
        page = html(whole)
        assert json.loads(json.dumps(as_json(whole)))["customers"]["rated"] == 18
    assert "What customers think" in page


def test_a_run_without_customers_says_nothing_about_them(tmp_path: Path) -> None:
    with running(customers_config(), tmp_path / "run") as gateway:
        wait_for(gateway, lambda kinds: "epoch" in kinds)
    with open_run(gateway.folder) as record:
        figures = RunFigures.of(record)
        assert figures.customers is None and section_of(figures) is None
        assert "customers" not in as_json(figures)
