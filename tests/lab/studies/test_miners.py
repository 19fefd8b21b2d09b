"""The miners study end to end, on a few pages and on simulated miners that claim tokens."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.errors import ConfigError
from lab.record.record import RunRecord
from lab.report.section import Publication
from lab.run.events import Event
from lab.run.session import run
from lab.statistics import Estimate
from lab.studies import study_folder as arms
from lab.studies.miners import STUDY
from lab.studies.miners.config import CONTEST, MinersConfig
from lab.studies.miners.contest import MinersData, level
from lab.studies.miners.market import Day, PriceChange, brute_force, rents
from lab.studies.miners.page import page
from lab.studies.miners.page.claims import tolerance_sentence
from lab.studies.miners.plots import left_out
from lab.studies.study import measure
from lab.studies.study_folder import StudyFolder

pytestmark = pytest.mark.slow

OCR: dict[str, Any] = {
    "seed": 5,
    "subnet": {"kind": "ocr", "width": 400, "difficulty": 0.0},
    "miners": [
        {"name": "whole", "kind": "tesseract"},
        {"name": "quarter", "kind": "tesseract", "scale": 0.25},
        {"name": "copycat", "kind": "copycat", "victim": "whole"},
    ],
    "validators": [{"name": "validator"}],
    "chain": {"epochs": 1, "rounds_per_epoch": 3},
    "pool": {"kind": "local"},
    "bare": {"every": 0},
    "contest": {"alone_rounds": 1},
    "market": {
        "pay_per_day": 10.0,
        "questions_per_day": 1000,
        "utilisation": 0.5,
        "kwh_usd": 0.2,
        "apis": [{"name": "cloud", "usd_per_answer": 0.0015, "source": "a list of 2026-11"}],
        "rented": [{"name": "server", "hour_usd": 10.0, "per_s": 1.0}],
    },
    "prices": {"token_usd": 0.5},
}


@pytest.fixture(scope="module")
def config() -> MinersConfig:
    return MinersConfig.parse(OCR)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("miners") / "study"


@pytest.fixture(scope="module")
def publication(config: MinersConfig, folder: Path) -> Publication:
    return measure(STUDY, config, folder)


@pytest.fixture(scope="module")
def data(config: MinersConfig, publication: Publication, folder: Path) -> MinersData:
    return MinersData.read(config, StudyFolder("miners", config, folder, "resume"), config.arms(full=False))


def rows(folder: Path, key: str) -> dict[str, dict[str, Any]]:
    section = json.loads((folder / f"{key}.json").read_text())
    return {next(iter(row.values())): row for row in section["rows"]}


def test_the_better_reader_wins_and_the_dishonest_are_not_compared(publication: Publication, folder: Path) -> None:
    contest = rows(folder, "contest")
    assert list(contest) == ["whole", "quarter"]
    assert contest["whole"]["quality"]["value"] > contest["quarter"]["quality"]["value"] + 0.2
    assert contest["whole"]["win_rate"]["value"] == 1.0 and contest["quarter"]["tasks_won"]["value"] == 0.0
    assert contest["whole"]["strength"]["value"] == pytest.approx(-contest["quarter"]["strength"]["value"])


def test_each_is_timed_among_the_others_and_alone(publication: Publication, folder: Path) -> None:
    speed = rows(folder, "speed")
    assert all(0.0 < row["latency_p50_s"]["value"] <= row["latency_p95_s"]["value"] for row in speed.values())
    assert all(row["alone_p50_s"]["n"] == 1 for row in speed.values())
    assert "first_token_s" not in speed["whole"]  # readers write no tokens
    assert {path.name for path in (folder / "arms").iterdir()} == {
        CONTEST,
        "alone-whole",
        "alone-quarter",
        "probe",
    }


def test_a_days_parts_add_up(config: MinersConfig, data: MinersData) -> None:
    for miner in data.miners:
        day = Day.of(miner, config)
        assert day.profit.value == pytest.approx(day.pay - day.hardware - day.api - day.power)
        assert day.pay == pytest.approx((miner.result.pay_share or 0.0) * 10.0 * 0.5)
        cpu_s = np.mean([answer.graded.cost.cpu_s for answer in miner.answers])
        assert day.hardware == pytest.approx(1000 * cpu_s / 3600 * 0.04 / 0.5)
        assert day.power == pytest.approx(1000 * cpu_s * 10 / 3.6e6 * 0.2)
        busy, paid = Day.of(miner, config, PriceChange(utilisation=8.0)), Day.of(miner, config, PriceChange(pay=2.0))
        assert busy.hardware == pytest.approx(day.hardware / 2)  # no machine works more than always
        assert paid.pay == pytest.approx(2 * day.pay) and paid.hardware == day.hardware
    assert sum(Day.of(miner, config).share for miner in data.miners) < 1.0  # the copycat has the rest


def test_brute_force_and_formula_agree_within_five_percent(config: MinersConfig, data: MinersData) -> None:
    machines = rents(data.miners, config)
    assert [rent.measured for rent in machines] == [True, True, False]
    for rent in machines[:2]:
        assert rent.formula.reachable and rent.served_until == pytest.approx(rent.formula.utilisation, rel=0.05)
        assert rent.utilisation.value == pytest.approx(rent.formula.utilisation)
        assert rent.utilisation.n == 3 and rent.utilisation.low is None  # too few for an interval
        assert rent.per_s.value == pytest.approx(rent.rate.tokens_per_s)
    server = machines[2]
    assert not server.formula.reachable and server.served_until is None  # $10 an hour for 3,600 pages at $0.0015


def test_a_machine_without_answers_is_left_out(config: MinersConfig, data: MinersData) -> None:
    silent = replace(data.miners[0], answers=tuple(replace(each, text=None) for each in data.miners[0].answers))
    assert [rent.machine for rent in rents([silent, data.miners[1]], config)] == ["one core with quarter", "server"]
    assert rents([silent], config) == []


def test_a_miner_that_asks_others_has_no_machine_of_its_own_even_if_it_pays_nothing() -> None:
    engine = {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "free", "private_hosts": ["127.0.0.1"]}
    relays = [{"name": "far", "kind": "remote"}, {"name": "free", "kind": "passthrough", "engine": engine}]
    config = MinersConfig.parse(OCR | {"miners": [*OCR["miners"], *relays, {"name": "echo", "kind": "echo"}]})
    assert config.machine_names == ["whole", "quarter", "copycat"]


@pytest.mark.parametrize("seed", range(20))
def test_brute_force_finds_the_formulas_utilisation_for_any_answers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tokens = rng.integers(5, 60, size=40)
    tokens_per_s, price = float(rng.uniform(20, 4000)), float(rng.uniform(0.5, 20))
    rent = float(rng.uniform(0.05, 0.95)) * price * tokens_per_s * 0.0036
    expected = rent / (price * tokens_per_s * 0.0036)
    assert brute_force(rent, tokens / tokens_per_s, tokens * price / 1e6) == pytest.approx(expected, rel=0.05)
    assert brute_force(rent / expected * 1.1, tokens / tokens_per_s, tokens * price / 1e6) is None


def test_brute_force_without_work_or_price_has_no_answer() -> None:
    assert brute_force(1.0, [], []) is None
    assert brute_force(1.0, [1.0, 2.0], [0.0, 0.0]) is None


def test_files_lie_beside_the_page(publication: Publication, folder: Path) -> None:
    for section in publication.sections:
        table = csv.DictReader((folder / f"{section.key}.csv").read_text().splitlines())
        assert len(list(table)) == len(section.rows)
        assert (folder / f"{section.key}.png").is_file()
        assert section.caption.shows and section.caption.not_shown
    assert [section.key for section in publication.sections] == [
        *("contest", "speed", "cost", "profit", "sensitivity", "break_even")
    ]


def test_the_same_record_gives_the_same_page_byte_for_byte(
    config: MinersConfig, publication: Publication, folder: Path
) -> None:
    names = [path.name for path in folder.iterdir() if path.suffix in (".html", ".csv", ".json", ".png")]
    before = {name: (folder / name).read_bytes() for name in names}
    measure(STUDY, config, folder, mode="resume")
    assert {name: (folder / name).read_bytes() for name in names} == before


TEXT: dict[str, Any] = {
    "seed": 3,
    "subnet": {"kind": "tests.lab.records:Digits"},
    "miners": [
        {"name": "local", "kind": "tests.lab.studies.writers:Writer"},
        {"name": "relay", "kind": "tests.lab.studies.writers:Writer", "wait_s": 0.03, "usd": 0.001},
        {"name": "over", "kind": "overclaimer", "miner": {"kind": "tests.lab.studies.writers:Writer"}},
    ],
    "validators": [{"name": "validator", "count": 2}],
    "chain": {"epochs": 2, "rounds_per_epoch": 35},
    "pool": {"kind": "local", "isolate": False},
    "bare": {"every": 0},
    "contest": {"epochs": 2},
    "detection": [{"name": "pair", "local": "local", "relay": "relay", "own_copy": "over"}],
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cut in the middle of its contest, and gone on with."""
    folder, config = tmp_path_factory.mktemp("written") / "study", MinersConfig.parse(TEXT)
    stopped: list[str] = []

    def stop(event: Event) -> None:
        if event.rounds == 40 and not stopped:
            stopped.append(event.stage)
            raise KeyboardInterrupt

    def play(settings: Any, where: Path, *, mode: Any, watch: Any) -> RunRecord:
        return run(settings, where, mode=mode, watch=stop if where.name == CONTEST else watch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arms, "run", play)
        with pytest.raises(KeyboardInterrupt):
            measure(STUDY, config, folder)
    assert stopped and not (folder / "index.html").exists()
    measure(STUDY, config, folder, mode="resume")
    return folder


