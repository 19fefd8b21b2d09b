"""Snapshots of a subnet, ours and others', and how concentrated they are."""

import json
from pathlib import Path

import numpy as np
import pytest

from consensus import TAO, Metagraph, concentration
from consensus.chain.calls import ServeAxon, SetWeights
from consensus.chain.concentration import gini, holding, nakamoto
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
        ([ROW | {"stake": float("nan")}], "neuron 1: stake is nan"),
        ([ROW | {"stake": -1}], "neuron 1: stake is -1; allowed: 0.0 to"),
        ([ROW | {"incentive": 1.5}], "neuron 1: incentive is 1.5; allowed: 0.0 to 1.0"),
        ([ROW | {"stake_rao": 1.5}], "stake_rao is 1.5"),
        ([ROW | {"stake_rao": 2**63}], "stake_rao is"),
        ([ROW | {"uid": "x"}], "uid is 'x'"),
        ([ROW | {"active": "maybe"}], "active is 'maybe'"),
        ([ROW, ROW], "neuron 2: uid 0 occurs twice"),
        ([ROW, ROW | {"uid": 2}], "uid 1 is missing"),
        ([{"hotkey": "h", "coldkey": "c"}], "no stake_rao and no stake"),
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
