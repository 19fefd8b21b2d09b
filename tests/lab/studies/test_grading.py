import json
from pathlib import Path
from typing import Any

import pytest

from lab.errors import ConfigError
from lab.record.record import RunRecord
from lab.report.section import Publication
from lab.statistics import Estimate
from lab.studies.budget import Budget, BudgetError
from lab.studies.forecast import Forecast
from lab.studies.grading import STUDY
from lab.studies.grading.bias import Bias
from lab.studies.grading.cards import Card, cards, verdict
from lab.studies.grading.config import GradingConfig
from lab.studies.grading.exploits import Exploit
from lab.studies.grading.grades import GradingData
from lab.studies.grading.probes import PROBES
from lab.studies.study import measure
from lab.studies.study_folder import StudyFolder
from subnets import Response, Score, Scorer, Task

pytestmark = pytest.mark.slow

SHIPPED = Path(__file__).parents[3] / "configs" / "studies"

PAGES: dict[str, Any] = {
    "seed": 5,
    "subnet": {"kind": "ocr", "width": 500, "difficulty": 0.0, "kinds": ["letter"]},
    "miners": [
        {"name": "full", "kind": "tesseract"},
        {"name": "noisy", "kind": "noisy", "error_rate": 0.4},
        {"name": "copycat", "kind": "copycat", "victim": "full"},
        {"name": "empty", "kind": "empty"},
    ],
    "validators": [{"name": "asks"}],
    "pool": {"kind": "local"},
    "graders": [
        {"name": "sections", "scorer": {"kind": "sections"}},
        {"name": "tutorial", "scorer": {"kind": "tutorial"}},
        {"name": "own", "scorer": {"kind": "sections"}, "reference": "full"},
    ],
    "grading": {
        "tasks": 4,
        "right_at": 0.9,
        "probed_tasks": 2,
        "validators": 2,
        "rounds_per_epoch": 1,
        "other_subnet": {"kind": "ocr", "width": 400, "difficulty": [0.3, 0.6], "kinds": ["form"]},
    },
}

TEXT: dict[str, Any] = {
    "seed": 3,
    "subnet": {"kind": "text_prompting", "mix": {"extractive": 1.0}, "passage_sentences": [2, 4]},
    "miners": [
        {"name": "good", "kind": "oracle", "p": 0.9},
        {"name": "fair", "kind": "oracle", "p": 0.6},
        {"name": "poor", "kind": "oracle", "p": 0.2},
        {"name": "negated", "kind": "negated_truth"},
        {"name": "salad", "kind": "word_salad"},
    ],
    "validators": [{"name": "asks"}],
    "pool": {"kind": "local"},
    "graders": [
        {"name": "truth", "probability": True},
        {"name": "f1", "scorer": {"kind": "token_f1"}, "repeats": 1},
        {"name": "length", "scorer": {"kind": "tests.lab.studies.test_grading:PaysForLength"}},
        {"name": "order", "scorer": {"kind": "tests.lab.studies.test_grading:PaysTheFirst"}, "tasks": 12},
        {"name": "first", "scorer": {"kind": "tests.lab.studies.test_grading:Pairs", "picks_first": True}},
        {"name": "fair", "scorer": {"kind": "tests.lab.studies.test_grading:Pairs", "picks_first": False}},
    ],
    "grading": {
        "tasks": 24,
        "probed_tasks": 12,
        "paradox": {"validators": [0.5, 1.0], "miners": [0.5, 1.0], "rounds": 8, "wrong": 2},
    },
}


class PaysForLength(Scorer):
    """More words, more pay."""

    def score(self, task: Task, response: Response) -> Score:
        assert response.answer is not None
        return Score(min(1.0, len(response.answer.text.split()) / 100))


class PaysTheFirst(Scorer):
    """Whoever is shown first is right."""

    def score(self, task: Task, response: Response) -> Score:
        raise NotImplementedError

    def score_all(self, task: Task, responses: Any) -> list[Score]:
        return [Score(float(place == 0)) for place in range(len(responses))]


class Pairs(Scorer):
    """Says of how many comparisons it picked the answer that was shown first: all, or one or the other by turns."""

    picks_first: bool

    def score(self, task: Task, response: Response) -> Score:
        first = 1.0 if self.picks_first else float(task.seed % 2)
        return Score(0.5, {"compared": 1.0, "flipped": 0.0, "first_picked": first})


class Cut(Exception):
    """Pulls the plug."""