def test_a_study_that_was_cut_goes_on_with_nothing_lost(written: Path) -> None:
    contest = rows(written, "contest")
    assert contest["local"]["score"]["n"] == 140
    facts = json.loads((written / "result.json").read_text())["facts"]
    assert facts["asked"].startswith("140 tasks")


def test_an_over_report_of_a_tenth_is_flagged_within_70_outputs_and_the_honest_never(written: Path) -> None:
    claims = rows(written, "claims")
    assert claims["over"]["excess"]["value"] == pytest.approx(0.1, abs=0.03)
    assert int(claims["over"]["flagged_at"].split()[0]) <= 70
    assert claims["local"]["flagged_at"] == claims["relay"]["flagged_at"] == "never"
    # Honest claims to the first quarter of the tasks say what is tolerated, and are not checked themselves.
    assert (claims["local"]["excess"]["n"], claims["over"]["excess"]["n"]) == (105, 140)
    message = json.loads((written / "claims.json").read_text())["not_shown"]
    assert "On the first 25 % of the tasks honest miners' claims were 0.0 % (n=35) above our own" in message


def test_engine_meters_give_speed_and_server_prices_give_cost(written: Path) -> None:
    speed, cost, profit = (rows(written, key) for key in ("speed", "cost", "profit"))
    assert speed["local"]["first_token_s"]["value"] == pytest.approx(0.001)
    assert speed["local"]["tokens_per_s"]["value"] > speed["relay"]["tokens_per_s"]["value"] > 0
    assert cost["relay"]["usd"]["value"] == pytest.approx(0.001, rel=0.2)
    assert cost["relay"]["energy_wh_per_1000"]["n"] == cost["relay"]["cpu_s"]["n"] == 140
    assert cost["relay"]["usd_per_1000_tokens"]["value"] == pytest.approx(1000 * 0.001 / 15, rel=0.4)
    assert profit["relay"]["api_usd"] == pytest.approx(0.001 * 10_000)
    assert profit["local"]["api_usd"] is None


