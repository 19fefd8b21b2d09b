"""Committed weights that wait to be revealed: one file each next to the wallet, readable by its owner alone."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from consensus.chain.calls import RevealWeights, SetWeights
from consensus.errors import WalletError


@dataclass(frozen=True, slots=True)
class CommittedRow:
    """A row of weights and the salt that was hashed with it."""

    uids: tuple[int, ...]
    values: tuple[int, ...]
    salt: str
    version: int

    @classmethod
    def of(cls, call: SetWeights, salt: str) -> Self:
        """Take the row from the call that would set it openly."""
        return cls(call.uids, call.values, salt, call.version)

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read a file that `save` wrote."""
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            return cls(tuple(content["uids"]), tuple(content["values"]), content["salt"], content["version"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WalletError(f"{file} can't be read, so its weights can't be revealed: {error}") from error

    def save(self, folder: Path, netuid: int, block: int, digest: str) -> Path:
        """Write the row where `waiting` finds it, sync it to disk, and return the file."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / f"{block:012d}-{netuid}-{digest[:12]}.json"
        draft = file.with_suffix(".part")
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            json.dump(asdict(self), stream)
            stream.flush()
            os.fsync(stream.fileno())
        return draft.replace(file)

    def call(self, netuid: int) -> RevealWeights:
        """Make the call that reveals the row."""
        return RevealWeights(netuid, self.uids, self.values, self.salt, self.version)


@dataclass(frozen=True, slots=True)
class Committed:
    """Weights whose hash was put on the chain."""

    block: int
    digest: str
    reveal_epoch: int
    """Epoch of the subnet in which they may be revealed."""


def waiting(folder: Path, netuid: int) -> list[Path]:
    """List the files of a subnet's committed rows, oldest first."""
    return sorted(folder.glob(f"*-{netuid}-*.json")) if folder.is_dir() else []
