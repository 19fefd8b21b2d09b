"""Metagraph: a subnet's neurons at one block, their stake, and their results of the last epoch.

    chain.metagraph(1).save("sn1.csv")
    concentration(Metagraph.load("sn1.csv"))

CSV has one line per neuron, JSON the same under "neurons". A file from elsewhere is read by the names and units of
`foreign_names`. It needs the hotkey, the coldkey and the stake of each neuron; other columns may be missing and count
as zero, and unknown ones are ignored.
"""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consensus.amounts import MAX_RAO, TAO
from consensus.errors import SnapshotError

from .chain_state import ChainState
from .foreign_names import delimiter, rows_of, translated, with_shares
from .subnet import Subnet

U16 = 65535
SHARES = ("stake_weight", "consensus", "incentive", "dividends", "validator_trust")
NUMBERS = ("stake_rao", "emission_rao", "last_update", "registered_at")
FLAGS = ("active", "validator_permit")
TEXTS = ("hotkey", "coldkey", "axon")
FLAG_WORDS = dict.fromkeys(("true", "1", "yes", "y", "*", "✓"), True) | dict.fromkeys(
    ("false", "0", "no", "n", "-", ""), False
)
COLUMNS = (
    "uid",
    "hotkey",
    "coldkey",
    "stake_rao",
    *SHARES,
    "emission_rao",
    *FLAGS,
    "last_update",
    "registered_at",
    "axon",
)


