"""Kept chains: nothing confirmed is lost, one process at a time, and a bad file is refused with its reason."""

import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from consensus import TAO, Chain, Genesis, throwaway_key
from consensus.chain.calls import (
    BurnedRegister,
    CommitWeights,
    CreateSubnet,
    Faucet,
    ServeAxon,
    SetTake,
    SetWeights,
    Transfer,
)
from consensus.chain.storage import store
from consensus.errors import ChainError, NotAChain, StoreCorrupt, StoreError, StoreInUse, StoreMissing, StoreTooNew

ALICE, BOB = throwaway_key(1, "alice"), throwaway_key(1, "bob")
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse a held chain at once."""
    monkeypatch.setattr(store, "LOCK_WAIT_S", 0.05)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, world) -> Path:  # type: ignore[no-untyped-def]
    """A chain with some of everything, confirmed and closed."""
    path = tmp_path_factory.mktemp("template") / "chain.db"
    w = world(validators=2, miners=2, chain=Chain.development(path))
    for validator in w.validators:
        w.chain.call(validator, SetWeights.of(w.netuid, [2, 3], [0.75, 0.25]))
    w.chain.call(w.miners[0], ServeAxon(w.netuid, "10.0.0.1", 8091))
    w.chain.call(w.bank, SetTake(w.validators[0].ss58_address, 5))
    w.chain.step_to_epoch(w.netuid)
    w.chain.close()
    return path


@pytest.fixture
def kept(template: Path, tmp_path: Path) -> Path:
    """A copy of the template for one test."""
    return Path(shutil.copy(template, tmp_path / "chain.db"))


def snapshot(chain: Chain) -> object:
    graphs = [chain.metagraph(netuid) for netuid in chain.netuids]
    subnets = [chain.subnet(netuid) for netuid in chain.netuids]
    rows = [{uid: (row.uids.tolist(), row.values.tolist()) for uid, row in s.weights.items()} for s in subnets]
    others = [(s.bonds, s.commits, s.axons, s.hyperparameters, s.pending_rao, s.burn_rao) for s in subnets]
    return chain.block, chain.block_hash, chain.genesis_hash, chain.supply(), graphs, rows, others


def test_a_chain_comes_back_as_it_was(kept: Path) -> None:
    with Chain.open(kept) as chain:
        first = snapshot(chain)
        assert chain.subnet(1).axons[2].port == 8091
        assert chain.take(throwaway_key(1, "hotkey-0").ss58_address) == 5
    with Chain.open(str(kept)) as chain:
        assert snapshot(chain) == first
    with Chain.open(f"sqlite:///{kept}") as chain:
        assert snapshot(chain) == first


@pytest.mark.parametrize("name", ["what?mode=ro", "100%41 #1", "Läufe 実験", 'it\'s "quoted"'])
def test_a_path_is_taken_literally(tmp_path: Path, name: str) -> None:
    Chain.development(tmp_path / name).close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    Chain.open(tmp_path / name).close()


def test_a_chain_lives_in_any_database(tmp_path: Path, world) -> None:  # type: ignore[no-untyped-def]
    """SUBNETLAB_TEST_DATABASE names an empty database to run this on, such as postgresql+psycopg://me@localhost/test."""
    url = os.environ.get("SUBNETLAB_TEST_DATABASE", f"sqlite:///{tmp_path}/chain.db")
    w = world(chain=Chain.development(url))
    w.chain.call(w.validators[0], SetWeights.of(w.netuid, [2, 3], [1, 0]))
    w.chain.step_to_epoch(w.netuid)
    expected = snapshot(w.chain)
    for again in (Chain.open, Chain.create):
        with pytest.raises(StoreError, match="open in another process|already exists"):
            again(url)
    w.chain.close()
    with pytest.raises(StoreError, match="already"):
        Chain.create(url)
    with Chain.open(url) as chain:
        assert snapshot(chain) == expected
        chain.step_to_epoch(w.netuid)