def test_a_relay_that_waits_is_detected_by_its_latency_and_not_by_its_text(written: Path) -> None:
    rows = {row["seen"]: row for row in json.loads((written / "detection.json").read_text())["rows"]}
    assert rows["latency"]["auc_8"]["value"] > 0.95
    assert rows["latency"]["caught_8"]["value"] is None  # 17 tasks can't tell one false alarm in a hundred
    assert rows["text"]["auc_1"]["value"] == rows["text"]["auc_32"]["value"] == 0.5  # the same letter by letter
    assert "log-probabilities" not in rows


def test_miners_that_answer_alike_are_not_ranked_apart(written: Path, publication: Publication) -> None:
    findings = json.loads((written / "result.json").read_text())["findings"]
    assert "on these tasks the scores of 'relay' do not differ from its scores" in findings[0]
    assert "do not differ" in publication.findings[0]  # three pages are too few even for these two


def test_unknown_figures_have_no_rank(config: MinersConfig, data: MinersData, folder: Path) -> None:
    """A miner that no query reached earns neither most nor least; a miner that costs nothing is the cheapest."""
    nothing = Estimate(None, None, None, 0)
    result = replace(data.miners[1].result, usd=Estimate(0.0, 0.0, 0.0, 3))
    miners = (replace(data.miners[0], answers=(), strength=nothing), replace(data.miners[1], result=result))
    prices = config.prices.model_copy(update={"cpu_hour_usd": 1e9})  # all profits that are known are losses
    shown = page(replace(data, miners=miners), config.model_copy(update={"prices": prices}), folder)
    sections = {section.key: section for section in shown.sections}
    assert "the strongest is unknown" in shown.findings[0]
    assert not any("of a day's pay" in line for line in shown.findings)
    assert sections["cost"].caption.shows.startswith("'quarter' is the cheapest: 1,000 answers cost 0.0000 $")
    assert sections["profit"].caption.shows.startswith("'quarter' keeps -")
    assert [row[0] for row in sections["sensitivity"].rows] == ["quarter"]
    assert "hardware_usd" in [column.key for column in sections["profit"].columns]
    assert None in sections["profit"].rows[0] and None not in sections["profit"].rows[1]
    alone = page(replace(data, miners=data.miners[:1], level=()), config, folder)
    assert alone.findings[0].startswith("'whole' was the only honest miner.")


