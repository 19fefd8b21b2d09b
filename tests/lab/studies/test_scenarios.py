"""Scenarios: their configs are checked before anything is played, and their figures meet what is known."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lab.cli.run.study import app
from lab.errors import ConfigError
from lab.studies.scenarios.config import Line, ScenarioConfig
from lab.studies.scenarios.data import ScenariosData, crossing, play
from lab.studies.scenarios.page import finding, page, scenario_page, summary
from lab.studies.scenarios.selection import FOLDER, Selection, read

NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))


def small(name: str, **changes: Any) -> ScenarioConfig:
    config = read(FOLDER / f"{name}.toml", {"scenario.seeds": "2", "chain.epochs": "14"})
    return config.model_copy(update={"scenario": config.scenario.model_copy(update=changes)})


@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_has_twenty_seeds_and_names_its_own_command(name: str) -> None:
    config = read(FOLDER / f"{name}.toml")
    assert config.scenario.seeds >= 20
    assert (FOLDER / f"{name}.toml").read_text().startswith(f"# subnetlab study scenarios {name}\n")
    assert config.scenario.after < config.chain.epochs


def test_pay_by_number_of_identities_meets_the_closed_form() -> None:
    points = small("gambling").scenario.points[2:4]
    scenario = play("gambling", small("gambling", points=points))
    assert scenario.predicted is not None
    assert np.nanmean(scenario.values, axis=2) == pytest.approx(scenario.predicted, abs=0.06)


@pytest.mark.slow
def test_a_false_champion_reigns_as_often_as_the_closed_form_says() -> None:
    config = read(FOLDER / "false_dethronement.toml", {"scenario.seeds": "6", "chain.epochs": "200"})
    table = config.scenario.model_copy(update={"points": config.scenario.points[1:2]})
    scenario = play("false_dethronement", config.model_copy(update={"scenario": table}))
    assert scenario.predicted is not None
    assert np.nanmean(scenario.values) == pytest.approx(scenario.predicted[0, 0], abs=0.06)


def test_a_cabal_gains_only_with_most_of_the_stake_as_the_white_paper_says() -> None:
    points = small("collusion").scenario.points
    below, above = play("collusion", small("collusion", lines=(Line(name="yuma3"),), points=points[-3:-1])).values[0]
    assert below.max() < 0.1 and above.min() > 1.5


@pytest.mark.slow
def test_a_dishonest_copier_of_hidden_weights_loses_dividends() -> None:
    config = read(FOLDER / "weight_copying.toml", {"scenario.seeds": "2", "scenario.after": "10"})
    table = config.scenario
    changed = table.model_copy(update={"lines": table.lines[:1], "points": table.points[::3], "after": 10})
    shown, hidden = play("copy", config.model_copy(update={"scenario": changed})).values[0]
    assert hidden.max() < shown.min() < 1.05


def test_the_page_has_the_headline_in_its_sentence_and_a_picture() -> None:
    config = small("sybil_splitting")
    config = small("sybil_splitting", points=config.scenario.points[-1:], lines=config.scenario.lines[:1])
    scenario = play("sybil_splitting", config)
    publication = scenario_page(scenario)
    assert finding(scenario) == publication.findings[0] and "{" not in publication.findings[0]
    assert publication.sections[0].picture is not None
    assert summary(ScenariosData((scenario,)))["scenarios"]["sybil_splitting"]["n"] == 2
    assert page(ScenariosData((scenario,))).links == (("Sybil splitting", "sybil_splitting/index.html"),)


def test_a_crossing_is_interpolated_between_the_points_around_it() -> None:
    places = np.array([0.0, 1.0, 3.0])
    assert crossing(places, np.array([0.0, 1.0, 2.0]), 1.5) == 2.0
    assert crossing(places, np.array([2.0, 1.0, 0.0]), 1.5) == 0.5
    assert np.isnan(crossing(places, np.array([0.0, 0.5, 1.0]), 1.5))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('measure = "pay_share"', 'measure = "luck"', "scenario.measure: unknown 'luck'; known: "),
        ('"miners.1.count"', '"miners.7.count"', "--miners.7.count: there is no such key"),
        ('"miners.1.count"', '"miners.1.cuont"', "cuont"),
        ('kind = "at", x = 16', 'kind = "at", x = 3', "headline.x: there is no point at 3; known: 1, 2, 4, 8, 16"),
        ('kind = "at", x = 16', 'kind = "at", line = "b", x = 16', "headline.line: there is no line 'b'"),
        ("{headline}", "much", '.sentence: it lacks "{headline}"'),
    ],
)
def test_a_wrong_scenario_is_refused_with_its_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text((FOLDER / "gambling.toml").read_text().replace(old, new))
    with pytest.raises(ConfigError) as refused:
        read(path)
    assert message.removeprefix(".") in str(refused.value) and "mine.toml" in str(refused.value)


def test_an_unknown_scenario_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="unknown scenario 'luck'; known: .*gambling"):
        Selection.named(["luck"])


def test_the_list_has_every_scenario_with_its_claim() -> None:
    listed = CliRunner().invoke(app, ["scenarios", "--list", "--json"])
    assert sorted(json.loads(listed.output)["scenarios"]) == NAMES
