"""Whole runs on the local pool with light miners: what they record, how they stop and resume."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any, Literal

import pytest

import lab.record.versions
from cluster import PoolError
from consensus import Chain
from lab.config.run_config import RunConfig
from lab.errors import AuditError, RecordError
from lab.record.entries import Epoch, GradedRound
from lab.record.record import RunRecord
from lab.record.run_folder import open_run
from lab.results.bill import Bill
from lab.run.audit import audit
from lab.run.events import Event
from lab.run.session import run
from subnets import Fault
from tests.lab.commands import PROCESSES
from tests.lab.records import SLOW, make_config, rounds_written

ROOT = Path(__file__).parents[2]
PACED = """
seed = 11
subnet = "tests.lab.records:Digits"
[[miners]]
name = "good"
kind = "tests.lab.records:Sayer"
right = 0.9
[[miners]]
name = "poor"
kind = "tests.lab.records:Sayer"
right = 0.4
[[miners]]
name = "slow"
kind = "slow"
delay_s = 0.01
miner = {kind = "tests.lab.records:Sayer", right = 0.7}
[[miners]]
name = "malformed"
kind = "malformed"
[[validators]]
name = "a"
stake = 500
[[validators]]
name = "b"
sampler = {kind = "random_k", k = 3}
[chain]
epochs = 25
rounds_per_epoch = 8
[pool]
kind = "local"
isolate = false
rounds_in_flight = 1
"""


def small(**tables: Any) -> RunConfig:
    return make_config(chain={"epochs": 2, "rounds_per_epoch": 3}, **tables)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    return run(small(), tmp_path_factory.mktemp("run"))


def outcome(record: RunRecord) -> tuple[Any, Any]:
    """Return everything in a record that follows from the seed."""
    rounds = {
        graded.key: (graded.task_seed, [(a.uid, a.blob, a.score, a.quality, a.fault) for a in graded.answers])
        for graded in map(GradedRound.of, record.entries("round"))
    }
    epochs = [(epoch.weights, epoch.pay) for epoch in map(Epoch.of, record.entries("epoch"))]
    return rounds, epochs


def test_a_run_records_every_round_once_and_one_answer_for_each_miner_asked(finished: RunRecord) -> None:
    rounds = [GradedRound.of(entry) for entry in finished.entries("round")]
    assert sorted((graded.validator, graded.number) for graded in rounds) == [(v, n) for v in (0, 1) for n in range(6)]
    for graded in rounds:
        assert [answer.uid for answer in graded.answers] == [3, 4, 5, 6, 7, 8]
        assert graded.answers[5].fault is Fault.ERROR and graded.answers[5].score == 0.0
    assert [entry.kind for entry in finished.entries()][-1] == "end"


def test_better_miners_are_paid_more_and_all_that_was_minted_is_accounted_for(finished: RunRecord) -> None:
    *_, last = map(Epoch.of, finished.entries("epoch"))
    incentive = last.pay.incentive[3:7]
    assert list(incentive) == sorted(incentive, reverse=True) and incentive[0] > incentive[3] > 0
    assert last.weights.keys() == {0, 1, 2}, "the copier follows the first epoch's consensus"
    assert sum(last.pay.paid) + last.pay.owner_cut + last.pay.recycled == 360 * 10**9


def test_the_same_seed_gives_the_same_outcome_and_another_seed_another(finished: RunRecord, tmp_path: Path) -> None:
    with run(small(), tmp_path / "again") as again, run(small(seed=8), tmp_path / "other") as other:
        assert outcome(again) == outcome(finished)
        assert outcome(other)[0] != outcome(finished)[0]


def test_an_oracle_is_as_accurate_as_its_config_says(tmp_path: Path) -> None:
    oracles = [{"name": f"p{p}", "kind": "oracle", "p": p / 100} for p in (100, 60, 0)]
    config = make_config(miners=oracles, chain={"epochs": 1, "rounds_per_epoch": 40})
    with run(config, tmp_path) as record:
        rounds = [GradedRound.of(entry) for entry in record.entries("round")]
    right = [sum(graded.answers[place].quality == 1.0 for graded in rounds) / len(rounds) for place in range(3)]
    assert right[0] == 1.0 and right[1] == pytest.approx(0.6, abs=0.2) and right[2] == 0.0


def test_a_miner_whose_work_is_done_elsewhere_is_no_baseline(tmp_path: Path) -> None:
    elsewhere = {"name": "theirs", "kind": "tests.lab.records:Elsewhere"}
    here = {"name": "ours", "kind": "tests.lab.records:Sayer"}
    chain = {"epochs": 1, "rounds_per_epoch": 2}
    with run(make_config(miners=[elsewhere, here], chain=chain), tmp_path / "both") as both:
        once = next(map(Epoch.of, both.entries("epoch"))).baseline
        assert len(once) == Bill.of(both).overhead.n == 4
    with run(make_config(miners=[elsewhere], chain=chain), tmp_path / "theirs") as theirs:
        assert Bill.of(theirs).overhead.value is None


def test_progress_is_reported_round_by_round(tmp_path: Path) -> None:
    events: list[Event] = []
    run(small(), tmp_path, watch=events.append).close()
    assert [event.stage for event in events if event.stage != "round"] == ["starting", "epoch", "epoch", "done"]
    assert [event.rounds for event in events if event.stage == "round"] == list(range(1, 13))
    assert {event.total_rounds for event in events} == {12}


def test_an_audit_finds_a_finished_run_as_recorded(finished: RunRecord) -> None:
    found = audit(finished)
    assert (found.rounds, found.epochs, found.complete) == (12, 2, True)
    assert found.answers >= 48
    assert found.entries == len(finished) == 16


def test_a_changed_config_file_is_found(finished: RunRecord, tmp_path: Path) -> None:
    shutil.copytree(finished.folder, tmp_path / "run")
    path = tmp_path / "run" / "config.json"
    path.write_text(path.read_text().replace('"seed": 7', '"seed": 8'))
    with open_run(tmp_path / "run") as record, pytest.raises(AuditError, match="config.json was changed: seed was 7"):
        audit(record)


def test_the_bill_of_a_run_adds_up_to_what_the_processes_used(finished: RunRecord) -> None:
    bill = Bill.of(finished)
    assert sum(part.cost.cpu_s for part in bill.parts) == pytest.approx(bill.total_cpu_s, rel=0.01)
    assert bill.unexplained_cpu_s <= 0.01 * bill.total_cpu_s + 0.03  # and three ticks of the clock
    assert (bill.miners.value, bill.validators, bill.tasks, bill.answers) == (6.0, 2, 12, 72)
    assert bill.overhead.n == 12 and bill.overhead.value is not None and bill.overhead.value > 1.0
    assert bill.total_cpu_s + bill.idle_cpu_s == pytest.approx(bill.wall_s * bill.cores, rel=0.01)


def test_a_config_limits_how_long_hosts_take_to_start(tmp_path: Path) -> None:
    miner = {"name": "never", "kind": "tests.cluster.fakes:Works", "engine": {"kind": "tests.cluster.fakes:NeverOpen"}}
    config = small(miners=[miner], pool={"kind": "local", "start_timeout_s": 1.5})
    with pytest.raises(PoolError, match=r"was not ready within 1.5 s; pool.start_timeout_s gives it longer"):
        run(config, tmp_path)


def test_a_folder_that_holds_a_run_is_not_overwritten_unless_asked(finished: RunRecord, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"holds a run already; --resume continues it, --clean starts it over"):
        run(small(), finished.folder)
    with pytest.raises(RecordError, match=r"another config: chain.epochs was 2, is 4"):
        run(make_config(chain={"epochs": 4, "rounds_per_epoch": 3}), finished.folder, mode="resume")
    before = len(finished)
    run(small(), finished.folder, mode="resume").close()
    elsewhere = small().model_dump(mode="json")
    elsewhere["pool"] |= {"wait_for_nodes_s": 5.0, "placement": "spread", "start_timeout_s": 900.0}
    run(RunConfig.parse(elsewhere), finished.folder, mode="resume").close()
    assert len(finished) == before, "a finished run has nothing to go on with, wherever it is looked at"
    run(small(), tmp_path).close()
    (tmp_path / "notes.txt").write_text("mine")
    with run(small(seed=3), tmp_path, mode="clean") as second:
        assert audit(second).complete
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_runs_can_share_a_database_and_cleaning_one_leaves_the_others_alone(tmp_path: Path) -> None:
    shared = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    with (
        run(small(record=shared), tmp_path / "first") as first,
        run(small(record=shared), tmp_path / "second") as second,
    ):
        assert first.run != second.run
        assert audit(first).head == first_head(first)
        entries = len(second)
        with run(small(record=shared, seed=3), tmp_path / "first", mode="clean") as again:
            assert audit(again).complete
        assert len(first) == 0, "the old record of the cleaned run is gone"
        assert len(second) == entries and audit(second).complete


def first_head(record: RunRecord) -> str:
    return [entry.hash for entry in record.entries()][-1]


def test_a_folder_whose_run_is_not_in_the_database_is_named(tmp_path: Path) -> None:
    shared = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    run(small(record=shared), tmp_path / "first").close()
    (tmp_path / "second").mkdir()
    for name in ("config.json", "run.json"):
        shutil.copy(tmp_path / "first" / name, tmp_path / "second" / name)
    machine = json.loads((tmp_path / "second" / "run.json").read_text())
    (tmp_path / "second" / "run.json").write_text(json.dumps(machine | {"run": "another"}))
    with pytest.raises(RecordError, match="stopped before it began"):
        open_run(tmp_path / "second")


def test_a_run_resumes_only_with_the_versions_it_began_with(
    finished: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RecordError, match="no run to continue; leave --resume out"):
        run(small(), tmp_path / "nothing", mode="resume")
    now = lab.record.versions.versions()
    monkeypatch.setattr(lab.record.versions, "versions", lambda: now | {"numpy": "9.9"})
    with pytest.raises(RecordError, match=r"begun with other versions: numpy [\d.]+ then, 9\.9 now; install those"):
        run(small(), finished.folder, mode="resume")


def test_a_kept_chain_can_be_opened_and_is_rebuilt_on_resume(tmp_path: Path) -> None:
    config = make_config(chain={"epochs": 2, "rounds_per_epoch": 3, "keep": True})
    for mode in ("new", "resume"):
        with run(config, tmp_path, mode=mode) as record:
            *_, last = map(Epoch.of, record.entries("epoch"))
        with Chain.open(tmp_path / "chain.sqlite") as chain:
            incentive = chain.metagraph(1).incentive
        assert [round(float(value) * 65535) for value in incentive] == list(last.pay.incentive)


def test_a_record_of_format_2_is_audited_by_the_rules_of_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = tomllib.loads(PACED) | {"chain": {"epochs": 2, "rounds_per_epoch": 3}}
    config = RunConfig.parse(tables)
    with monkeypatch.context() as patch:
        patch.setattr("lab.run.session.FORMAT", 2)
        run(config, tmp_path / "older").close()
    with open_run(tmp_path / "older") as older, run(config, tmp_path / "newer") as newer:
        assert audit(older).complete and audit(newer).complete
        weights = [[Epoch.of(entry).weights for entry in record.entries("epoch")] for record in (older, newer)]
    assert weights[0] != weights[1], "validator b samples its miners"


def test_two_processes_can_not_write_one_run(tmp_path: Path) -> None:
    import fcntl

    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RecordError, match="in use by another process"):
            run(small(), tmp_path)


@pytest.mark.slow
def test_a_run_killed_at_twenty_random_points_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    config = RunConfig.parse(tomllib.loads(PACED))
    killed = tmp_path / "killed"
    rng = random.Random(5)
    rounds = 25 * 8 * 2
    for point in sorted(rng.sample(range(rounds - 20), 20)):
        child = PROCESSES.Process(target=run, args=(config, killed), kwargs={"mode": run_mode(killed)})
        child.start()
        deadline = time.monotonic() + 60
        while (written := rounds_written(killed)) < point and time.monotonic() < deadline:
            assert child.is_alive(), f"it ended by itself with {child.exitcode}"
            time.sleep(0.001)
        time.sleep(rng.random() * 0.05)
        child.kill()
        child.join()
        assert written >= point, "so many rounds were not written within 60 s"
        assert child.exitcode == -signal.SIGKILL
    with run(config, killed, mode="resume") as record, run(config, tmp_path / "calm") as calm:
        assert outcome(record) == outcome(calm)
        audited = audit(record)
        assert audited.complete and audited.rounds == rounds
        assert Bill.of(record).sessions > 1


def run_mode(folder: Path) -> Literal["new", "resume"]:
    return "resume" if (folder / "config.json").exists() else "new"


@pytest.mark.slow
def test_ctrl_c_stops_a_run_and_says_how_to_resume_it(tmp_path: Path) -> None:
    config = tmp_path / "slow.toml"
    config.write_text(SLOW)
    command = [sys.executable, "-m", "lab", "run", str(config), "--out", str(tmp_path / "run"), "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        while rounds_written(tmp_path / "run") < 5:
            assert child.poll() is None
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert out == "" and err == f"Stopped. Nothing was lost; continue {tmp_path / 'run'} with --resume.\n"
    with open_run(tmp_path / "run") as record:
        assert not audit(record).complete


def test_the_run_folder_describes_the_run_and_its_machine(finished: RunRecord) -> None:
    machine = json.loads((finished.folder / "run.json").read_text())
    assert machine["seed"] == 7 and machine["versions"]["numpy"] and machine["cores"] >= 1
    assert RunConfig.parse(json.loads((finished.folder / "config.json").read_text())) == small()
