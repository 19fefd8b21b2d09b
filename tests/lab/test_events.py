"""Events of a run: recorded, audited, resumed, and refused before the run where they can't happen."""

from pathlib import Path
from typing import Any

import pytest

from lab.config.events import Condition
from lab.config.run_config import RunConfig
from lab.errors import AuditError, ConfigError
from lab.record.entries import Epoch, EpochEvents, GradedRound
from lab.record.record import RunRecord
from lab.record.run_folder import open_run
from lab.run.audit import audit
from lab.run.session import run
from lab.world.history import History
from lab.world.lean_run import LeanRun
from tests.lab.records import Bodies, copy_of, rewrite

SKILLED = "lab.world.skilled:Skilled"
FAVOURITE = {"kind": "favourite", "uids": [3], "share": 0.9}


def config(*events: dict[str, Any], epochs: int = 6, **changes: Any) -> RunConfig:
    table: dict[str, Any] = {
        "seed": 5,
        "subnet": {"kind": "lab.world.work:GradedWork", "noise": 0.05},
        "miners": [
            {"name": "good", "kind": SKILLED, "quality": 0.8, "cost_usd": 0.01},
            {"name": "poor", "kind": SKILLED, "quality": 0.3, "coldkey": "mallory", "cost_usd": 900.0},
            {"name": "late", "kind": SKILLED, "quality": 0.9, "coldkey": "newcomers"},
        ],
        "validators": [{"name": "alice", "coldkey": "alice"}, {"name": "bob", "coldkey": "bob"}],
        "chain": {"epochs": epochs, "rounds_per_epoch": 1},
        "pool": {"kind": "local"},
        "events": list(events),
    }
    return RunConfig.parse(table | changes)


def played(*events: dict[str, Any], **changes: Any) -> History:
    return LeanRun(config(*events, **changes)).play()


