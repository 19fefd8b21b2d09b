"""Snapshots of a subnet, ours and others', and how concentrated they are."""

import json
from pathlib import Path

import numpy as np
import pytest

from consensus import TAO, Metagraph, concentration
from consensus.chain.calls import ServeAxon, SetWeights
from consensus.chain.concentration import gini, holding, nakamoto
from consensus.chain.foreign_names import plain
from consensus.errors import SnapshotError


@pytest.fixture
def graph(world) -> Metagraph:  # type: ignore[no-untyped-def]
    w = world(validators=2, miners=3, stakes=(100, 300))
    w.chain.call(w.miners[0], ServeAxon(w.netuid, "10.0.0.1", 8091))
    for validator in w.validators:
        w.chain.call(validator, SetWeights.of(w.netuid, [2, 3, 4], [1, 2, 5]))
    w.chain.step_to_epoch(w.netuid)
    return w.chain.metagraph(w.netuid)


@pytest.mark.parametrize("name", ["graph.json", "graph.csv"])
def test_a_snapshot_comes_back_exactly(graph: Metagraph, tmp_path: Path, name: str) -> None:
    graph.save(tmp_path / name)
    assert Metagraph.load(tmp_path / name) == graph
    assert graph.axons == ("", "", "10.0.0.1:8091", "", "")


def test_the_table_has_a_line_for_each_neuron(graph: Metagraph) -> None:
    head, *lines = graph.table().splitlines()
    assert head.split()[:4] == ["uid", "stake", "τ", "permit"]
    assert [line.split()[0] for line in lines] == ["0", "1", "2", "3", "4"]
    assert len({len(line) for line in lines}) == 1


def test_a_snapshot_from_elsewhere_needs_keys_and_stake_only(tmp_path: Path) -> None:
    path = tmp_path / "real.csv"
    path.write_text("UNKNOWN,uid,hotkey,coldkey,stake,incentive\nx,1,h1,c1,2.5,0.25\nx,0,h0,c0,1e3,\n")
    graph = Metagraph.load(path)
    assert graph.stake_rao.tolist() == [1000 * TAO, 2_500_000_000]
    assert graph.incentive.tolist() == [0.0, 0.25]
    assert graph.dividends.tolist() == [0.0, 0.0]
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps([{"hotkey": "h", "coldkey": "c", "stake_rao": 7, "active": True}]))
    assert Metagraph.load(rows).stake_rao.tolist() == [7]


ROW = {"uid": 0, "hotkey": "h", "coldkey": "c", "stake": 1}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "has no neuron"),
        ([ROW | {"stake": float("nan")}], "neuron 1: stake_rao is nan"),
        ([ROW | {"stake": -1}], "neuron 1: stake_rao is -1; allowed: 0 to"),
        ([ROW | {"incentive": 1.5}], "neuron 1: incentive is 1.5; allowed: 0.0 to 1.0"),
        ([ROW | {"stake_rao": 1.5}], "stake_rao is 1.5"),
        ([ROW | {"stake_rao": 2**63}], "stake_rao is"),
        ([ROW | {"uid": "x"}], "uid is 'x'"),
        ([ROW | {"active": "maybe"}], "active is 'maybe'"),
        ([ROW, ROW], "neuron 2: uid 0 occurs twice"),
        ([ROW, ROW | {"uid": 2}], "uid 1 is missing"),
        ([{"hotkey": "h", "coldkey": "c"}], "has no stake_rao or another name for it; its columns are hotkey, coldkey"),
        ([ROW | {"hotkey": ""}], "lacks its hotkey"),
        ([1], "not a list of objects"),
        ({"rows": []}, "is not a metagraph"),
    ],
)
def test_a_bad_snapshot_is_refused_with_its_place(tmp_path: Path, rows: object, says: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(rows))
    with pytest.raises(SnapshotError, match=says):
        Metagraph.load(path)


