"""Stand-in for the package `bittensor` where it is not installed, for code that is written for it and runs here.

It has the names that the field's template uses, with no chain and no network behind them. A wallet's hotkey is made up,
a subtensor knows one subnet, and its metagraph shows the caller of the query that is being answered. An axon keeps the
functions that are attached to it, and a dendrite refuses: validators ask through the laboratory.
"""

from __future__ import annotations

import argparse
import copy
import logging as python_logging
import tempfile
from collections.abc import Callable
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

__version__ = "10.5.0"
"""Last version of the package with axon and dendrite, whose interface this is."""
OWN_HOTKEY = "5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM"
"""The address of an all-zero public key with its first bytes changed; nobody holds it."""

_logger = python_logging.getLogger("bittensor")


class TerminalInfo(BaseModel):
    """One end of a connection."""

    model_config = ConfigDict(extra="allow")

    status_code: int | None = None
    status_message: str | None = None
    process_time: float | None = None
    ip: str | None = None
    port: int | None = None
    version: int | None = None
    nonce: int | None = None
    uuid: str | None = None
    hotkey: str | None = None
    signature: str | None = None


class Synapse(BaseModel):
    """A question and, once it is filled, its answer; a protocol is a subclass with fields of its own."""

    model_config = ConfigDict(validate_assignment=True, arbitrary_types_allowed=True)

    required_hash_fields: ClassVar[tuple[str, ...]] = ()

    name: str | None = None
    timeout: float | None = 12.0
    total_size: int | None = 0
    header_size: int | None = 0
    dendrite: TerminalInfo | None = None
    axon: TerminalInfo | None = None
    computed_body_hash: str | None = ""

    def deserialize(self) -> Any:
        """Return what a validator gets: the synapse itself, unless a protocol returns one of its fields."""
        return self

    @property
    def is_success(self) -> bool:
        """True unless a status says otherwise."""
        return self.dendrite is None or self.dendrite.status_code in (None, 200)

    @property
    def is_failure(self) -> bool:
        """True if a status says so."""
        return not self.is_success


class Config(dict[str, Any]):
    """Nested settings, read as attributes; those that nobody set are None."""

    def __init__(self, parser: argparse.ArgumentParser | None = None, args: Any = None, **values: Any) -> None:
        super().__init__(values)
        if parser is not None:
            # The command line is the laboratory's own, so only defaults count.
            for name, value in vars(parser.parse_args([] if args is None else args)).items():
                self._set(name, value)

    def _set(self, name: str, value: Any) -> None:
        first, _, rest = name.partition(".")
        if rest:
            self.setdefault(first, Config())._set(rest, value)
        else:
            self[first] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __deepcopy__(self, memo: dict[int, Any]) -> Config:
        return Config(**{name: copy.deepcopy(value, memo) for name, value in self.items()})

    def merge(self, other: dict[str, Any] | None) -> None:
        """Take over the settings of another config, table by table."""
        for name, value in (other or {}).items():
            if isinstance(value, dict) and isinstance(self.get(name), Config):
                self[name].merge(value)
            else:
                self[name] = value


class Keypair:
    """A key that signs nothing."""

    def __init__(self, ss58_address: str = OWN_HOTKEY) -> None:
        self.ss58_address = ss58_address


class Wallet:
    """A wallet with made-up keys."""

    def __init__(self, name: str | None = None, hotkey: str | None = None, config: Any = None, **_: Any) -> None:
        self.name = name or "default"
        self.hotkey_str = hotkey or "default"
        self.hotkey = Keypair()
        self.coldkey = self.coldkeypub = Keypair()

    @classmethod
    def add_args(cls, parser: argparse.ArgumentParser, prefix: str | None = None) -> None:
        """Add the options that code for the package expects."""
        for name, default in (("name", "default"), ("hotkey", "default"), ("path", tempfile.gettempdir())):
            parser.add_argument(f"--wallet.{name}", default=default)


class Metagraph:
    """The view that a miner has of its subnet: itself, and the caller of the query that it is answering."""

    def __init__(self, netuid: int = 1, network: str = "laboratory", **_: Any) -> None:
        self.netuid, self.network = netuid, network
        self.block = _Number(0)
        self.see("", 0.0, permit=False)

    def see(self, hotkey: str, stake: float, *, permit: bool) -> None:
        """Show a caller next to the miner."""
        import numpy as np

        known = bool(hotkey)
        self.hotkeys = [OWN_HOTKEY, *([hotkey] if known else [])]
        self.coldkeys = list(self.hotkeys)
        self.uids = np.arange(len(self.hotkeys))
        self.n = _Number(len(self.hotkeys))
        self.S = self.total_stake = np.array([0.0, *([stake] if known else [])], np.float32)
        self.validator_permit = np.array([False, *([permit] if known else [])])
        self.last_update = np.zeros(len(self.hotkeys), np.int64)
        self.axons = [TerminalInfo(hotkey=each) for each in self.hotkeys]

    @property
    def stake(self) -> Any:
        """Stake by uid, in tokens."""
        return self.S

    def sync(self, *_: Any, **__: Any) -> None:
        """Do nothing: the laboratory shows each caller as it asks."""