def test_a_kept_chain_goes_on_exactly_as_one_in_memory(tmp_path: Path) -> None:
    """The same calls, one chain in memory, the other closed and opened again at every turn."""
    path, genesis = tmp_path / "chain.db", Genesis(min_lock_rao=0)
    memory = Chain.create(None, genesis)
    Chain.create(path, genesis).close()
    hotkeys = [throwaway_key(2, str(number)) for number in range(4)]
    rules = {"tempo": 4, "max_registrations_per_block": 0, "commit_reveal": False, "weights_set_rate_limit": 0}
    turns = [
        [(ALICE, Faucet()), (ALICE, CreateSubnet(hyperparameters=rules)), (ALICE, CreateSubnet())],
        [(ALICE, BurnedRegister(1, key.ss58_address)) for key in hotkeys],
        [(ALICE, BurnedRegister(2, hotkeys[0].ss58_address)), (hotkeys[0], CommitWeights(2, "0" * 64))],
        [(hotkeys[0], SetWeights(1, (0,), (1,)))],
        [(ALICE, Transfer(BOB.ss58_address, TAO))],
    ]  # fmt: skip
    for number, calls in enumerate(turns * 2):
        with Chain.open(path) as kept_chain:
            for chain in (memory, kept_chain):
                for key, call in calls:
                    try:
                        chain.call(key, call)
                    except ChainError:
                        assert number >= 2
                chain.step(3)
            assert snapshot(kept_chain) == snapshot(memory)


def test_calls_of_a_block_that_was_never_confirmed_are_gone(kept: Path) -> None:
    with Chain.open(kept) as chain:
        before = snapshot(chain)
        chain.call(ALICE, Faucet())
    with pytest.raises(ChainError, match="closed"):
        chain.step()
    with pytest.raises(ChainError, match="closed"):
        chain.call(ALICE, Faucet())
    with Chain.open(kept) as chain:
        assert snapshot(chain) == before


WRITER = """
import sys
from consensus import Chain, throwaway_key
from consensus.chain.calls import Faucet, SetWeights
chain, key = Chain.open(sys.argv[1]), throwaway_key(1, "alice")
validator = throwaway_key(1, "hotkey-0")
while True:
    chain.call(key, Faucet(1))
    chain.call(validator, SetWeights.of(1, [2, 3], [0.5, 0.5]))
    chain.step()
    print(chain.block, chain.nonce(key.ss58_address), flush=True)
"""


def test_a_second_process_is_refused_and_the_first_goes_on_and_loses_nothing_when_killed(kept: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(kept)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(5)]
    with pytest.raises(StoreInUse, match=f"{kept} is open in another process"):
        Chain.open(kept)
    lines += [process.stdout.readline() for _ in range(5)]
    time.sleep(random.Random().uniform(0.0, 0.2))
    process.kill()
    lines += process.stdout.read().splitlines()
    process.stdout.close()
    process.wait()
    block, calls = map(int, [line for line in lines if line.count(" ") == 1][-1].split())
    with Chain.open(kept) as chain:
        assert chain.block - block in (0, 1)
        assert chain.nonce(ALICE.ss58_address) - calls == chain.block - block
        assert chain.balance(ALICE.ss58_address) == chain.nonce(ALICE.ss58_address)
        chain.step(20)


