"""The tables of a stored chain, and the conversion of its state into rows and back."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, astuple, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    select,
)
from sqlalchemy.engine import RowMapping

from consensus.chain.calls import call_fields
from consensus.chain.chain_state import ChainState
from consensus.chain.genesis import Genesis
from consensus.chain.hyperparameters import Hyperparameters
from consensus.chain.subnet import Axon, Commit, Row, Subnet
from consensus.yuma.rows import Rows

if TYPE_CHECKING:
    from consensus.chain.emission import Epoch
    from consensus.chain.receipt import Receipt

METADATA = MetaData()
ADDRESS, RAO, JSON_TEXT = String(64), BigInteger, Text(2**24)

TableRow = dict[str, Any]
"""Values by column."""


def _table(name: str, key: Mapping[str, Any], **columns: Any) -> Table:
    keys = [Column(column, kind, primary_key=True, autoincrement=False) for column, kind in key.items()]
    return Table(name, METADATA, *keys, *(Column(column, kind) for column, kind in columns.items()))


HEAD = _table(
    "head",
    {"id": Integer},
    format=Integer,
    writer=String(32),
    genesis=JSON_TEXT,
    genesis_hash=String(64),
    block=BigInteger,
    block_hashes=JSON_TEXT,
    issuance_rao=RAO,
    recycled_rao=RAO,
    last_lock_rao=RAO,
    last_lock_block=BigInteger,
)
ROOT = _table("root", {"id": Integer}, root=String(64))
ACCOUNTS = _table("accounts", {"address": ADDRESS}, balance_rao=RAO, nonce=BigInteger)
HOTKEYS = _table("hotkeys", {"hotkey": ADDRESS}, coldkey=ADDRESS, take=Integer)
STAKES = _table("stakes", {"hotkey": ADDRESS, "coldkey": ADDRESS}, stake_rao=RAO)
SUBNET_NUMBERS = (
    "created_at",
    "locked_rao",
    "pending_rao",
    "epochs",
    "last_epoch_block",
    "last_mechanism_block",
    "burn_rao",
    "burn_block",
    "difficulty",
    "adjusted_at",
    "burns_this_interval",
    "pows_this_interval",
)
SUBNETS = _table(
    "subnets",
    {"netuid": Integer},
    owner=ADDRESS,
    owner_hotkey=ADDRESS,
    hyperparameters=JSON_TEXT,
    registered_in_block=String(64),
    **dict.fromkeys(SUBNET_NUMBERS, BigInteger),
)
BONDS = _table("bonds", {"netuid": Integer}, rows=LargeBinary(2**31))
NEURON_NUMBERS = (
    "registered_at",
    "last_update",
    "stake_weight",
    "consensus",
    "incentive",
    "dividends",
    "validator_trust",
    "emission",
)
NEURON_FLAGS = ("validator_permit", "active")
NEURONS = _table(
    "neurons",
    {"netuid": Integer, "uid": Integer},
    hotkey=ADDRESS,
    weights=LargeBinary,
    axon=JSON_TEXT,
    commits=JSON_TEXT,
    **dict.fromkeys(NEURON_NUMBERS, BigInteger),
    **dict.fromkeys(NEURON_FLAGS, Boolean),
)
CALLS = _table(
    "calls",
    {"block": BigInteger, "position": Integer},
    signer=ADDRESS,
    nonce=BigInteger,
    call=String(32),
    fields=JSON_TEXT,
    signature=String(128),
)
EPOCHS = _table(
    "epochs",
    {"netuid": Integer, "number": BigInteger},
    block=BigInteger,
    emission_rao=RAO,
    owner_rao=RAO,
    miner_rao=RAO,
    validator_rao=RAO,
    delegator_rao=RAO,
    recycled_rao=RAO,
)
assert {entry.name for entry in fields(Subnet)} >= {*SUBNET_NUMBERS, *NEURON_NUMBERS, *NEURON_FLAGS}


def read_state(connection: Connection, head: RowMapping) -> ChainState:
    """Read a stored chain; inconsistent rows raise a plain error."""
    state = ChainState(Genesis(**json.loads(head["genesis"])), head["block"])
    state.last_lock_rao, state.last_lock_block = head["last_lock_rao"], head["last_lock_block"]
    state.block_hashes = {int(block): bytes.fromhex(hash_) for block, hash_ in json.loads(head["block_hashes"]).items()}
    if state.block not in state.block_hashes:
        raise ValueError("no hash of the open block")
    ledger = state.ledger
    ledger.issuance_rao, ledger.recycled_rao = head["issuance_rao"], head["recycled_rao"]
    for row in connection.execute(select(ACCOUNTS)).mappings():
        ledger.balances[row["address"]], ledger.nonces[row["address"]] = row["balance_rao"], row["nonce"]
    for row in connection.execute(select(HOTKEYS)).mappings():
        ledger.owners[row["hotkey"]] = row["coldkey"]
        if row["take"] is not None:
            ledger.takes[row["hotkey"]] = row["take"]
    for row in connection.execute(select(STAKES).order_by(STAKES.c.hotkey, STAKES.c.coldkey)).mappings():
        if row["stake_rao"]:
            ledger.add_stake(row["hotkey"], row["coldkey"], row["stake_rao"])
    ledger.changed_stakes.clear()
    for row in connection.execute(select(SUBNETS).order_by(SUBNETS.c.netuid)).mappings():
        state.subnets[row["netuid"]] = _load_subnet(connection, row)
    _check_sums(state)
    return state


def _load_subnet(connection: Connection, row: RowMapping) -> Subnet:
    rules = Hyperparameters().change(json.loads(row["hyperparameters"]))
    subnet = Subnet(row["netuid"], row["owner"], row["owner_hotkey"], row["created_at"], rules)
    for name in SUBNET_NUMBERS:
        setattr(subnet, name, int(row[name]))
    block, count = json.loads(row["registered_in_block"])
    subnet.registered_in_block = (block, count)
    packed = connection.execute(select(BONDS.c.rows).where(BONDS.c.netuid == subnet.netuid)).scalar_one()
    subnet.bonds = _unpack_bonds(packed)
    neurons = select(NEURONS).where(NEURONS.c.netuid == subnet.netuid).order_by(NEURONS.c.uid)
    for neuron in connection.execute(neurons).mappings():
        uid = subnet.append(neuron["hotkey"], neuron["registered_at"])
        if uid != neuron["uid"]:
            raise ValueError(f"subnet {subnet.netuid} has no uid {uid}")
        for name in NEURON_NUMBERS:
            getattr(subnet, name)[uid] = int(neuron[name])
        for name in NEURON_FLAGS:
            getattr(subnet, name)[uid] = bool(neuron[name])
        if neuron["weights"] is not None:
            uids, values = np.frombuffer(neuron["weights"], "<u2").reshape(2, -1)
            subnet.weights[uid] = Row(uids.astype(np.uint16), values.astype(np.uint16))
        if neuron["axon"]:
            subnet.axons[uid] = Axon(**json.loads(neuron["axon"]))
        if neuron["commits"]:
            subnet.commits[uid] = [Commit(*commit) for commit in json.loads(neuron["commits"])]
    subnet.changed = False
    subnet.changed_uids.clear()
    return subnet


def _check_sums(state: ChainState) -> None:
    ledger, subnets = state.ledger, state.subnets.values()
    owned = sum(ledger.balances.values()) + sum(ledger.totals.values())
    held = sum(subnet.locked_rao + subnet.pending_rao for subnet in subnets)
    if owned + held != ledger.issuance_rao:
        raise ValueError(f"its parts add up to {owned + held} rao, its issuance is {ledger.issuance_rao}")
    orphans = [hotkey for subnet in subnets for hotkey in subnet.hotkeys if hotkey not in ledger.owners]
    if orphans:
        raise ValueError(f"hotkey {orphans[0]} has no coldkey")


def head_row(state: ChainState) -> TableRow:
    """Return the head's row without the columns that never change."""
    hashes = {str(block): block_hash.hex() for block, block_hash in state.block_hashes.items()}
    return {
        "block": state.block,
        "block_hashes": json.dumps(hashes),
        "issuance_rao": state.ledger.issuance_rao,
        "recycled_rao": state.ledger.recycled_rao,
        "last_lock_rao": state.last_lock_rao,
        "last_lock_block": state.last_lock_block,
    }


