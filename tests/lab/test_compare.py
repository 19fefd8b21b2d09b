"""Two results against each other: tiny runs, whose differences are known."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lab.cli.main import app
from lab.errors import RecordError
from lab.results.compare import Compared, compare
from tests.lab import records
from tests.lab.records import make_config, make_record


def sayers(**right: float) -> list[dict[str, Any]]:
    return [{"name": name, "kind": "tests.lab.records:Sayer", "right": share} for name, share in right.items()]


def play(folder: Path, **tables: Any) -> Path:
    make_record(folder, make_config(**tables)).close()
    return folder


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return play(tmp_path_factory.mktemp("first") / "run", miners=sayers(same=0.8, changed=0.9, gone=0.5))


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    miners = sayers(same=0.8, changed=0.6, new=0.5)
    folder = tmp_path_factory.mktemp("second") / "run"
    return play(folder, miners=miners, prices={"cpu_hour_usd": 0.08}, pool={"kind": "local", "hosts": 1})


@pytest.fixture(scope="module")
def compared(first: Path, second: Path) -> Compared:
    return compare(first, second)


def row(compared: Compared, miner: str, measure: str) -> Any:
    return next(row for row in compared.rows if (row.miner, row.measure) == (miner, measure))


def test_a_miner_that_got_worse_differs_and_one_that_did_not_does_not(compared: Compared) -> None:
    assert compared.tasks == 24  # twelve rounds of each validator that asks
    worse, same = row(compared, "changed", "quality"), row(compared, "same", "quality")
    assert worse.larger_than_chance and worse.difference.value == pytest.approx(-0.3, abs=0.1)
    assert worse.difference.value == pytest.approx(worse.after.value - worse.before.value)
    assert worse.difference.n == 24
    assert same.difference.value == 0.0 and same.p_all == 1.0
    assert row(compared, "changed", "score").larger_than_chance
    assert not row(compared, "changed", "latency_s").larger_than_chance  # drawn from the same seeds


def test_notes_say_what_else_differs(compared: Compared) -> None:
    assert {row.miner for row in compared.rows} == {"same", "changed"}
    notes = " | ".join(compared.notes)
    assert "miners that only one of them has: 'gone', 'new'" in notes
    assert "the prices differ: prices.cpu_hour_usd was 0.04, is 0.08" in notes
    assert "the pools differ, and with them times and costs: pool.hosts was None, is 1" in notes


def test_times_and_costs_come_with_a_warning_about_single_runs(first: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(records.MACHINE, "cores", 8)
        dear = play(tmp_path / "run", miners=sayers(same=0.8), prices={"cpu_hour_usd": 0.08})
    compared = compare(first, dear)
    assert row(compared, "same", "usd").larger_than_chance and "between two single runs" in compared.sentence
    assert "the machines or versions differ: cores was 2, is 8" in compared.notes
    assert "single runs" not in compare(first, first).sentence


def test_no_p_value_is_lowered_by_the_others(compared: Compared) -> None:
    assert all(row.p_all >= row.p_value for row in compared.rows)
    smallest = min(compared.rows, key=lambda row: row.p_value)
    assert smallest.p_all == pytest.approx(smallest.p_value * len(compared.rows))


def test_a_result_does_not_differ_from_itself(first: Path) -> None:
    assert not any(row.larger_than_chance or row.difference.value for row in compare(first, first).rows)


def test_unscored_answers_leave_out_their_task(tmp_path: Path) -> None:
    spoilt = [{"name": "miner", "kind": "tests.lab.records:Spoiler"}, *sayers(good=0.9)]
    first = play(tmp_path / "one", miners=spoilt)
    two = play(tmp_path / "two", miners=sayers(miner=0.5, good=0.9))
    measures = {row.measure for row in compare(first, two).rows if row.miner == "miner"}
    assert measures == {"quality", "latency_s", "cpu_s", "usd"}  # no score: the grader failed at all of them


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        ({"seed": 8}, "no task is in both: the seeds are 7 and 8"),
        ({"subnet": {"kind": "tests.lab.records:Digits", "drawn": False}}, "subnet.drawn was True, is False"),
        ({"miners": sayers(other=0.5)}, "only one of them has: 'changed', 'gone', 'other', 'same'"),
    ],
)
def test_an_error_says_why_nothing_is_paired(first: Path, tables: dict[str, Any], reason: str, tmp_path: Path) -> None:
    other = play(tmp_path / "other", **({"miners": sayers(same=0.8)} | tables))
    with pytest.raises(RecordError, match=f" share no tasks of a miner: .*{reason}.*run both with the same seed"):
        compare(first, other)


def study(folder: Path, name: str, **arms: float) -> Path:
    folder.mkdir(parents=True)
    (folder / "study.json").write_text(json.dumps({"study": name}))
    for arm, right in arms.items():
        play(folder / "arms" / arm, miners=sayers(miner=right, other=0.7))
    return folder


def test_studies_are_compared_arm_by_arm(tmp_path: Path, first: Path) -> None:
    one = study(tmp_path / "one", "overhead", small=0.9, large=0.9, probe=0.9, lonely=0.9)
    two = study(tmp_path / "two", "overhead", small=0.9, large=0.5, probe=0.2)
    compared = compare(one, two)
    assert {row.arm for row in compared.rows} == {"small", "large"} and compared.tasks == 24  # the same in both arms
    larger = {(row.arm, row.miner, row.measure) for row in compared.rows if row.larger_than_chance}
    assert larger == {("large", "miner", "score"), ("large", "miner", "quality")}
    assert compared.notes == (f"arm 'lonely' is only in '{one}'",)
    with pytest.raises(RecordError, match="is a run and .*one' a study; compare two"):
        compare(one, first)
    with pytest.raises(RecordError, match="is a study of overhead and .* one of grading"):
        compare(one, study(tmp_path / "three", "grading", small=0.9))


@pytest.mark.slow
def test_a_clear_difference_stands_out_among_very_many(tmp_path: Path) -> None:
    """600 tests, whose smallest p-value with the usual number of flips would be 600 / 10001, never below 0.05."""
    same = {f"same-{place}": 0.9 for place in range(119)}
    first = play(tmp_path / "one", miners=sayers(changed=0.95, **same))
    two = play(tmp_path / "two", miners=sayers(changed=0.4, **same))
    compared = compare(first, two)
    assert len(compared.rows) == 600
    assert {(row.miner, row.measure) for row in compared.rows if row.larger_than_chance} == {
        ("changed", "score"),
        ("changed", "quality"),
    }


def test_a_run_without_a_complete_epoch_is_refused_with_the_fix(first: Path, tmp_path: Path) -> None:
    make_record(tmp_path / "cut", make_config(miners=sayers(same=0.8)), epochs=0).close()
    with pytest.raises(RecordError, match="no complete epoch yet: continue it with --resume"):
        compare(first, tmp_path / "cut")


def test_the_command_prints_a_table_or_one_json_document(first: Path, second: Path) -> None:
    shown = CliRunner().invoke(app, ["compare", str(first), str(second), "--trust"])
    assert shown.exit_code == 0, shown.output
    assert "larger than chance, over 24 shared tasks" in shown.output and "'gone', 'new'" in shown.output
    plain = CliRunner().invoke(app, ["compare", str(first), str(second), "--trust", "--json"])
    rows = json.loads(plain.output)["rows"]
    assert {row["measure"] for row in rows} == {"score", "quality", "latency_s", "cpu_s", "usd"}


def test_a_record_compared_with_itself_or_its_copy_is_called_the_same(
    first: Path, second: Path, tmp_path: Path
) -> None:
    copied = shutil.copytree(first, tmp_path / "copy")
    for other in (first, copied):
        result = CliRunner().invoke(app, ["compare", str(first), str(other), "--trust"])
        assert (result.exit_code, result.stdout) == (
            0,
            "- Both are the same record: every entry has the same hash.\n",
        )
        assert compare(first, other).as_dict()["same_record"]
    assert not compare(first, second).same