def test_without_a_file_lock_the_process_that_lost_the_head_is_refused(kept: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(store, "_lock_file", lambda connection, record: None)
    first, second = Chain.open(kept), Chain.open(kept)
    second.call(BOB, Faucet())
    second.step()
    first.call(ALICE, Faucet())
    with pytest.raises(StoreInUse, match="another process took over"):
        first.step()
    second.close()
    with Chain.open(kept) as chain:
        assert (chain.balance(ALICE.ss58_address), chain.balance(BOB.ss58_address)) == (0, 300 * TAO)


def test_a_block_that_cannot_be_written_closes_the_chain_and_is_not_there(kept: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    chain = Chain.open(kept)
    before = snapshot(chain)
    chain.call(ALICE, Faucet())

    def full(self: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    with monkeypatch.context() as patched:
        patched.setattr(store.Store, "_write_state", full)
        with pytest.raises(StoreError, match="disk is full"):
            chain.step()
    with pytest.raises(ChainError, match="open it again"):
        chain.step()
    with Chain.open(kept) as chain:
        assert snapshot(chain) == before


def test_a_file_without_a_root_is_read_and_gets_one_with_its_next_block(kept: Path) -> None:
    edit(kept, "DROP TABLE root")
    edit(kept, "UPDATE head SET format = 1")
    with Chain.open(kept) as chain:
        before = snapshot(chain)
    with Chain.open(kept) as chain:
        assert snapshot(chain) == before
        chain.step()
    with Chain.open(kept) as chain:
        chain.step()
    edit(kept, "UPDATE neurons SET last_update = last_update + 1 WHERE uid = 0")
    with pytest.raises(StoreCorrupt, match="not the one that was saved"):
        Chain.open(kept)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE neurons SET hotkey = 'X' || substr(hotkey, 2) WHERE uid = 3",
        "UPDATE neurons SET weights = x'02000300ffff5455' WHERE uid = 0",
        "UPDATE neurons SET active = NOT active WHERE uid = 1",
        "UPDATE neurons SET axon = replace(axon, '10.0.0.1', '10.0.0.9')",
        "UPDATE accounts SET nonce = nonce + 1",
        "UPDATE stakes SET coldkey = 'X' || substr(coldkey, 2)",
        "UPDATE hotkeys SET take = 6 WHERE take = 5",
        "UPDATE subnets SET owner = 'X' || substr(owner, 2)",
        "UPDATE head SET genesis_hash = '00' || substr(genesis_hash, 3)",
        "DELETE FROM accounts WHERE balance_rao = 0",
        "UPDATE root SET root = '00' || substr(root, 3)",
        "DELETE FROM root",
        "DROP TABLE root",
    ],
)
def test_a_changed_row_is_noticed_when_a_chain_is_opened(kept: Path, statement: str) -> None:
    edit(kept, statement)
    with pytest.raises(StoreCorrupt) as caught:
        Chain.open(kept)
    assert str(caught.value).startswith(f"{kept} is damaged") and len(str(caught.value)) < len(str(kept)) + 80


def flips(content: bytes) -> Iterator[int]:
    """Positions of some bytes: in each copy of an address, in each row of weights, and anywhere."""
    draw = random.Random(13)
    address = throwaway_key(1, "hotkey-0").ss58_address.encode()
    for known in (address, b"\x02\x00\x03\x00\xff\xff"):
        offsets = [match.start() for match in re.finditer(re.escape(known), content)]
        assert offsets
        yield from (start + draw.randrange(len(known)) for start in offsets)
    yield from (draw.randrange(len(content)) for _ in range(150))


@pytest.mark.slow
def test_a_flipped_bit_is_noticed_or_changes_nothing(kept: Path) -> None:
    with Chain.open(kept) as chain:
        expected = snapshot(chain)
    content, draw, refused = kept.read_bytes(), random.Random(14), 0
    for position in flips(content):
        flipped = bytearray(content)
        flipped[position] ^= 1 << draw.randrange(8)
        for leftover in kept.parent.glob("chain.db-*"):
            leftover.unlink()
        kept.write_bytes(flipped)
        try:
            with Chain.open(kept) as chain:
                assert snapshot(chain) == expected, position
        except StoreError as error:
            refused += 1
            assert str(error).isprintable() and len(str(error)) < len(str(kept)) + 90
    assert refused >= 10


def edit(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts SET balance_rao = balance_rao + 1 WHERE balance_rao > 0",
        "UPDATE stakes SET stake_rao = 0",
        "DELETE FROM neurons WHERE uid = 1",
        "DELETE FROM head",
        "DELETE FROM hotkeys",
        "DELETE FROM bonds",
        "DROP TABLE subnets",
        "UPDATE bonds SET rows = x'00'",
        "UPDATE neurons SET weights = x'000102' WHERE uid = 0",
        "UPDATE neurons SET commits = '[' WHERE uid = 0",
        "UPDATE subnets SET hyperparameters = '{\"tempo\": null}'",
        "UPDATE head SET genesis = '{}' || genesis",
        "UPDATE head SET block_hashes = '{}'",
        f"UPDATE head SET genesis = '{'[' * 100_000}'",
        "UPDATE head SET format = 'one'",
    ],
)
def test_a_damaged_state_is_refused_with_its_reason(kept: Path, statement: str) -> None:
    edit(kept, statement)
    content = kept.read_bytes()
    with pytest.raises(StoreError, match=str(kept)):
        Chain.open(kept)
    assert kept.read_bytes() == content


