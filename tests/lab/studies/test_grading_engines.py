"""Engines as validators beside the closed form, and rankings that are compared with those on another subnet."""

from dataclasses import replace

import numpy as np
import pytest

from lab.report.section import Section
from lab.studies.grading.cards import Card, cards
from lab.studies.grading.grades import GradingData
from lab.studies.grading.page.engines import engine_sections
from lab.studies.grading.page.transfer import transfer_sections
from lab.studies.grading.tasks import AnsweredTasks, bands, shared_errors
from subnets import Items
from tests.lab.studies.test_grading_tables import graded, study

TASKS, WORDS, K = 60, 40, 100
ACCURACIES = (0.95, 0.85, 0.7, 0.4)


def engines(shared: float) -> GradingData:
    """Four engines that read words; a share of the words is hard for all of them alike."""
    rng = np.random.default_rng(5)
    items, quality = [], np.zeros((TASKS, 4))
    for task in range(TASKS):
        common = rng.random((WORDS, 1)) < shared
        luck = np.where(common, rng.random((WORDS, 1)), rng.random((WORDS, 4)))
        right = luck < ACCURACIES
        said = np.where(right, 1, rng.integers(2, K + 2, right.shape))
        items.append(Items(said, K, np.zeros(4, dtype=np.int64), right.astype(float), WORDS))
        quality[task] = right.mean(axis=0)
    graders = [graded(f"own-{name}", quality, reference=name) for name in "abcd"]
    return replace(study(quality, *graders), items=tuple(items), difficulties=tuple(np.linspace(0, 0.6, TASKS)))


def carded(data: GradingData) -> tuple[GradingData, list[Card]]:
    return data, cards(data)


def rows(section: Section) -> list[dict[str, object]]:
    return [dict(zip((column.key for column in section.columns), row, strict=True)) for row in section.rows]


def test_engines_that_err_independently_agree_with_the_closed_form() -> None:
    pairs, premiums = map(rows, engine_sections(*carded(engines(shared=0.0))))
    assert len(pairs) == 6
    assert all(abs(row["standard_errors"]) < 3 and abs(row["correlation"]) < 0.1 for row in pairs)
    assert all(row["premium"].value == pytest.approx(row["closed_form"], abs=0.02) for row in premiums)
    assert [row["rank_accuracy"].value for row in premiums] == [1.0] * 4


def test_errors_that_come_together_show_as_agreement_beyond_the_closed_form() -> None:
    section, _ = engine_sections(*carded(engines(shared=0.8)))
    assert "of 6 pairs agree with it within two standard errors; the errors of two engines correlate by" in str(
        section.caption
    )
    assert all(row["standard_errors"] > 1 and row["correlation"] > 0.1 for row in rows(section))
    assert sum(row["standard_errors"] > 3 for row in rows(section)) == 5


def test_two_that_miss_the_same_word_do_not_agree_on_it() -> None:
    silent = Items(
        np.array([[1, 1], [0, 0], [2, 3]]), K, np.zeros(2, dtype=np.int64), np.eye(3)[:, :1] @ np.ones((1, 2))
    )
    errors = shared_errors([silent], 0, 1)
    assert errors is not None and (errors.parts, errors.same, errors.first) == ((3.0,), (1.0,), pytest.approx(1 / 3))


def test_a_study_without_own_answers_or_words_has_no_such_section() -> None:
    data = engines(shared=0.0)
    assert engine_sections(data, ()) == []
    assert engine_sections(*carded(replace(data, items=(None,) * TASKS))) == []


@pytest.fixture(autouse=True)
def few_resamples_of_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.studies.grading.pay.DRAWS", 5)


@pytest.mark.parametrize(("order", "correlation"), [((0, 1, 2, 3), 1.0), ((3, 2, 1, 0), -1.0)])
def test_a_ranking_that_holds_elsewhere_correlates_and_one_that_is_reversed_does_not(
    order: tuple[int, ...], correlation: float
) -> None:
    data = engines(shared=0.0)
    there = replace(engines(shared=0.3), quality=data.quality[:, list(order)]).answered
    ranking, errors = transfer_sections(replace(data, other=there))
    overall, *by_band = rows(ranking)
    assert overall["spearman"].value == correlation and overall["tasks_here"] == overall["tasks_there"] == TASKS
    assert len(by_band) == 3 and all(row["spearman"].value == correlation for row in by_band)
    assert sum(row["tasks_here"] for row in by_band) == TASKS
    first = rows(errors)[0]
    assert first["miner"] == "a" and first["misread_here"].value == pytest.approx(0.05, abs=0.02)
    assert first["missed_here"].value == 0.0


def test_difficulties_that_are_not_known_or_do_not_overlap_have_no_bands() -> None:
    table = np.ones((2, 1))
    easy, hard, unknown = (
        AnsweredTasks.of(difficulty, table, (None, None)) for difficulty in ((0.0, 0.2), (0.5, 0.6), (None, 0.1))
    )
    assert bands(easy, hard) == bands(easy, unknown) == []
    assert len(bands(easy, easy)) == 3
    assert transfer_sections(engines(shared=0.0)) == []
