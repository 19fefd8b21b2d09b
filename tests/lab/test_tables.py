import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from lab.record.record import RunRecord
from lab.report.terminal import as_json, summary
from tests.lab.records import make_config, make_record


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunRecord]:
    with make_record(tmp_path_factory.mktemp("run")) as record:
        yield record


def printed(record: RunRecord) -> str:
    console = Console(width=80, file=StringIO())
    for table in summary(record):
        console.print(table)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_tables_fit_eighty_columns_with_nothing_cut(record: RunRecord) -> None:
    text = printed(record)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    assert "…" not in text


def test_the_tables_name_every_neuron_the_bill_and_what_pay_follows(record: RunRecord) -> None:
    text = printed(record)
    for name in ("steady-0", "copier*", "perfect", "injector*", "transport and scheduling", "idle cores"):
        assert name in text
    assert "Pay follows true quality closely" in text
    assert "Overhead of the subnet: " in text and "V = 2 validators" in text


def test_long_names_wrap_and_many_miners_are_summed(tmp_path: Path) -> None:
    miners = [
        {"name": "a-very-long-name-of-a-miner-indeed", "kind": "tests.lab.records:Sayer", "count": 45, "stake": 1.0}
    ]
    with make_record(tmp_path, make_config(miners=miners, chain={"epochs": 1, "rounds_per_epoch": 1})) as record:
        text = printed(record)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    assert "45 miners" in text
    assert "5 more are in the report" in text


def test_a_run_without_an_epoch_has_its_tables_too(tmp_path: Path) -> None:
    with make_record(tmp_path, epochs=0) as record:
        assert "before the first epoch" in printed(record)
        assert as_json(record)["epochs"] == 0


def test_the_json_form_is_json_and_has_the_figures_of_the_tables(record: RunRecord) -> None:
    found = json.loads(json.dumps(as_json(record), allow_nan=False))
    assert found["neurons"][3]["name"] == "perfect"
    assert found["neurons"][3]["score"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 24}
    assert found["pay_follows_quality"]["emission"]["n"] == 6
    assert found["bill"]["overhead"]["n"] == 24
    assert found["bill"]["prices"]["cpu_hour_usd"] == 0.04


def test_weights_that_the_chain_refused_are_told_under_the_metagraph(tmp_path: Path) -> None:
    rules = {"min_allowed_weights": 8}
    config = make_config(chain={"epochs": 1, "rounds_per_epoch": 2, "hyperparameters": rules})
    with make_record(tmp_path, config) as record:
        metagraph, *_ = summary(record)
    assert "The chain refused the weights of steady-0 once" in str(metagraph.caption)