@pytest.mark.parametrize("damage", ["cut", "overwritten", "text"])
def test_a_broken_file_is_refused(kept: Path, damage: str) -> None:
    content = kept.read_bytes()
    middle = len(content) // 2
    kept.write_bytes(
        {"cut": content[:middle], "overwritten": content[:4096] + b"\xff" * middle, "text": b"no database\n" * 500}[
            damage
        ]
    )
    with pytest.raises(StoreCorrupt, match="damaged"):
        Chain.open(kept)


def test_a_strange_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    edit(path, "CREATE TABLE friends (name TEXT)")
    with pytest.raises(NotAChain, match="contains no chain"):
        Chain.open(path)


UNFINISHED = {
    "empty": "",
    "no tables": "PRAGMA journal_mode=WAL",
    "some tables": "CREATE TABLE accounts (address TEXT); CREATE TABLE head (id INTEGER)",
}


@pytest.mark.parametrize("left", UNFINISHED)
def test_the_remains_of_a_killed_creation_are_no_chain_and_do_not_matter(tmp_path: Path, left: str) -> None:
    path = tmp_path / "chain.db"
    connection = sqlite3.connect(path)
    connection.executescript(UNFINISHED[left])
    connection.close()
    path.touch()
    with pytest.raises(StoreMissing, match="no chain at"):
        Chain.open(path)
    Chain.development(path).close()
    with Chain.open(path) as chain:
        chain.step(3)
    with pytest.raises(StoreError, match="already exists"):
        Chain.create(path)


CREATOR = """
import os, sys
from consensus import Chain
from consensus.chain.storage import store
store.Store._write_state = lambda self: os._exit(9)
Chain.development(sys.argv[1])
"""


def test_a_process_killed_while_it_creates_a_chain_leaves_none(tmp_path: Path) -> None:
    path = tmp_path / "chain.db"
    assert subprocess.run([sys.executable, "-c", CREATOR, str(path)], cwd=ROOT).returncode == 9
    with pytest.raises(StoreMissing, match="no chain at"):
        Chain.open(path)
    Chain.development(path).close()
    Chain.open(path).close()


def test_nothing_is_created_in_a_file_that_is_in_use_or_not_a_chain(tmp_path: Path) -> None:
    held = Chain.development(tmp_path / "held.db")
    edit(tmp_path / "other.db", "CREATE TABLE friends (name TEXT)")
    (tmp_path / "text.db").write_bytes(b"no database\n" * 500)
    before = {path: path.read_bytes() for path in tmp_path.glob("*.db")}
    for path in before:
        with pytest.raises(StoreError, match="open in another process|already exists|not a chain|no chain"):
            Chain.create(path)
    assert {path: path.read_bytes() for path in before} == before
    held.close()


def test_a_newer_format_is_refused(kept: Path) -> None:
    edit(kept, "UPDATE head SET format = 99")
    with pytest.raises(StoreTooNew, match="has format 99; this subnetlab reads up to 2"):
        Chain.open(kept)


def test_a_chain_is_never_replaced_nor_made_by_opening(kept: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="already exists"):
        Chain.create(kept)
    with pytest.raises(StoreMissing, match="no chain at"):
        Chain.open(tmp_path / "nothing.db")
    assert not (tmp_path / "nothing.db").exists()


def test_a_database_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    for url in ("postgresql://me:secret@localhost:1/x", "nonsense://", "sqlite:///" + str(tmp_path)):
        with pytest.raises(StoreError) as caught:
            Chain.open(url)
        assert "secret" not in str(caught.value)


def test_every_call_and_epoch_is_kept_with_its_signature(kept: Path) -> None:
    connection = sqlite3.connect(kept)
    calls = connection.execute("SELECT call, signer, length(signature) FROM calls ORDER BY block, position").fetchall()
    epochs = connection.execute("SELECT emission_rao, miner_rao + owner_rao FROM epochs").fetchall()
    connection.close()
    assert ("SetWeights", throwaway_key(1, "hotkey-1").ss58_address, 128) in calls
    assert len(epochs) == 2 and all(emission >= paid > 0 for emission, paid in epochs)
