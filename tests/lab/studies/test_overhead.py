import csv
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.duration import duration
from lab.errors import ConfigError, RecordError
from lab.record.completed_run import CompletedRun
from lab.record.entries import GradedAnswer, GradedRound
from lab.report.section import Publication
from lab.statistics import Estimate
from lab.studies.arm import subset
from lab.studies.budget import Budget, BudgetError
from lab.studies.forecast import Forecast
from lab.studies.overhead import STUDY
from lab.studies.overhead.config import OverheadConfig
from lab.studies.overhead.known_networks import networks
from lab.studies.overhead.points import CustomerAnswers, OverheadData, UnitCosts
from lab.studies.study import measure
from lab.studies.study_folder import StudyFolder
from subnets import Cost
from tests.lab.records import make_record

pytestmark = pytest.mark.slow

TINY = {
    "seed": 5,
    "subnet": {"kind": "ocr", "width": 400, "difficulty": 0.0},
    "miners": [
        {"name": "full", "kind": "tesseract", "count": 2},
        {"name": "noisy", "kind": "noisy", "error_rate": 0.5, "count": 2},
    ],
    "validators": [{"name": "validator", "count": 2}],
    "chain": {"epochs": 1, "rounds_per_epoch": 2},
    "pool": {"kind": "local"},
    "overhead": {"miners": [1, 2], "validators": [1, 2], "probe_rounds": 1},
}


@pytest.fixture(scope="module")
def config() -> OverheadConfig:
    return OverheadConfig.parse(TINY)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("overhead") / "study"


@pytest.fixture(scope="module")
def heard() -> list[Forecast]:
    return []


@pytest.fixture(scope="module")
def publication(config: OverheadConfig, folder: Path, heard: list[Forecast]) -> Publication:
    return measure(STUDY, config, folder, announce=heard.append)


def point(folder: Path, name: str) -> dict[str, Any]:
    result = json.loads((folder / "result.json").read_text())
    grid = next(section for section in result["sections"] if section["key"] == "overhead")
    row: dict[str, Any] = next(row for row in grid["rows"] if row["point"] == name)
    return row


def test_a_second_miner_and_a_second_validator_cost_more(publication: Publication, folder: Path) -> None:
    small, large = point(folder, "N=1 V=1"), point(folder, "N=2 V=1")
    assert large["overhead_cpu"]["value"] > small["overhead_cpu"]["value"]  # exact sums are tested below
    both = point(folder, "N=2 V=2")
    assert both["apart_cpu"]["value"] > both["overhead_cpu"]["value"] > 1.5
    assert both["overhead_cpu"]["n"] == 4  # two rounds of two validators


def test_meters_and_carrying_explain_the_cpu_of_the_processes(
    config: OverheadConfig, publication: Publication, folder: Path
) -> None:
    study = StudyFolder("overhead", config, folder, "resume")
    for each in OverheadData.read(config, study, config.arms(full=False)).points:
        assert each.unexplained < 0.05  # the total is read in ticks of 10 ms, and a point is a second of work
        assert 0.0 < (each.carrying_share.value or 0.0) < 0.4
        assert all((each.parts[part].value or 0.0) > 0.0 for part in ("miners", "making tasks", "grading"))


def test_quality_is_that_of_all_tasks_of_as_many_validators(publication: Publication, folder: Path) -> None:
    rows = next(section for section in publication.sections if section.key == "quality").rows
    counts = {row[0]: quality.n for row in rows if isinstance(quality := row[1], Estimate)}
    assert counts == {"N=1 V=1": 2, "N=2 V=1": 2, "N=1 V=2": 4, "N=2 V=2": 4}


def customers(tasks: int = 40, seed: int = 0) -> CustomerAnswers:
    """A good miner, listed first, and three bad ones; the grades tell them apart."""
    rng = np.random.default_rng(seed)
    qualities = np.clip(rng.normal([0.9, 0.5, 0.5, 0.5], 0.05, (tasks, 4)), 0, 1)
    return CustomerAnswers(np.tile([0.9, 0.5, 0.5, 0.5], (tasks, 1)), qualities)


def test_one_miner_is_an_average_one_and_not_the_first_of_the_config() -> None:
    """The first miner alone would be as good as the best of all."""
    one, two, every = (customers().quality(miners) for miners in (1, 2, 4))
    assert one.value == pytest.approx((0.9 + 3 * 0.5) / 4, abs=0.03)
    assert two.value == pytest.approx((0.9 + 0.5) / 2, abs=0.04)
    assert every.value == pytest.approx(0.9, abs=0.02)
    assert one.n == 40 and one.high is not None and one.high < (every.low or 0.0)