BTCLI = """UID,GLOBAL STAKE(τ),LOCAL STAKE(α),TRUST,CONSENSUS,INCENTIVE,DIVIDENDS,EMISSION(ρ),VTRUST,VAL,UPDATED,\
ACTIVE,AXON,HOTKEY,COLDKEY
0,"1,234.5",3,0.1,0.2,0.0,0.5,"41,000",0.9,*,12,1,none,h0,c0
1,12.25 τ,4,0.1,0.2,0.75,0.0,82000,0.0,,300,0,10.0.0.1:8091,h1,c1
"""
SHEET = """Hotkey;Coldkey;Stake (TAO);Incentive;Validator Permit
h0;c0;1.234,5;0,125;yes
h1;c1;12,25;0,75;no
"""
ARRAYS = {
    "netuid": 7,
    "block": 900,
    "hotkeys": ["h0", "h1"],
    "coldkeys": ["c0", "c1"],
    "S": [1234.5, 12.25],
    "I": [0, 49151],
    "Tv": [65535, 0],
    "E": [0.5, 0.25],
    "last_update": [888, 600],
    "validator_permit": [True, False],
    "axons": [{"ip": "0.0.0.0", "port": 0}, {"ip": "10.0.0.1", "port": 8091}],
    "identities": [None, None, None],
}
EXPLORER = {
    "pagination": {"total_items": 2},
    "data": [
        {
            **{"uid": 1, "hotkey": {"ss58": "h1", "hex": "0x1"}, "coldkey": {"ss58": "c1"}, "netuid": 7},
            **{"block_number": 900, "stake": "12250000000", "incentive": "0.75", "emission": "250000000"},
            **{"validator_permit": False, "updated": 300, "axon": {"ip": "10.0.0.1", "port": 8091}},
        },
        {
            **{"uid": 0, "hotkey": {"ss58": "h0", "hex": "0x0"}, "coldkey": {"ss58": "c0"}, "netuid": 7},
            **{"block_number": 900, "stake": "1234500000000", "incentive": "0", "emission": "500000000"},
            **{"validator_permit": True, "updated": 12, "axon": None},
        },
    ],
}
SHOWN = {
    "netuid": 7,
    "name": "a subnet",
    "uids": [
        {"uid": 0, "stake": 1234.5, "incentive": 0.0, "emissions": 0.5, "hotkey": "h0", "coldkey": "c0"},
        {"uid": 1, "stake": 12.25, "incentive": 0.75, "emissions": 0.25, "hotkey": "h1", "coldkey": "c1"},
    ],
}


@pytest.mark.parametrize(
    "content", [BTCLI, SHEET, ARRAYS, EXPLORER, SHOWN], ids=["table", "sheet", "arrays", "explorer", "shown"]
)
def test_a_metagraph_of_another_tool_is_read_by_its_names_and_units(content: object, tmp_path: Path) -> None:
    path = tmp_path / ("graph.csv" if isinstance(content, str) else "graph.json")
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    graph = Metagraph.load(path)
    assert (graph.hotkeys, graph.coldkeys) == (("h0", "h1"), ("c0", "c1"))
    assert graph.stake_rao.tolist() == [1_234_500_000_000, 12_250_000_000]
    assert graph.incentive[1] == pytest.approx(0.75, abs=1e-5)
    if content is BTCLI:
        assert graph.emission_rao.tolist() == [41_000, 82_000]
    elif content is not SHEET:
        assert graph.emission_rao.tolist() == [500_000_000, 250_000_000]
    if content in (ARRAYS, EXPLORER):
        assert (graph.netuid, graph.block, graph.last_update.tolist()) == (7, 900, [888, 600])
        assert graph.axons == ("", "10.0.0.1:8091")
    if content in (BTCLI, SHEET, ARRAYS, EXPLORER):
        assert graph.validator_permit.tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,234.5 τ", 1234.5),
        ("12", 12),
        ("1.2k", 1200.0),
        ("3M TAO", 3e6),
        ("0,5", 0.5),
        ("1,234", 1234),
        ("1,5", 1.5),
        ("12,34k", 12340.0),
        ("1,23,456", "1,23,456"),
        ("none", "none"),
    ],
)
def test_a_number_is_read_with_its_separators_and_its_unit(text: str, number: object) -> None:
    assert plain(text) == number