class _Number(int):
    """A number that also has the method of a tensor with one element."""

    def item(self) -> int:
        return int(self)


class NotWithoutChain(AttributeError, NotImplementedError):
    """An attribute that the stand-in lacks: `hasattr`, `copy` and `pickle` expect an AttributeError."""


class Subtensor:
    """A chain with one subnet, on which everybody is registered."""

    chain_endpoint = "laboratory"
    network = "laboratory"
    block = 0

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    @classmethod
    def add_args(cls, parser: argparse.ArgumentParser, prefix: str | None = None) -> None:
        """Add the options that code for the package expects."""
        for name in ("network", "chain_endpoint"):
            parser.add_argument(f"--subtensor.{name}", default="laboratory")

    def metagraph(self, netuid: int = 1, **_: Any) -> Metagraph:
        """Return the metagraph that every miner of this process sees."""
        return METAGRAPH

    def is_hotkey_registered(self, *_: Any, **__: Any) -> bool:
        """Return True: whoever the config names is registered."""
        return True

    def get_current_block(self) -> int:
        """Return block 0."""
        return 0

    def __getattr__(self, name: str) -> Any:
        raise NotWithoutChain(f"subtensor.{name} is not there without a chain; see docs/template.md")


class Axon:
    """Keeps the functions that are attached; the laboratory calls them."""

    def __init__(self, wallet: Wallet | None = None, config: Any = None, port: int | None = None, **_: Any) -> None:
        self.wallet, self.config, self.port = wallet, config, port
        self.forward_fn: Callable[..., Any] | None = None
        self.blacklist_fn: Callable[..., Any] | None = None
        self.priority_fn: Callable[..., Any] | None = None

    @classmethod
    def add_args(cls, parser: argparse.ArgumentParser, prefix: str | None = None) -> None:
        """Add the options that code for the package expects."""
        parser.add_argument("--axon.port", type=int, default=8091)

    def attach(
        self,
        forward_fn: Callable[..., Any],
        blacklist_fn: Callable[..., Any] | None = None,
        priority_fn: Callable[..., Any] | None = None,
        verify_fn: Callable[..., Any] | None = None,
    ) -> Self:
        """Keep a miner's functions."""
        self.forward_fn, self.blacklist_fn, self.priority_fn = forward_fn, blacklist_fn, priority_fn
        return self

    def start(self) -> Self:
        """Do nothing: no port is opened."""
        return self

    def serve(self, *_: Any, **__: Any) -> Self:
        """Do nothing: there is no chain to announce it on."""
        return self

    def stop(self) -> Self:
        """Do nothing."""
        return self


class Dendrite:
    """Refuses to ask: validators ask through the laboratory, which times and meters the answers."""

    def __init__(self, wallet: Wallet | None = None, **_: Any) -> None:
        self.keypair = wallet.hotkey if wallet is not None else Keypair()

    async def __call__(self, *_: Any, **__: Any) -> Any:
        """Refuse."""
        raise NotImplementedError("a dendrite does not ask here; the laboratory's validators do (docs/template.md)")

    forward = query = __call__


class Logging:
    """Passes messages on to Python's logging; every other method does nothing."""

    _levels: ClassVar[dict[str, int]] = {
        **{"trace": python_logging.DEBUG, "debug": python_logging.DEBUG, "info": python_logging.INFO},
        **{"success": python_logging.INFO, "warning": python_logging.WARNING, "error": python_logging.ERROR},
    }

    def __call__(self, *_: Any, **__: Any) -> None:
        """Do nothing: the laboratory sets up logging."""

    def add_args(self, parser: argparse.ArgumentParser, prefix: str | None = None) -> None:
        """Add the options that code for the package expects."""
        parser.add_argument("--logging.debug", action="store_true")
        parser.add_argument("--logging.trace", action="store_true")
        parser.add_argument("--logging.logging_dir", default=tempfile.gettempdir())

    def __getattr__(self, name: str) -> Callable[..., None]:
        level = self._levels.get(name)

        def log(message: object = "", *rest: object, **_: object) -> None:
            if level is not None:
                _logger.log(level, "%s", " ".join(map(str, (message, *rest))))

        return log


METAGRAPH = Metagraph()
logging = Logging()
config, wallet, subtensor, axon, dendrite, metagraph = Config, Wallet, Subtensor, Axon, Dendrite, Metagraph