@dataclass(frozen=True, slots=True, eq=False)
class Metagraph:
    """One subnet at one block. Arrays have shape (n,), one entry per uid; shares are the chain's u16 over 65535."""

    netuid: int
    block: int
    hotkeys: tuple[str, ...]
    coldkeys: tuple[str, ...]
    stake_rao: NDArray[np.int64]
    stake_weight: NDArray[np.float64]
    consensus: NDArray[np.float64]
    incentive: NDArray[np.float64]
    dividends: NDArray[np.float64]
    validator_trust: NDArray[np.float64]
    emission_rao: NDArray[np.int64]
    """Amount paid by the last epoch, miners' and validators' parts together."""
    active: NDArray[np.bool_]
    validator_permit: NDArray[np.bool_]
    last_update: NDArray[np.int64]
    registered_at: NDArray[np.int64]
    axons: tuple[str, ...]
    """`ip:port`, or empty."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Metagraph):
            return NotImplemented
        return all(np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    @property
    def n(self) -> int:
        """Number of neurons."""
        return len(self.hotkeys)

    @classmethod
    def of(cls, state: ChainState, subnet: Subnet) -> "Metagraph":
        """Take a snapshot of the subnet."""
        ledger = state.ledger
        axons = (subnet.axons.get(uid) for uid in range(subnet.size))
        columns: dict[str, Any] = {name: np.array(getattr(subnet, name), np.float64) / U16 for name in SHARES}
        columns |= {name: np.array(getattr(subnet, name), np.bool_) for name in FLAGS}
        columns |= {name: np.array(getattr(subnet, name), np.int64) for name in ("last_update", "registered_at")}
        return cls(
            netuid=subnet.netuid,
            block=state.block,
            hotkeys=tuple(subnet.hotkeys),
            coldkeys=tuple(ledger.owners[hotkey] for hotkey in subnet.hotkeys),
            stake_rao=np.array([ledger.stake(hotkey) for hotkey in subnet.hotkeys], np.int64),
            emission_rao=np.array(subnet.emission, np.int64),
            axons=tuple(f"{axon.ip}:{axon.port}" if axon else "" for axon in axons),
            **columns,
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return one plain mapping per neuron, by uid."""
        columns: dict[str, Sequence[Any]] = {
            "uid": range(self.n),
            "hotkey": self.hotkeys,
            "coldkey": self.coldkeys,
            "axon": self.axons,
            **{name: getattr(self, name).tolist() for name in (*SHARES, *NUMBERS, *FLAGS)},
        }
        return [{name: columns[name][uid] for name in COLUMNS} for uid in range(self.n)]

    def cells(self) -> list[tuple[str, ...]]:
        """Return the cells of a table: the column heads, then one line per neuron."""
        head = ("uid", "stake τ", "permit", "incentive", "dividends", "vtrust", "emission τ", "updated", "hotkey")
        lines = [
            (
                str(row["uid"]),
                f"{row['stake_rao'] / TAO:,.4f}",
                "*" if row["validator_permit"] else "",
                *(f"{row[name]:.5f}" for name in ("incentive", "dividends", "validator_trust")),
                f"{row['emission_rao'] / TAO:,.5f}",
                str(self.block - row["last_update"]),
                row["hotkey"][:12],
            )
            for row in self.rows()
        ]
        return [head, *lines]

    def table(self) -> str:
        """Format the table as plain text."""
        cells = self.cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join("  ".join(cell.rjust(w) for cell, w in zip(line, widths, strict=True)) for line in cells)

    def save(self, path: str | Path) -> None:
        """Write `.csv` or `.json`, by the file's suffix; raises a `SnapshotError` if that fails."""
        path = Path(path)
        is_json = _format(path) == ".json"
        try:
            with path.open("w", newline="", encoding="utf-8") as file:
                if is_json:
                    content = {"netuid": self.netuid, "block": self.block, "neurons": self.rows()}
                    file.write(json.dumps(content, indent=1) + "\n")
                    return
                writer = csv.DictWriter(file, ["netuid", "block", *COLUMNS])
                writer.writeheader()
                writer.writerows({"netuid": self.netuid, "block": self.block} | row for row in self.rows())
        except OSError as error:
            raise SnapshotError(f"{path} can't be written: {error.strerror}") from error

    @classmethod
    def load(cls, path: str | Path) -> "Metagraph":
        """Read `.csv` or `.json`; a `SnapshotError` names the line and the value it refuses."""
        path = Path(path)
        is_json = _format(path) == ".json"
        try:
            text = path.read_text(encoding="utf-8-sig")
            separator = "," if is_json else delimiter(text)
            content = json.loads(text) if is_json else list(csv.DictReader(text.splitlines(), delimiter=separator))
            rows = rows_of(content)
        except OSError as error:
            raise SnapshotError(f"{path} can't be read: {error.strerror}") from error
        except (ValueError, KeyError, RecursionError, csv.Error) as error:
            raise SnapshotError(f"{path} is not a metagraph: {error.args[0] if error.args else error}") from error
        if not all(isinstance(row, dict) for row in rows):
            raise SnapshotError(f"{path}: the neurons are not a list of objects")
        if not rows:
            raise SnapshotError(f"{path} has no neuron")
        place = rows[0] | (content if isinstance(content, dict) else {})
        top = translated({name: value for name, value in place.items() if not isinstance(value, list)}, 0)
        block = _number(str(path), "block", top.get("block"), 0, MAX_RAO, int)
        neurons = [translated(row, block, decimal_comma=separator == ";") for row in rows]
        with_shares(neurons)
        for name in ("hotkey", "coldkey", "stake_rao"):
            if not any(name in row for row in neurons):
                known = ", ".join(str(column) for column in rows[0])
                raise SnapshotError(f"{path} has no {name} or another name for it; its columns are {known}")
        return cls._from_rows(path, top, neurons)

    @classmethod
    def _from_rows(cls, path: Path, top: Mapping[str, Any], rows: list[dict[str, Any]]) -> "Metagraph":
        by_uid: dict[int, dict[str, Any]] = {}
        for line, row in enumerate(rows, start=1):
            where = f"{path}: neuron {line}"
            read = {
                name: _number(where, name, row.get(name), 0, MAX_RAO, int) for name in NUMBERS if name != "stake_rao"
            }
            read |= {name: _number(where, name, row.get(name), 0.0, 1.0, float) for name in SHARES}
            read |= {name: _flag(where, name, row.get(name)) for name in FLAGS}
            read |= {name: str(row.get(name) or "") for name in TEXTS}
            read["stake_rao"] = _number(where, "stake_rao", row.get("stake_rao"), 0, MAX_RAO, int)
            if not read["hotkey"] or not read["coldkey"]:
                raise SnapshotError(f"{where} lacks its hotkey or coldkey")
            uid = _number(where, "uid", row.get("uid", line - 1), 0, 65535, int)
            if uid in by_uid:
                raise SnapshotError(f"{where}: uid {uid} occurs twice")
            by_uid[uid] = read
        if missing := set(range(len(by_uid))) - set(by_uid):
            raise SnapshotError(f"{path}: uid {min(missing)} is missing; allowed: 0 to {len(by_uid) - 1}, each once")
        ordered = [by_uid[uid] for uid in range(len(by_uid))]
        kinds = dict.fromkeys(SHARES, np.float64) | dict.fromkeys(NUMBERS, np.int64) | dict.fromkeys(FLAGS, np.bool_)
        columns: dict[str, Any] = {n: np.array([row[n] for row in ordered], kind) for n, kind in kinds.items()}
        return cls(
            netuid=_number(str(path), "netuid", top.get("netuid"), 0, 65535, int),
            block=_number(str(path), "block", top.get("block"), 0, MAX_RAO, int),
            hotkeys=tuple(row["hotkey"] for row in ordered),
            coldkeys=tuple(row["coldkey"] for row in ordered),
            axons=tuple(row["axon"] for row in ordered),
            **columns,
        )


def _format(path: Path) -> str:
    if path.suffix.lower() not in (".json", ".csv"):
        raise SnapshotError(f"{path}: a metagraph file ends in .json or .csv")
    return path.suffix.lower()


def _number(where: str, name: str, value: Any, low: float, high: float, kind: type) -> Any:
    """Read a finite number within low..high; a missing value counts as zero."""
    if value is None or value == "":
        return kind(0)
    try:
        number = kind(value)
        exact = isinstance(value, str) or number == value
    except (TypeError, ValueError, OverflowError):
        exact, number = False, 0
    if not exact or isinstance(value, bool) or not math.isfinite(number) or not low <= number <= high:
        raise SnapshotError(f"{where}: {name} is {value!r}; allowed: {low} to {high}")
    return number


def _flag(where: str, name: str, value: Any) -> bool:
    key = str("" if value is None else value).strip().lower()
    if key not in FLAG_WORDS:
        raise SnapshotError(f"{where}: {name} is {value!r}; allowed: {', '.join(filter(None, FLAG_WORDS))}")
    return FLAG_WORDS[key]