ALL = (
    {"at": 2, "validator": "alice", "becomes": FAVOURITE},
    {"at": 1, "validator": "bob", "buys": 500.0},
    {"at": 3, "validator": "bob", "moves": 200.0, "to": "alice"},
    {"at": 2, "miner": "late", "registers": True},
    {"at": "after losing_epochs(poor) >= 2", "miner": "poor", "leaves": True},
    {"at": 4, "hyperparameters": {"kappa": 40000}},
    {"at": 4, "validator": "bob", "becomes": {"kind": "weight_copier"}},
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    return run(config(*ALL), tmp_path_factory.mktemp("events"))


def payouts(record: RunRecord) -> list[Any]:
    return [(epoch.weights, epoch.pay) for epoch in map(Epoch.of, record.entries("epoch"))]


@pytest.mark.slow
def test_events_are_recorded_before_their_epoch_and_audited(finished: RunRecord) -> None:
    past = {
        events.epoch: [event.text for event in events.events]
        for events in map(EpochEvents.of, finished.entries("events"))
    }
    assert past == {
        1: ["buys 500 tokens of stake on bob"],
        2: ["alice becomes favourite", "late registers", "poor leaves"],
        3: ["moves 200 tokens of stake from bob to alice"],
        4: ["rules change: kappa = 40000", "bob becomes weight_copier"],
    }
    assert audit(finished).complete
    asked = {
        (each.number, each.validator): len(each.answers) for each in map(GradedRound.of, finished.entries("round"))
    }
    assert asked[1, 0] == 2 and asked[2, 0] == 3 and (4, 1) not in asked


@pytest.mark.slow
def test_a_lean_run_with_events_pays_what_the_run_pays(finished: RunRecord) -> None:
    assert played(*ALL).paid.tolist() == [list(map(float, pay.paid)) for _, pay in payouts(finished)]


@pytest.mark.slow
@pytest.mark.parametrize("last", ["events 2", "epoch 1", "round 1/2", "epoch 3"])
def test_a_run_with_events_resumes_from_any_entry(
    finished: RunRecord, tmp_path: Path, last: str, truncated: Any
) -> None:
    folder = truncated(finished, tmp_path / "run", last)
    with run(config(*ALL), folder, mode="resume") as record:
        assert payouts(record) == payouts(finished)
        assert len(list(record.entries("events"))) == 4
        assert audit(record).complete


@pytest.fixture
def truncated() -> Any:
    def cut(record: RunRecord, folder: Path, last: str) -> Path:
        def edit(bodies: Bodies) -> None:
            keys = [f"{kind} {key}" for kind, key, _ in bodies]
            del bodies[keys.index(last) + 1 :]

        copy = copy_of(record, folder)
        rewrite(copy, edit)
        return copy

    return cut


def test_a_strategy_changes_at_its_epoch_and_not_before() -> None:
    history, plain = played({"at": 3, "validator": "alice", "becomes": FAVOURITE}), played()
    poor = history.of("poor")[0]
    assert history.paid[:3].tolist() == plain.paid[:3].tolist()
    assert history.paid[3, poor] > 1.3 * plain.paid[3, poor]


def test_stake_is_bought_delegated_sold_and_moved() -> None:
    history = played(
        {"at": 1, "validator": "alice", "buys": 500.0},
        {"at": 2, "validator": "alice", "buys": 100.0, "coldkey": "carol"},
        {"at": 3, "validator": "alice", "sells": 300.0},
        {"at": 4, "validator": "alice", "moves": 200.0, "to": "bob"},
    )
    assert history.stake[:, 0].tolist() == [1000.0, 1500.0, 1600.0, 1300.0, 1100.0, 1100.0]
    assert history.stake[-1, 1] == 1200.0
    assert history.wealth["carol"][0] == 100e9 and history.wealth["carol"][-1] > 100e9


def test_a_miner_that_loses_money_leaves_after_the_epochs_that_the_event_names() -> None:
    history = played({"at": "after losing_epochs(poor) >= 3", "miner": "poor", "leaves": True})
    poor = history.of("poor")[0]
    assert [events.epoch for events in history.events] == [3]
    assert (history.cost_usd[:3, poor] > 0).all() and (history.cost_usd[3:, poor] == 0).all()


def test_a_newcomer_is_neither_asked_nor_paid_before_it_registers() -> None:
    history = played({"at": 2, "miner": "late", "registers": True})
    late = history.of("late")[0]
    assert (history.paid[:2, late] == 0).all() and (history.paid[2:, late] > 0).all()


def test_a_condition_looks_at_the_last_epoch() -> None:
    history = played(
        {"at": "after weight_share(alice) > 0.55", "validator": "bob", "leaves": True},
        {"at": 2, "validator": "alice", "buys": 500.0},
    )
    assert [events.epoch for events in history.events] == [2, 3]


@pytest.mark.slow
def test_an_audit_refuses_a_record_whose_events_were_changed_or_left_out(finished: RunRecord, tmp_path: Path) -> None:
    def retell(bodies: Bodies) -> None:
        place = next(place for place, (kind, _, _) in enumerate(bodies) if kind == "events")
        bodies[place][2]["events"][0]["text"] = "buys 5 tokens of stake on bob"

    def omit(bodies: Bodies) -> None:
        del bodies[next(place for place, (kind, _, _) in enumerate(bodies) if kind == "events")]

    for edit, message in ((retell, "other events than the config makes"), (omit, "events 1 is missing")):
        folder = copy_of(finished, tmp_path / edit.__name__)
        rewrite(folder, edit)
        with open_run(folder) as record, pytest.raises(AuditError, match=message):
            audit(record)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (
            {"at": 9, "validator": "alice", "leaves": True},
            r"events\[0\]\.at: epoch 9 never comes; the run has epochs 0 to 5",
        ),
        (
            {"at": 1, "miner": "gooood", "leaves": True},
            r"events\[0\]\.miner: no miner is called 'gooood'; known: good, poor",
        ),
        ({"at": 1, "validator": "alice", "sells": 5000.0}, r"\.sells: 'alice' has at most 1000 tokens .* \(got 5000\)"),
        ({"at": 1, "validator": "alice", "moves": 1.0}, r"events\[0\]\.to: stake that moves needs a neuron"),
        ({"at": 1, "validator": "alice", "moves": 1.0, "to": "alice"}, r"can't move from 'alice' to itself"),
        ({"at": 1, "validator": "alice"}, r"events\[0\]: give one of becomes, buys, .*\(got none of them\)"),
        ({"at": 1, "leaves": True}, r"events\[0\]: name either a validator or a miner \(got neither\)"),
        ({"at": "after noon", "validator": "alice", "leaves": True}, r'events\[0\]\.at: give an epoch, or "after'),
        ({"at": "after __import__(os) > 1", "validator": "alice", "leaves": True}, r"a quantity among weight_share"),
        ({"at": "after weight_share(alice) > 1", "validator": "alice", "leaves": True}, r"can never hold"),
        ({"at": "after weight_share(eve) > 0.5", "validator": "alice", "leaves": True}, r"nobody is called 'eve'"),
        ({"at": "after losing_epochs(poor) >= 6", "miner": "poor", "leaves": True}, r"can never hold in 6 epochs"),
        (
            {"at": 1, "validator": "alice", "becomes": {"kind": "favorite"}},
            r"events\[0\]\.becomes\.kind: unknown validator",
        ),
        (
            {"at": 1, "validator": "alice", "becomes": {"kind": "favourite", "uids": [2], "share": 2}},
            r"becomes\.share: ",
        ),
        ({"at": 1, "validator": "alice", "becomes": {"share": 2}}, r"events\[0\]\.becomes\.kind: missing"),
        ({"at": 1, "hyperparameters": {"kapa": 1}}, r"events\[0\]\.hyperparameters: unknown hyperparameter 'kapa'"),
        ({"at": 1, "hyperparameters": {"kappa": 70000}}, r"events\[0\]\.hyperparameters: kappa: 70000; allowed"),
        (
            {"at": 1, "miner": "good", "registers": True},
            r"have to be the last miners of the config, in this order: good",
        ),
        ({"at": -1, "miner": "good", "leaves": True}, r"events\[0\]\.at"),
        ({"at": True, "miner": "good", "leaves": True}, r"events\[0\]\.at: give an integer of at least 0 or text"),
    ],
)
def test_an_event_that_can_not_happen_is_refused_with_its_place(event: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config(event)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (
            ({"at": 1, "miner": "poor", "leaves": True}, {"at": 2, "miner": "poor", "becomes": {"kind": "echo"}}),
            r"events\[1\]\.becomes: 'poor' has left at epoch 1 \(events\[0\]\)",
        ),
        (
            (
                {"at": 1, "validator": "bob", "becomes": {"kind": "inverter"}},
                {"at": 1, "validator": "bob", "becomes": {"kind": "honest"}},
            ),
            r"events\[1\]\.becomes: events\[0\] does this to 'bob' at the same time",
        ),
        (
            ({"at": 3, "miner": "late", "registers": True}, {"at": 2, "miner": "late", "leaves": True}),
            r"events\[1\]\.at: 'late' registers only at epoch 3",
        ),
        (
            ({"at": 1, "validator": "bob", "sells": 700.0}, {"at": 2, "validator": "bob", "sells": 400.0}),
            r"events\[1\]\.sells: 'bob' has at most 300 tokens",
        ),
    ],
)
def test_events_that_contradict_each_other_are_refused(events: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config(*events)


def test_conditions_compare_one_quantity_with_a_number() -> None:
    condition = Condition.parse("after weight_share(alice) >= 0.5")
    assert condition == Condition("weight_share", "alice", ">=", 0.5)
    assert condition.holds(0.5) and not condition.holds(0.49)


def test_hidden_weights_count_when_they_are_revealed() -> None:
    hidden = {"epochs": 6, "rounds_per_epoch": 1, "hyperparameters": {"commit_reveal": True, "commit_reveal_period": 2}}
    history = LeanRun(config(chain=hidden)).play()
    good = history.of("good")[0]
    assert (history.paid[:2, good] == 0).all() and (history.paid[2:, good] > 0).all()


@pytest.mark.slow
def test_a_run_with_hidden_weights_is_audited_and_resumed(tmp_path: Path, truncated: Any) -> None:
    chain = {"epochs": 4, "rounds_per_epoch": 1, "hyperparameters": {"commit_reveal": True}}
    with run(config(chain=chain), tmp_path / "whole") as record:
        assert audit(record).complete
        folder = truncated(record, tmp_path / "cut", "epoch 1")
        with run(config(chain=chain), folder, mode="resume") as resumed:
            assert payouts(resumed) == payouts(record)


def test_pay_that_compounds_becomes_stake() -> None:
    growing = LeanRun(config(chain={"epochs": 4, "rounds_per_epoch": 1, "compound": True})).play()
    gained = growing.stake[1:, 0] - growing.stake[:-1, 0]
    assert gained == pytest.approx(growing.paid[:-1, 0] / 1e9)
    assert (LeanRun(config(epochs=4)).play().stake[:, 0] == 1000.0).all()