def test_a_round_without_a_miner_of_merit_has_no_customer() -> None:
    nothing = CustomerAnswers(np.full((6, 2), np.nan), np.ones((6, 2)))
    assert nothing.quality(1) == Estimate(None, None, None, 0)


def test_where_nothing_was_right_no_point_is_as_good_as_the_best(config: OverheadConfig, folder: Path) -> None:
    data = OverheadData.read(config, StudyFolder("overhead", config, folder, "resume"), config.arms(full=False))
    assert data.cheapest() in data.points
    wrong = [replace(each, quality=Estimate(0.0, 0.0, 0.0, 4)) for each in data.points]
    assert replace(data, points=tuple(wrong)).cheapest() is None


def test_the_forecast_is_stored_with_the_actual_time(
    publication: Publication, folder: Path, heard: list[Forecast]
) -> None:
    assert len(heard) == 1
    assert set(heard[0].by_arm_s) == {"n2-v1", "n1-v2", "n2-v2"}  # the smallest was the last part of the probe
    kept = json.loads((folder / "forecast.json").read_text())
    assert kept["took_s"] > 0.0
    assert kept["forecast"]["wall_s"] == pytest.approx(heard[0].wall_s)


def test_files_lie_beside_the_page(publication: Publication, folder: Path) -> None:
    for section in publication.sections:
        rows = list(csv.DictReader((folder / f"{section.key}.csv").read_text().splitlines()))
        assert len(rows) == len(section.rows)
        assert json.loads((folder / f"{section.key}.json").read_text())["key"] == section.key
        assert (folder / f"{section.key}.png").is_file()
    page = (folder / "index.html").read_text()
    assert publication.title in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_a_finished_study_is_published_again_byte_for_byte(
    config: OverheadConfig, publication: Publication, folder: Path
) -> None:
    names = [path.name for path in folder.iterdir() if path.suffix in (".html", ".csv", ".json", ".png")]
    before = {name: (folder / name).read_bytes() for name in names}
    measure(STUDY, config, folder, mode="resume")
    assert {name: (folder / name).read_bytes() for name in names} == before


def test_a_held_folder_is_not_overwritten(config: OverheadConfig, publication: Publication, folder: Path) -> None:
    with pytest.raises(RecordError, match="--resume continues"):
        measure(STUDY, config, folder)
    other = config.model_copy(update={"seed": 6})
    with pytest.raises(RecordError, match="seed was 5, is 6"):
        measure(STUDY, other, folder, mode="resume")


def test_a_budget_that_is_too_small_stops_the_study_and_nothing_is_lost(config: OverheadConfig, tmp_path: Path) -> None:
    with pytest.raises(BudgetError, match="would take about"):
        measure(STUDY, config, tmp_path / "study", budget=Budget(wall_s=0.1))
    study = StudyFolder("overhead", config, tmp_path / "study", "resume")
    assert [study.complete(arm) for arm in config.arms(full=False)].count(True) == 1


@pytest.mark.parametrize("text", ["10", "-3m", "5 apples", "0s", ""])
def test_an_unreadable_budget_is_refused_with_the_allowed_forms(text: str) -> None:
    with pytest.raises(ConfigError, match="10m, 2h, 0.50usd"):
        Budget.parse(text)


def test_budgets_are_read() -> None:
    assert Budget.parse("10m") == Budget(wall_s=600.0)
    assert Budget.parse("0.50usd") == Budget(usd=0.5)
    assert duration(200) == "3 min 20 s"


def test_a_study_that_is_started_over_keeps_nothing(
    config: OverheadConfig, publication: Publication, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "study")
    other = OverheadConfig.parse(TINY | {"seed": 6, "overhead": {"miners": [1], "validators": [1], "probe_rounds": 1}})
    with pytest.raises(BudgetError):  # stopped in the middle
        measure(STUDY, other, tmp_path / "study", mode="clean", budget=Budget(wall_s=0.01))
    study = StudyFolder("overhead", other, tmp_path / "study", "resume")
    assert not (tmp_path / "study" / "arms" / "n2-v2").exists()
    assert not any(study.complete(arm) for arm in config.arms(full=False)), "those are of another seed"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bare": {"every": 0}}, r"bare\.every: 0; .* set it to 1"),
        ({"bare": {"miner": "noisy-0"}}, r"bare\.miner: .* first$"),
    ],
)
def test_a_config_without_a_fair_baseline_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        OverheadConfig.parse(TINY | change)


