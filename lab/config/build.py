"""Plug-ins from the tables of a config, each neuron with a seed of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from miners import MINERS, Miner
from subnets import PluginError, Seed, Subnet
from validators import VALIDATORS, Validator

from .placeholders import fill_options
from .tables import MinerTable, ValidatorTable


def build_validators(tables: Sequence[ValidatorTable], seed: int) -> list[Validator]:
    """Build all validators.

    Raises:
        PluginError: with the key of the table in front.
    """
    validators: list[Validator] = []
    for place, table in enumerate(tables):
        for _ in range(table.count):
            own_seed = Seed(seed).child("validator", len(validators)).integer()
            with _naming(f"validators[{place}]", table.options["kind"]):
                validators.append(VALIDATORS.load({"seed": own_seed, **table.options}))
    return validators


def build_miners(
    tables: Sequence[MinerTable],
    seed: int,
    subnet: Subnet,
    task_seeds: tuple[int, ...],
    addresses: Mapping[str, str] | None = None,
) -> list[Miner]:
    """Build all miners; a table that names another miner comes after that miner's.

    Args:
        tables: the config's `[[miners]]`.
        seed: the run's.
        subnet: the run's, which insiders learn together with `task_seeds`.
        task_seeds: seeds of the validators that ask.
        addresses: URLs of the servers that run, by name. None where no server runs, as in an audit.

    Raises:
        PluginError: with the key of the table in front.
        ModelError: servers run, and a `{model:NAME}` is not on this machine.
    """
    miners: dict[str, Miner] = {}
    for place, table in enumerate(tables):
        for name in table.names():
            own_seed = Seed(seed).child("miner", len(miners)).integer()
            with _naming(f"miners[{place}]", table.options["kind"]):
                miner = build_miner(table, own_seed, miners, addresses)
            miners[name] = miner.suited(subnet).informed(subnet, task_seeds)
    return list(miners.values())


def build_miner(
    table: MinerTable, seed: int, others: Mapping[str, Miner], addresses: Mapping[str, str] | None = None
) -> Miner:
    """Build one miner; an option that holds another miner may name one of `others`."""
    options = fill_options(table.options, addresses)
    kind = options["kind"]
    for key in MINERS.find(kind).needs_miners if isinstance(kind, str) else ():
        if isinstance(options.get(key), str) and options[key] in others:
            options[key] = MINERS.spec(others[options[key]])
    return MINERS.load({"seed": seed, **options})


@contextmanager
def _naming(where: str, kind: str) -> Iterator[None]:
    """Put the key of a table in front of a message about its plug-in."""
    try:
        yield
    except PluginError as error:
        message = str(error)
        key = message.removeprefix(kind) if message.startswith(f"{kind}.") else f".kind: {message}"
        raise PluginError(where + key) from error