def subnet_row(subnet: Subnet) -> TableRow:
    """Return a subnet's row; neurons and bonds have their own."""
    return {
        "netuid": subnet.netuid,
        "owner": subnet.owner,
        "owner_hotkey": subnet.owner_hotkey,
        "hyperparameters": json.dumps(subnet.hyperparameters.as_dict()),
        "registered_in_block": json.dumps(subnet.registered_in_block),
        **{name: getattr(subnet, name) for name in SUBNET_NUMBERS},
    }


def neuron_row(subnet: Subnet, uid: int) -> TableRow:
    """Return the row of one neuron, with its weights."""
    row, axon = subnet.weights.get(uid), subnet.axons.get(uid)
    commits = [astuple(commit) for commit in subnet.commits.get(uid, [])]
    return {
        "netuid": subnet.netuid,
        "uid": uid,
        "hotkey": subnet.hotkeys[uid],
        "weights": None if row is None else np.stack([row.uids, row.values]).astype("<u2").tobytes(),
        "axon": json.dumps(asdict(axon)) if axon else None,
        "commits": json.dumps(commits) if commits else None,
        **{name: getattr(subnet, name)[uid] for name in (*NEURON_NUMBERS, *NEURON_FLAGS)},
    }


def call_row(receipt: "Receipt") -> TableRow:
    """Return the row of an accepted call, with its signature."""
    signed = receipt.call
    return {
        "block": receipt.block,
        "position": receipt.position,
        "signer": signed.signer,
        "nonce": signed.nonce,
        "call": type(signed.call).__name__,
        "fields": json.dumps(call_fields(signed.call)),
        "signature": signed.signature.hex(),
    }


def epoch_row(epoch: "Epoch") -> TableRow:
    """Return the row of an epoch, with the sums that it paid."""
    return {
        "netuid": epoch.netuid,
        "number": epoch.number,
        "block": epoch.block,
        "emission_rao": epoch.emission_rao,
        "recycled_rao": epoch.recycled_rao,
        **{f"{role}_rao": amount for role, amount in epoch.paid_rao().items()},
    }


def pack_bonds(rows: Rows) -> bytes:
    """Pack bonds into bytes."""
    counts = np.diff(rows.indptr).astype("<u4")
    parts = (np.array([rows.n], "<u4"), counts, rows.indices.astype("<u2"), rows.values.astype("<u2"))
    return zlib.compress(b"".join(part.tobytes() for part in parts), 1)


def _unpack_bonds(packed: bytes) -> Rows:
    data = zlib.decompress(packed)
    n = int(np.frombuffer(data, "<u4", 1)[0])
    counts = np.frombuffer(data, "<u4", n, 4)
    cells = np.frombuffer(data, "<u2", offset=4 + 4 * n).reshape(2, int(counts.sum())).astype(np.uint16)
    return Rows(np.concatenate(([0], np.cumsum(counts))).astype(np.int64), cells[0], cells[1])