def test_a_file_without_a_needed_column_names_those_that_it_has(tmp_path: Path) -> None:
    (tmp_path / "short.csv").write_text("UID,HOTKEY,STAKE(τ)\n0,h,1\n")
    with pytest.raises(SnapshotError, match="no coldkey or another name for it; its columns are UID, HOTKEY, STAKE"):
        Metagraph.load(tmp_path / "short.csv")
    (tmp_path / "short.json").write_text('{"name": "x", "price": 1}')
    with pytest.raises(SnapshotError, match="no hotkeys; its keys are name, price"):
        Metagraph.load(tmp_path / "short.json")


def test_a_file_that_is_none_is_refused(graph: Metagraph, tmp_path: Path) -> None:
    (tmp_path / "text.json").write_text("{")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    for name in ("text.json", "deep.json", "bytes.csv", "nothing.csv", "other.txt"):
        with pytest.raises(SnapshotError):
            Metagraph.load(tmp_path / name)
    with pytest.raises(SnapshotError, match="ends in .json or .csv"):
        graph.save(tmp_path / "graph.txt")


def test_gini_and_nakamoto_of_known_distributions() -> None:
    assert gini([1, 1, 1, 1]) == 0
    assert gini([0, 0, 0, 1]) == 0.75
    assert gini([1, 2, 3, 4]) == pytest.approx(0.25)
    assert gini([]) == gini([0, 0]) == 0
    assert nakamoto([50, 50]) == 2
    assert nakamoto([51, 49]) == 1
    assert nakamoto([1] * 10) == 6
    assert nakamoto([]) == nakamoto([0]) == 0
    spread = holding([0, 6, 3, 1])
    assert (spread.holders, spread.nakamoto) == (3, 1)
    assert spread.top_share == pytest.approx({1: 0.6, 5: 1.0, 10: 1.0})
    assert spread.effective == pytest.approx(1 / 0.46)


def test_many_hotkeys_of_one_coldkey_are_one_holder(graph: Metagraph) -> None:
    summary = concentration(graph)
    assert (summary.neurons, summary.coldkeys, summary.stake.holders, summary.stake.nakamoto) == (5, 1, 1, 1)
    assert summary.incentive.top_share[1] == pytest.approx(1.0)
    assert summary.miner_incentive["max"] == pytest.approx(0.625, abs=1e-4)


def test_concentration_of_a_snapshot_whose_coldkeys_differ(tmp_path: Path) -> None:
    path = tmp_path / "sn.csv"
    lines = ["uid,hotkey,coldkey,stake,incentive"]
    lines += [f"{uid},h{uid},c{uid % 4},{10 * (uid % 4 + 1)},{0.125 if uid >= 2 else 0}" for uid in range(10)]
    path.write_text("\n".join(lines))
    summary = concentration(Metagraph.load(path))
    assert summary.coldkeys == 4
    assert summary.stake.nakamoto == 2
    assert summary.stake.gini == pytest.approx(gini([30, 60, 60, 80]))
    assert summary.miner_incentive["p90_over_p10"] == 1
    empty = concentration(Metagraph.load(_zeros(tmp_path)))
    assert (empty.stake.nakamoto, empty.incentive.holders, empty.miner_incentive) == (0, 0, {})
    assert isinstance(np.float64(summary.stake.gini), float)


def _zeros(folder: Path) -> Path:
    path = folder / "zeros.csv"
    path.write_text("uid,hotkey,coldkey,stake\n0,h,c,0\n")
    return path