def test_the_first_of_every_table_come_first(config: OverheadConfig) -> None:
    assert subset(config, miners=3).miner_names == ["full-0", "noisy-0", "full-1"]
    with pytest.raises(ConfigError, match="5 miners are needed, the config has 4"):
        subset(config, miners=5)


def unit(answers: Sequence[float], grades: Sequence[float]) -> UnitCosts:
    """Of tasks that cost 1 s once and 0.1 s to make, with two answers and grades of so many seconds each."""
    rounds = [
        GradedRound(
            validator=0,
            number=number,
            task_id=str(number),
            task_seed=number,
            answers=tuple(GradedAnswer(uid=uid, cost=Cost(cpu_s=answer)) for uid in (1, 2)),
            task_cost=Cost(cpu_s=0.1),
            grading_cost=Cost(cpu_s=2 * grade),
        )
        for number, (answer, grade) in enumerate(zip(answers, grades, strict=True))
    ]
    return UnitCosts.of([(graded, Cost(cpu_s=1.0)) for graded in rounds])


def test_networks_are_billed_by_their_published_counts() -> None:
    measured = unit([0.8, 0.9, 1.0, 1.0, 1.1, 1.2], [0.01] * 6)
    once = measured.answer
    assert once.value == pytest.approx(1.0) and once.low is not None and once.high is not None
    assert 0.8 < once.low < 0.9 and 1.1 < once.high < 1.2
    (ocr,) = networks("ocr")
    bill = ocr.overhead(measured)
    assert bill.value == pytest.approx(10 * 1.0 + 0.1 + 10 * 0.01)
    assert (bill.low, bill.high) == pytest.approx((10 * once.low + 0.2, 10 * once.high + 0.2)) and bill.n == 6
    loop = next(network for network in networks("text_prompting") if network.runs == 350)
    assert loop.overhead(measured).value == pytest.approx(350 + 0.1 + 7.0)
    assert ocr.overhead(unit([], [])) == Estimate(None, None, None, 0)


def test_a_networks_interval_is_of_all_unit_costs_together() -> None:
    """An answer is dear where its grade is cheap: one of each costs the same on every task."""
    measured = unit([0.2, 0.4, 0.5, 0.5, 0.6, 0.8], [0.8, 0.6, 0.5, 0.5, 0.4, 0.2])
    assert (measured.answer.high or 0.0) - (measured.answer.low or 0.0) > 0.3
    both = measured.overhead(runs=1, grades=1)
    assert both.value == pytest.approx(1.1) and both.method == "none: all observations are equal"


def one_point(folder: Path, *, validators: int, rounds: int) -> tuple[OverheadData, CompletedRun]:
    """Return a grid of one point, two miners and so many validators, of a record whose costs are known."""
    config = OverheadConfig.parse(
        {
            "subnet": {"kind": "tests.lab.records:Digits"},
            "miners": [{"name": "sayer", "kind": "tests.lab.records:Sayer", "count": 2}],
            "validators": [{"name": "validator", "count": validators}],
            "chain": {"epochs": 1, "rounds_per_epoch": rounds},
            "pool": {"kind": "local", "isolate": False},
            "overhead": {"miners": [2], "validators": [validators]},
        }
    )
    study = StudyFolder("overhead", config, folder)
    (arm,) = config.arms(full=False)
    with make_record(study.arm_folder(arm), arm.config) as record:
        played = CompletedRun.of(record)
    return OverheadData.read(config, study, [arm]), played


def test_a_point_is_all_that_was_used_over_doing_it_once(tmp_path: Path) -> None:
    data, played = one_point(tmp_path, validators=2, rounds=3)
    answers_s = sum(answer.cost.cpu_s for graded in played.rounds for answer in graded.answers)
    checks_s, carried_s, once_s = 6 * (0.05 + 0.01), 0.4, 2 * (0.50 + 0.51 + 0.52)
    (point,) = data.points
    assert point.overhead["cpu_s"].value == pytest.approx((answers_s + 2 * checks_s + carried_s) / once_s)
    assert point.apart.value == pytest.approx(2 * (answers_s + checks_s + carried_s) / once_s)
    assert point.useful_work.value == pytest.approx(1 / (point.overhead["cpu_s"].value or 0.0))
    assert point.carrying_share.value == pytest.approx(carried_s / (answers_s + 2 * checks_s + carried_s))
    assert point.overhead["cpu_s"].n == 6


def test_a_customer_of_one_round_has_no_other_grades_to_go_by(tmp_path: Path) -> None:
    data, _ = one_point(tmp_path, validators=1, rounds=1)
    assert data.points[0].quality == Estimate(None, None, None, 0) and data.cheapest() is None