@pytest.fixture(scope="module")
def pages() -> GradingConfig:
    return GradingConfig.parse(PAGES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("grading") / "study"


@pytest.fixture(scope="module")
def heard() -> list[Forecast]:
    return []


@pytest.fixture(scope="module")
def publication(pages: GradingConfig, folder: Path, heard: list[Forecast]) -> Publication:
    return measure(STUDY, pages, folder, announce=heard.append)


@pytest.fixture(scope="module")
def text_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("text") / "study"
    measure(STUDY, GradingConfig.parse(TEXT), place)
    return place


@pytest.fixture(scope="module")
def text(text_folder: Path) -> GradingData:
    config = GradingConfig.parse(TEXT)
    study = StudyFolder("grading", config, text_folder, "resume")
    return GradingData.read(config, study, config.arms(full=False))


def section(folder: Path, key: str) -> list[dict[str, Any]]:
    result = json.loads((folder / "result.json").read_text())
    rows: list[dict[str, Any]] = next(each for each in result["sections"] if each["key"] == key)["rows"]
    return rows


@pytest.fixture(scope="module")
def by_name(text: GradingData) -> dict[str, Card]:
    return {card.name: card for card in cards(text)}


def bias_of(card: Card, name: str) -> Bias:
    return next(bias for bias in card.biases if bias.name == name)


def exploit_of(card: Card, adversary: str) -> Exploit:
    return next(each for each in card.exploits if each.adversary == adversary)


def test_every_grader_has_a_card_of_quality_bias_exploitability_and_cost(
    publication: Publication, folder: Path
) -> None:
    for name in ("sections", "tutorial", "own"):
        card = json.loads((folder / "cards" / f"{name}.json").read_text())
        assert set(card["exploitability"]["earned"]) == {"copycat", "empty"}
        assert card["quality"]["auc"]["n"] == card["quality"]["kappa"]["n"] == 4
        assert card["cost"]["cpu_s_per_grade"]["value"] > 0
        assert {"order", "length", "injection"} <= set(card["bias"])
        assert name in (folder / "cards" / f"{name}.html").read_text()
        assert f'href="cards/{name}.html"' in (folder / "index.html").read_text()


def test_a_grader_without_chance_gives_the_same_answer_the_same_score(publication: Publication, folder: Path) -> None:
    assert {row["spread"]["value"] for row in section(folder, "right_or_wrong")} == {0.0}


def test_a_validators_own_answer_pays_its_copier_in_full_and_costs_as_much_as_the_answer(
    publication: Publication, folder: Path
) -> None:
    own = json.loads((folder / "cards" / "own.json").read_text())
    truth = json.loads((folder / "cards" / "sections.json").read_text())
    assert own["exploitability"]["earned"]["copycat"]["value"] > 1.2
    assert own["exploitability"]["relative_to"] == "noisy"  # its own reference is not held against it
    assert own["cost"]["cpu_s_per_grade"]["value"] > 3 * truth["cost"]["cpu_s_per_grade"]["value"]
    (row,) = section(folder, "own_answers")
    assert row["mimic_premium"]["value"] > 0.2


def test_grades_are_linked_entries_of_the_studys_own_record(publication: Publication, folder: Path) -> None:
    with RunRecord.open(folder) as record:
        assert record.verify() == 2 + 3 * 4 * 2 + 3 * len(PROBES) * 2
        entry = record.find("grades", "tutorial/0/3/1")
        assert entry is not None and entry.body["grader"] == "tutorial"


def test_grading_is_estimated_and_timed_with_the_arms(
    publication: Publication, folder: Path, heard: list[Forecast]
) -> None:
    assert set(heard[0].by_arm_s) == {"other", "grading"}  # the smallest arm is played before the estimate
    kept = json.loads((folder / "forecast.json").read_text())
    assert kept["by_arm_took_s"]["grading"] > 0
    assert kept["took_s"] > kept["by_arm_took_s"]["grading"]


def test_a_finished_study_is_published_again_byte_for_byte(
    pages: GradingConfig, publication: Publication, folder: Path
) -> None:
    published = (".html", ".csv", ".png", ".json")
    paths = [path for path in folder.rglob("*") if path.suffix in published and path.name != "status.json"]
    before = {path: path.read_bytes() for path in paths}
    assert len([path for path in before if path.parent.name == "cards"]) == 6
    measure(STUDY, pages, folder, mode="resume")
    assert {path: path.read_bytes() for path in paths} == before


def test_a_study_interrupted_while_grading_resumes_and_grades_nothing_twice(
    pages: GradingConfig, publication: Publication, folder: Path, tmp_path: Path
) -> None:
    def cut(what: str, finished: int, total: int) -> None:
        if what.startswith("grading") and finished == 7:
            raise Cut

    with pytest.raises(Cut):
        measure(STUDY, pages, tmp_path / "study", watch=cut)
    with RunRecord.open(tmp_path / "study") as record:
        assert len(record) == 2 + 7
        kept = [entry.hash for entry in record.entries("grades")]
    measure(STUDY, pages, tmp_path / "study", mode="resume")
    with RunRecord.open(tmp_path / "study") as record, RunRecord.open(folder) as whole:
        assert record.verify() == len(whole)
        assert [entry.hash for entry in record.entries("grades")][:7] == kept
        assert {entry.key for entry in record.entries("probes")} == {e.key for e in whole.entries("probes")}


def test_a_budget_holds_for_grading_too(
    pages: GradingConfig, publication: Publication, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(BudgetError, match="would take about"):
        measure(STUDY, pages, tmp_path / "study", budget=Budget(wall_s=0.1))


def test_the_truth_ranks_best_and_misplaces_no_pay(by_name: dict[str, Card]) -> None:
    truth, length = by_name["truth"], by_name["length"]
    assert truth.quality.pairwise_accuracy.value == 1.0
    assert truth.quality.auc.value == 1.0 and truth.quality.brier.value == 0.0
    assert truth.pay is not None and truth.pay.misplaced.value == pytest.approx(0.0, abs=1e-9)
    assert truth.pay.ranking.value == pytest.approx(1.0)
    assert length.pay is not None and (length.pay.misplaced.low or 0.0) > 0.2
    assert len(length.pay.by_epoch) == 4
    assert exploit_of(truth, "salad").earned.value == 0.0


def test_successful_adversaries_are_named(by_name: dict[str, Card]) -> None:
    worst = by_name["length"].worst
    assert worst is not None and worst.adversary == "salad" and (worst.earned.low or 0.0) > 1.0
    assert worst.pays and "significantly out-earned by 'negated' and 'salad' (paired t-test" in verdict(
        by_name["length"]
    )
    assert not exploit_of(by_name["truth"], "salad").pays
    assert (exploit_of(by_name["f1"], "negated").earned.value or 0.0) > 0.3  # the truth's words, denied


def test_probes_find_the_bias_that_a_grader_has_and_no_other(text: GradingData, by_name: dict[str, Card]) -> None:
    length, order = by_name["length"], by_name["order"]
    assert bias_of(length, "length").clear and (bias_of(length, "length").effect.value or 0.0) > 0.2
    assert not bias_of(length, "order").clear
    assert bias_of(order, "length").effect.value == 0.0
    # From last to first, the first loses 1, the last gains 1, and the others nothing: 0 on the whole.
    turned = next(grader for grader in text.graders if grader.name == "order").probes["order"]
    assert set(turned[0].tolist()) == {-1.0, 0.0, 1.0}


def test_a_judge_that_prefers_the_first_answer_is_distinguished_from_a_fair_one(by_name: dict[str, Card]) -> None:
    first, fair = (bias_of(by_name[name], "first of a pair") for name in ("first", "fair"))
    assert first.clear and first.effect == Estimate(0.5, pytest.approx(0.362, abs=1e-3), 0.5, 24)  # over tasks
    assert not fair.clear and fair.effect.value == pytest.approx(0.0, abs=0.2)
    assert not any(bias.name == "first of a pair" for bias in by_name["truth"].biases)


def test_simulated_validators_run_in_the_lab(text: GradingData) -> None:
    assert set(text.paradox) == {(0.5, 0.5), (0.5, 1.0), (1.0, 0.5), (1.0, 1.0)}
    assert all(len(scores) == 8 for scores in text.paradox.values())
    assert text.paradox[1.0, 1.0] == (1.0,) * 8


def test_the_paradox_is_shown_for_as_many_wrong_answers_as_were_asked_for(text_folder: Path) -> None:
    sections = json.loads((text_folder / "result.json").read_text())["sections"]
    shown = {each["key"]: each["shows"] for each in sections if each["key"].startswith("paradox_")}
    drawn = ("paradox_ranking", "paradox_samples", "paradox_ceiling", "paradox_premium")
    assert all("K = 2" in shown[key] for key in drawn)
    assert {row["wrong_answers"] for row in section(text_folder, "paradox")} == {1, 2, 3, 100}


def test_the_shipped_configs_make_ten_cards_and_more() -> None:
    names = [
        grader.name
        for config in ("grading_ocr.toml", "grading_text.toml")
        for grader in GradingConfig.read(SHIPPED / config).graders
    ]
    assert len(set(names)) == len(names) >= 10


def test_at_length_every_grader_grades_every_task() -> None:
    config = GradingConfig.parse(TEXT)
    assert [grader.tasks for grader in config.graders][:4] == [None, None, None, 12]
    assert not any(grader.tasks for grader in config.at_length(full=True).graders)
    assert config.at_length(full=False) is config


@pytest.mark.parametrize(
    ("graders", "message"),
    [
        ([{"name": "a"}, {"name": "a"}], "graders: the name 'a' is used twice"),
        ([{"name": "a", "reference": "nobody"}], r"graders\[0\]\.reference: no miner is called 'nobody'; known: full"),
        ([{"name": "a", "scorer": {"kind": "gut_feeling"}}], "unknown scorer 'gut_feeling'"),
    ],
)
def test_invalid_graders_are_refused_with_their_place(graders: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GradingConfig.parse(PAGES | {"graders": graders})


def test_a_grader_without_an_honest_miner_to_be_judged_by_is_refused() -> None:
    alone = [{"name": "full", "kind": "tesseract"}, {"name": "empty", "kind": "empty"}]
    with pytest.raises(
        ConfigError, match=r"graders\[2\]: 'own' has no honest miner to be judged by other than its reference"
    ):
        GradingConfig.parse(PAGES | {"miners": alone})
    with pytest.raises(ConfigError, match=r"miners\[0\].*unknown miner 'tesserract'"):
        GradingConfig.parse(PAGES | {"miners": [{"name": "full", "kind": "tesserract"}]})
