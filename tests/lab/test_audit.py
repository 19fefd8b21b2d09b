"""What an audit finds in records whose hashes fit, because somebody computed them again."""

import json
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from consensus.chain.keys import throwaway_key
from lab.cli.main import app
from lab.errors import AuditError, RecordError
from lab.record.record import RunRecord
from lab.record.run_folder import open_run
from lab.record.signature import SIGNATURE, Head, sign, signer_of
from lab.run.audit import AuditResult, audit
from tests.lab.records import Exact, insert_entries, make_config, make_record

KEY = throwaway_key(1, "auditor")
CONFIG = make_config(chain={"epochs": 3, "rounds_per_epoch": 2})
ENTRIES = 17
"""A start, three epochs of two rounds of two validators that ask, and an end."""


class Row(NamedTuple):
    """An entry, without its place and its hashes."""

    kind: str
    key: str
    body: dict[str, Any]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    with make_record(folder, CONFIG) as record:
        assert len(record) == ENTRIES
        sign(folder, head_of(record), KEY)
    return folder


@pytest.fixture(scope="module")
def rows(finished: Path) -> list[Row]:
    with open_run(finished) as record:
        return [Row(entry.kind, entry.key, dict(entry.body)) for entry in record.entries()]


@pytest.fixture(scope="module")
def copy(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the run, for `write` to replace its entries."""
    return Path(shutil.copytree(finished, tmp_path_factory.mktemp("copy") / "run"))


def head_of(record: RunRecord) -> Head:
    *_, last = record.entries()
    return Head.of(record, record.verify(), last.hash)


def write(folder: Path, rows: list[Row]) -> None:
    """Replace the entries of a record, in a table that takes any, and compute all hashes again."""
    with sqlite3.connect(folder / "record.sqlite") as connection:
        name = connection.execute("select run from subnetlab_entries").fetchone()[0]
        connection.execute("create table forged as select * from subnetlab_entries where false")
        connection.execute("drop table subnetlab_entries")
        connection.execute("alter table forged rename to subnetlab_entries")
        insert_entries(connection, name, rows)
    connection.close()


def audited(folder: Path) -> AuditResult:
    with open_run(folder) as record:
        return audit(record)


def signer(folder: Path) -> str | None:
    with open_run(folder) as record:
        return signer_of(folder, head_of(record))


def test_a_record_as_it_was_written_is_found_so(finished: Path) -> None:
    result = audited(finished)
    assert (result.entries, result.rounds, result.epochs, result.complete) == (ENTRIES, 12, 3, True)
    assert result.ungraded == {}
    assert signer(finished) == KEY.ss58_address


def first(rows: list[Row], kind: str) -> dict[str, Any]:
    return next(row.body for row in rows if row.kind == kind)


FORGERIES: dict[str, tuple[Callable[[list[Row]], object], str]] = {
    "score": (lambda e: first(e, "round")["answers"][0].update(score=0.9), r"uid 3: score 0\.9 recorded, 1\.0 found"),
    "no score": (lambda e: first(e, "round")["answers"][0].pop("score"), r"uid 3: score None recorded, 1\.0 found"),
    "quality": (lambda e: first(e, "round")["answers"][1].update(quality=0.01), r"uid 4: quality 0\.01 recorded"),
    "part": (lambda e: first(e, "round")["answers"][0].update(parts={"f": 1.0}), r"part f 1\.0 recorded, None found"),
    "task": (lambda e: first(e, "round").update(task_seed=1), r"does not come from the validator's seed"),
    "difficulty": (lambda e: first(e, "round").update(difficulty=0.9), r"difficulty 0\.9 recorded, 0\.25 found"),
    "twice": (lambda e: first(e, "round")["answers"].append(first(e, "round")["answers"][0]), r"had to be asked"),
    "left out": (lambda e: first(e, "round")["answers"].pop(), r"had to be asked"),
    "stranger": (lambda e: first(e, "round").update(validator=77), r"its body is that of round 77/0"),
    "key": (lambda e: first(e, "round").update(bribe=1), r"entry \d+ \(round .*\): bribe: Extra inputs"),
    "weight": (lambda e: first(e, "epoch")["weights"]["0"].update({"3": 0.9}), r"validator 0 on miner 3: weight 0\.9"),
    "pay": (lambda e: first(e, "epoch")["pay"].update(recycled=1), r"\(epoch 0\): recycled recorded as 1"),
    "hotkey": (lambda e: first(e, "start")["neurons"][0].update(hotkey="5X"), r"not the hotkeys"),
    "config": (lambda e: first(e, "start")["config"].update(seed=9), r"config.json was changed: seed was 9, is 7"),
    "machine": (lambda e: first(e, "start")["machine"].update(cores=999), r"run.json was changed: cores was 999"),
    "cut": (lambda e: e.pop(-2), r"\(end run\): round or epoch may come after round, not end"),
    "hidden fault": (
        lambda e: first(e, "round")["answers"][5].update(score=None, score_reason="grader failed: so they say"),
        r"uid 8: score None recorded, 0\.0 found",
    ),
    "part without a score": (
        lambda e: first(e, "round")["answers"][0].update(score=None, score_reason="grader failed", parts={"f": 1.0}),
        r"uid 3: part f 1\.0 recorded, None found",
    ),
    "another epoch's body": (lambda e: first(e, "epoch").update(number=1), r"\(epoch 0\): its body is that of epoch 1"),
    "rounds": (lambda e: first(e, "end").update(rounds=99), r"\(end run\): 99 rounds recorded, 12 found"),
    "no start": (lambda e: e.insert(0, e[1]), r"start may come first, not round"),
    "no epoch in the middle": (lambda e: e.pop(10), r"entry 11 \(round 0/4\): epoch 1 has rounds 2 to 3"),
    "epochs in another order": (lambda e: swap(e, 5, 10), r"entry 6 \(epoch 1\): epoch 0 has to come here"),
    "an epoch too many": (lambda e: e.insert(16, Row("epoch", "3", e[15].body)), r"has 3 epochs, and all are there"),
    "a round too many": (lambda e: e.insert(16, Row("round", "0/6", e[14].body)), r"has 3 epochs, and all are there"),
    "unknown kind": (lambda e: e.insert(4, Row("gift", "x", {})), r"\(gift x\): there is no such kind of entry"),
    "early end": (lambda e: e.insert(11, e[16]), r"entry 12 \(end run\): .* after 2 of 3 epochs"),
    "end among rounds": (lambda e: e.insert(3, e[16]), r"round or epoch may come after round, not end"),
    "an end not called run": (lambda e: e.append(e.pop()._replace(key="over")), r"\(end over\): end run has to come"),
    "after the end": (lambda e: e.append(e[1]), r"nothing may come after end, not round"),
    "a round twice": (lambda e: e.insert(3, e[1]), r"this round is in the record already"),
    "a round left out": (lambda e: e.pop(2), r"\(epoch 0\): round \d/\d is missing"),
    "a stranger's round": (lambda e: e.insert(3, Row("round", "77/0", e[1].body)), r"no validator 77 that asks"),
    "a round of a validator that asks nobody": (
        lambda e: e.insert(3, Row("round", "2/0", e[1].body)),
        r"no validator 2 that asks",
    ),
    "a number written otherwise": (
        lambda e: e.insert(3, Row("round", "0/01", e[1].body)),
        r"epoch 0 has rounds 0 to 1",
    ),
}


def swap(rows: list[Row], one: int, other: int) -> None:
    rows[one], rows[other] = rows[other], rows[one]


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_found_even_with_all_hashes_recomputed(rows: list[Row], copy: Path, name: str) -> None:
    change, message = FORGERIES[name]
    forged = deepcopy(rows)
    change(forged)
    write(copy, forged)
    with pytest.raises(AuditError, match=message), open_run(copy) as record:
        record.verify()
        audit(record)


def in_one_epoch(rows: list[Row], one: int, other: int) -> bool:
    """Whether two entries are rounds that may be in either order."""
    return all(row.kind == "round" for row in rows[min(one, other) : max(one, other) + 1])


PLACES = st.integers(0, ENTRIES - 1)


@pytest.mark.slow
@settings(max_examples=60)
@given(how=st.sampled_from(["drop", "swap", "double", "retype"]), one=PLACES, other=PLACES, data=st.data())
def test_entries_that_are_dropped_swapped_doubled_or_retyped_are_found(
    rows: list[Row], copy: Path, how: str, one: int, other: int, data: st.DataObject
) -> None:
    forged, legal = list(rows), False
    match how:
        case "drop":
            del forged[one]
            legal = one == ENTRIES - 1  # the record of a run that has not ended
        case "swap":
            swap(forged, one, other)
            legal = one == other or in_one_epoch(rows, one, other)
        case "double":
            forged.insert(other, forged[one])
        case _:
            kinds = {"start", "round", "epoch", "end", "gift", ""} - {forged[one].kind}
            forged[one] = forged[one]._replace(kind=data.draw(st.sampled_from(sorted(kinds))))
    write(copy, forged)
    if legal:
        assert audited(copy).complete == (how != "drop")
    else:
        with pytest.raises(RecordError):
            audited(copy)
    if forged != rows:
        with pytest.raises(RecordError):
            signer(copy)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each value in a body."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    elif path:
        yield path


@pytest.mark.slow
def test_a_changed_value_is_found_by_the_audit_or_by_the_signature(rows: list[Row], copy: Path) -> None:
    draw, found = random.Random(3), 0
    for _ in range(40):
        forged = deepcopy(rows)
        body = draw.choice(forged).body
        *path, last = draw.choice(list(leaves(body)))
        inner: Any = body
        for key in path:
            inner = inner[key]
        inner[last] = draw.choice([value for value in (0, 1, 0.5, None, "x", True) if value != inner[last]])
        write(copy, forged)
        with pytest.raises(RecordError):
            signer(copy)
        try:
            audited(copy)
        except RecordError as error:
            found += 1
            assert str(error).isprintable()
    assert found > 10, "the rest are times and costs, which are taken as recorded"


def test_answers_of_which_the_record_says_that_their_grader_failed_are_graded_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = Exact.score

    def hides_the_best(self: Exact, task: Any, response: Any) -> Any:
        if response.uid == 3:
            raise RuntimeError("so it says")
        return score(self, task, response)

    monkeypatch.setattr(Exact, "score", hides_the_best)
    make_record(tmp_path, CONFIG).close()
    assert audited(tmp_path).ungraded == {}
    monkeypatch.undo()
    result = audited(tmp_path)
    assert (
        result.ungraded == {"perfect": 12} and result.answers == 56
    )  # the injector sends broken JSON at times, the mute nothing
    done = CliRunner().invoke(app, ["audit", str(tmp_path), "--trust"])
    assert done.exit_code == 0
    assert "except for 12 answers left unscored" in done.stdout and "graded now: perfect 12." in done.stdout


def subnetlab(*arguments: object, expect: int = 0) -> str:
    done = CliRunner().invoke(app, [*map(str, arguments)])
    assert done.exit_code == expect, done.output
    return done.output if expect == 0 else str(done.exception) + done.output


@pytest.fixture
def wallets(tmp_path: Path) -> Path:
    folder = tmp_path / "wallets"
    for name in ("owner", "other"):
        subnetlab("wallet", "new", name, "--wallets", folder)
    return folder


def test_a_signed_record_is_told_from_one_that_was_made_again(tmp_path: Path, wallets: Path) -> None:
    folder = tmp_path / "run"
    make_record(folder, CONFIG).close()
    assert "not signed" in subnetlab("audit", folder, "--trust")
    output = subnetlab("audit", folder, "--trust", "--sign", "owner", "--wallets", wallets)
    listed = {row["name"]: row["hotkeys"]["default"] for row in json.loads(list_wallets(wallets))}
    assert f"signed by {listed['owner']}" in output
    assert f"signed by {listed['owner']}" in subnetlab("audit", folder, "--trust", "--signed-by", listed["owner"])
    assert json.loads(subnetlab("audit", folder, "--trust", "--json"))["signed_by"] == listed["owner"]
    subnetlab("audit", folder, "--trust", "--sign", "owner", "--wallets", wallets)
    other = ("audit", folder, "--trust", "--sign", "other", "--wallets", wallets)
    assert "is by 5" in subnetlab(*other, expect=1)
    assert "not signed by" in subnetlab("audit", folder, "--trust", "--signed-by", listed["other"], expect=1)

    forged = tmp_path / "forged"
    make_record(forged, make_config(chain={"epochs": 3, "rounds_per_epoch": 2}, seed=8)).close()
    required = ("audit", forged, "--trust", "--signed-by", listed["owner"])
    assert f"there is no {SIGNATURE}" in subnetlab(*required, expect=1)
    shutil.copy(folder / SIGNATURE, forged)
    assert "continued, changed or made again" in subnetlab("audit", forged, "--trust", expect=1)
    subnetlab("audit", forged, "--trust", "--sign", "owner", "--wallets", wallets)  # a later record of one's own


def test_a_record_that_another_key_signed_is_refused_before_it_is_audited(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.run.audit.audit", lambda *_: pytest.fail("audited"))
    address = throwaway_key(2, "other").ss58_address
    assert "not signed by" in subnetlab("audit", finished, "--trust", "--signed-by", address, expect=1)


def list_wallets(wallets: Path) -> str:
    return subnetlab("wallet", "list", "--wallets", wallets, "--chain", wallets / "no.db", "--json")


def test_a_signature_that_does_not_fit_or_is_damaged_is_one_line(finished: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    written = json.loads((folder / SIGNATURE).read_text())
    other = throwaway_key(2, "other").ss58_address
    spoilt: list[tuple[dict[str, Any], str]] = [
        ({"address": other}, "did not sign this run"),
        ({"scheme": "ed25519"}, "did not sign this run"),
        ({"signature": "00" * 64}, "did not sign this run"),
        ({"signature": "zz"}, "damaged: signature"),
        ({"address": "5\x1b[2J"}, "damaged: address"),
        ({"head": "\x1b[2J"}, "damaged: head"),
        ({"entries": ENTRIES - 1}, "continued, changed or made again"),
        ({"note": "x"}, "damaged: note"),
    ]
    for change, message in spoilt:
        (folder / SIGNATURE).write_text(json.dumps(written | change))
        with pytest.raises(RecordError, match=message) as refusal:
            signer(folder)
        assert str(refusal.value).isprintable()
    for text in ("", "[]", "{"):
        (folder / SIGNATURE).write_text(text)
        with pytest.raises(RecordError, match=f"{SIGNATURE} is"):
            signer(folder)


def test_the_address_to_be_signed_by_has_to_be_one(finished: Path) -> None:
    assert "not an address" in subnetlab("audit", finished, "--trust", "--signed-by", "owner", expect=2)


def test_a_hotkey_of_either_scheme_signs(finished: Path, tmp_path: Path) -> None:
    from bittensor_wallet import Keypair

    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    (folder / SIGNATURE).unlink()
    key = Keypair.create_from_mnemonic(Keypair.generate_mnemonic(12), crypto_type=0)
    with open_run(folder) as record:
        sign(folder, head_of(record), key)
        assert signer_of(folder, head_of(record)) == key.ss58_address
    assert json.loads((folder / SIGNATURE).read_text())["scheme"] == "ed25519"