def test_without_honest_claims_on_two_tasks_no_tolerance_is_measured(data: MinersData) -> None:
    assert (
        "No tolerance could be measured" in tolerance_sentence(data.claims) and data.claims.believed == 0.0
    )  # readers claim none


def test_a_picture_that_leaves_lines_out_says_so() -> None:
    names = [str(place) for place in range(9)]
    assert left_out(names, "miners") == " The picture shows the first 8 miners."
    assert left_out(names[:8] * 2, "miners") == ""


def test_a_pair_with_an_unknown_miner_is_refused_by_name() -> None:
    wrong = TEXT | {"detection": [{"name": "pair", "local": "local", "relay": "nobody"}]}
    with pytest.raises(ConfigError, match=r"detection\[0\].relay: no miner is called 'nobody'; known: local, relay"):
        MinersConfig.parse(wrong)


def test_an_offer_needs_a_price() -> None:
    with pytest.raises(ConfigError, match="gratis: it has no price; give usd_per_million_output"):
        MinersConfig.parse(OCR | {"market": {"apis": [{"name": "gratis", "source": "nowhere"}]}})


@pytest.mark.parametrize("name", ["miners_ocr", "miners_text"])
def test_a_shipped_config_is_read_and_its_honest_miners_compared(name: str) -> None:
    config = MinersConfig.read(Path(f"configs/studies/{name}.toml"))
    arms = {arm.name: arm.config for arm in config.arms(full=True)}
    assert set(arms) == {CONTEST} | {f"alone-{miner}" for miner in config.honest_names}
    assert arms[CONTEST].chain.epochs == config.contest.full.epochs
    assert "overclaimer" not in config.honest_names
    if name == "miners_text":  # a server runs for those alone that call it
        serving = {miner for miner in config.honest_names if arms[f"alone-{miner}"].servers}
        assert serving == {"passthrough", "router"}


def test_the_best_of_twelve_equal_miners_seldom_differs_from_another() -> None:
    """Tests against the sample's best alone find a difference in 12 % of samples."""
    rng = np.random.default_rng(0)
    names = [str(place) for place in range(12)]
    wrong = 0
    for _ in range(150):
        scores = rng.normal(0.5, 0.1, (24, 12))
        ordered = sorted(names, key=lambda name: -scores[:, int(name)].mean())
        wrong += len(level(ordered, {name: scores[:, int(name)] for name in names})) < 11
    assert wrong / 150 <= 0.08


def test_a_clearly_worse_miner_is_not_level_with_the_best() -> None:
    rng = np.random.default_rng(0)
    columns = {"good": rng.normal(0.8, 0.1, 24), "alike": rng.normal(0.8, 0.1, 24), "bad": rng.normal(0.4, 0.1, 24)}
    assert level(["good", "alike", "bad"], columns) == ("alike",)
