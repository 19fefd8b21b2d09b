"""Payouts: what an epoch earned, who gets it, and what is recycled.

The owner's cut comes off first (18 %); miners and validators share the rest equally (41 % each; with owner_cut 0 the
older 50/50). A validator's hotkey keeps its take; its delegators share the remainder by stake. Remainders of rounding
and unearned emission are recycled, that is, removed from the issuance.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from consensus.amounts import MAX_RAO
from consensus.chain.handlers.weights import unexpired
from consensus.yuma.params import YumaParams
from consensus.yuma.state import NO_COMMIT, SubnetState

from .chain_state import ChainState
from .ledger import Ledger
from .subnet import Subnet

if TYPE_CHECKING:
    from consensus.yuma.yuma import EpochResult

U16 = 65535
Role = Literal["owner", "miner", "validator", "delegator"]


@dataclass(frozen=True, slots=True)
class Payout:
    """One payment of an epoch."""

    role: Role
    coldkey: str
    hotkey: str | None
    """Hotkey that earned it; None for the cut of an owner without a hotkey."""
    uid: int | None
    amount_rao: int


@dataclass(frozen=True, slots=True, eq=False)
class Epoch:
    """One epoch of one subnet: the consensus, and the money. Arrays have shape (n,), one entry per uid."""

    netuid: int
    number: int
    """1 for the subnet's first."""
    block: int
    emission_rao: int
    """Minted for the subnet since its previous epoch; the sum of the payouts and `recycled_rao`."""
    owner_cut_rao: int
    recycled_rao: int
    hotkeys: tuple[str, ...]
    coldkeys: tuple[str, ...]
    stake_rao: NDArray[np.int64]
    """Stake on each hotkey before the payouts."""
    miner_rao: NDArray[np.int64]
    """Paid for incentive; zero for the owner's miners if their share was recycled."""
    validator_rao: NDArray[np.int64]
    """Paid for dividends, including the delegators' part."""
    payouts: tuple[Payout, ...]
    result: "EpochResult | None"
    """The full consensus; None if the subnet had no neuron."""

    @property
    def incentive(self) -> NDArray[Any]:
        """The miners' shares of their pay, u16."""
        return self._column("incentive")

    @property
    def dividends(self) -> NDArray[Any]:
        """The validators' shares of their pay, u16."""
        return self._column("dividends")

    @property
    def consensus(self) -> NDArray[Any]:
        """Stake-weighted median weights, u16."""
        return self._column("consensus")

    @property
    def validator_trust(self) -> NDArray[Any]:
        """Part of each validator's weights that consensus accepted, u16."""
        return self._column("validator_trust")

    def paid_rao(self) -> dict[Role, int]:
        """Return the sums of the payouts by role."""
        sums: dict[Role, int] = dict.fromkeys(get_args(Role), 0)
        for payout in self.payouts:
            sums[payout.role] += payout.amount_rao
        return sums

    def _column(self, name: str) -> NDArray[Any]:
        return np.zeros(0, np.int64) if self.result is None else np.asarray(getattr(self.result, name))


def next_epoch(subnet: Subnet, block: int, cadence: str) -> int:
    """Return the first block after `block` in which the subnet is due."""
    tempo = subnet.hyperparameters.tempo
    if cadence == "legacy":
        return block + 1 + (tempo - (block + 1 + subnet.netuid)) % (tempo + 1)
    return max(block + 1, subnet.last_epoch_block + tempo)


def mint(state: ChainState, blocks: int) -> None:
    """Mint the emission of this many blocks, split equally between the subnets, for their next epochs."""
    if not state.subnets or not state.genesis.emission_per_block_rao:
        return
    share = state.genesis.emission_per_block_rao // len(state.subnets) * blocks
    share = min(share, (MAX_RAO - state.ledger.issuance_rao) // len(state.subnets))
    for subnet in state.subnets.values():
        subnet.pending_rao += share
        subnet.touch()
    state.ledger.issuance_rao += share * len(state.subnets)


def run_due_epochs(state: ChainState) -> list[Epoch]:
    """Run the open block's epochs, longest waiting first; the rest stay due for a later block."""
    block, cadence = state.block, state.genesis.cadence
    due = [subnet for subnet in state.subnets.values() if next_epoch(subnet, block - 1, cadence) == block]
    due.sort(key=lambda subnet: (subnet.last_epoch_block, subnet.netuid))
    if cadence == "stateful":
        due = due[: state.genesis.max_epochs_per_block]
    return [run_subnet_epoch(state, subnet) for subnet in due]


def run_subnet_epoch(state: ChainState, subnet: Subnet) -> Epoch:
    """Run the consensus on the subnet's current state, pay out, and store the outcome."""
    ledger, rules = state.ledger, subnet.hyperparameters
    minted, subnet.pending_rao = subnet.pending_rao, 0
    stakes = np.array([ledger.stake(hotkey) for hotkey in subnet.hotkeys], np.int64)
    coldkeys = tuple(ledger.owners[hotkey] for hotkey in subnet.hotkeys)
    payouts: list[Payout] = []
    miner_rao = validator_rao = np.zeros(0, np.int64)
    cut, result = 0, None
    if subnet.size:
        cut = minted * rules.owner_cut // U16
        result = _consensus(state, subnet, stakes, minted - cut)
        miner_rao, validator_rao = _shares(minted - cut, result)
        if rules.recycle_owner_incentive:
            miner_rao = np.where(np.array(coldkeys) == subnet.owner, 0, miner_rao)
        _store(subnet, result)
        payouts = _payouts(state, subnet, cut, miner_rao, validator_rao)
        subnet.last_mechanism_block = state.block
    for payout in payouts:
        if state.genesis.pay_to == "stake" and payout.hotkey is not None:
            ledger.add_stake(payout.hotkey, payout.coldkey, payout.amount_rao)
        else:
            ledger.credit(payout.coldkey, payout.amount_rao)
    recycled = minted - sum(payout.amount_rao for payout in payouts)
    ledger.recycle(recycled)
    subnet.epochs += 1
    subnet.last_epoch_block = state.block
    subnet.touch(*range(subnet.size))
    return Epoch(
        subnet.netuid,
        subnet.epochs,
        state.block,
        minted,
        cut,
        recycled,
        tuple(subnet.hotkeys),
        coldkeys,
        stakes,
        miner_rao,
        validator_rao,
        tuple(payouts),
        result,
    )


def yuma_params(subnet: Subnet) -> YumaParams:
    """Return the epoch's parameters under the subnet's rules."""
    rules = subnet.hyperparameters
    return YumaParams(
        version=rules.yuma_version,
        kappa=rules.kappa,
        bonds_penalty=rules.bonds_penalty,
        bonds_moving_average=rules.bonds_moving_average,
        liquid_alpha=rules.liquid_alpha,
        alpha_low=rules.alpha_low,
        alpha_high=rules.alpha_high,
        alpha_sigmoid_steepness=rules.alpha_sigmoid_steepness,
        liquid_alpha_consensus=rules.liquid_alpha_consensus,
        activity_cutoff=rules.cutoff,
        max_allowed_validators=rules.max_allowed_validators,
        stake_threshold=rules.stake_threshold_rao,
    )


def subnet_state(state: ChainState, subnet: Subnet) -> SubnetState:
    """Return the input of an epoch in the open block."""
    block, never_stepped = state.block, subnet.last_mechanism_block == 0
    commit_block = None
    if subnet.hyperparameters.commit_reveal:
        earliest = (min((c.block for c in unexpired(subnet, uid)), default=NO_COMMIT) for uid in range(subnet.size))
        commit_block = np.fromiter(earliest, np.int64, subnet.size)
    return SubnetState(
        stake=np.array([state.ledger.stake(hotkey) for hotkey in subnet.hotkeys], np.int64),
        validator_permit=np.array(subnet.validator_permit, np.bool_),
        last_update=np.array(subnet.last_update, np.int64),
        registered_at=np.array(subnet.registered_at, np.int64),
        weights=subnet.weight_rows(),
        bonds=subnet.bond_rows(),
        block=block,
        last_tempo=max(0, block - subnet.hyperparameters.tempo) if never_stepped else subnet.last_mechanism_block + 1,
        owner_uid=subnet.owner_uid,
        commit_block=commit_block,
        previous_consensus=np.array(subnet.consensus, np.int64),
    )


def _consensus(state: ChainState, subnet: Subnet, stakes: NDArray[np.int64], emission_rao: int) -> "EpochResult":
    from consensus.yuma.yuma import run_epoch  # compiles its kernels: only if an epoch really runs

    return run_epoch(subnet_state(state, subnet), yuma_params(subnet), emission=emission_rao)


def _shares(paid_rao: int, result: "EpochResult") -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return miners' and validators' rao: validators share one half by dividends, or all if no miner earned."""
    miners = np.asarray(result.server_emission).astype(np.int64)
    to_miners = int(miners.sum())
    pot = paid_rao if to_miners == 0 else min(paid_rao // 2, paid_rao - to_miners)
    dividends = [int(amount) for amount in result.validator_emission]
    total = sum(dividends)
    shares = [pot * amount // total if total else 0 for amount in dividends]
    return miners, np.array(shares, np.int64)


def _store(subnet: Subnet, result: "EpochResult") -> None:
    for name in ("stake_weight", "consensus", "incentive", "dividends", "validator_trust", "emission"):
        setattr(subnet, name, np.asarray(getattr(result, name)).tolist())
    subnet.active = np.asarray(result.active).tolist()
    subnet.validator_permit = np.asarray(result.validator_permit).tolist()
    subnet.bonds = result.bonds


def _payouts(
    state: ChainState, subnet: Subnet, cut_rao: int, miner_rao: NDArray[np.int64], validator_rao: NDArray[np.int64]
) -> list[Payout]:
    owners = state.ledger.owners
    payouts = [Payout("owner", subnet.owner, subnet.owner_hotkey, subnet.owner_uid, cut_rao)] if cut_rao else []
    for uid in np.flatnonzero(miner_rao).tolist():
        hotkey = subnet.hotkeys[uid]
        payouts.append(Payout("miner", owners[hotkey], hotkey, uid, int(miner_rao[uid])))
    for uid in np.flatnonzero(validator_rao).tolist():
        take = state.ledger.takes.get(subnet.hotkeys[uid], state.genesis.default_take)
        payouts.extend(_dividend(state.ledger, subnet.hotkeys[uid], uid, int(validator_rao[uid]), take))
    return payouts


def _dividend(ledger: Ledger, hotkey: str, uid: int, amount_rao: int, take: int) -> list[Payout]:
    """Pay delegators by stake after the take; the validator's coldkey gets take, own share and odd rao."""
    owner, total = ledger.owners[hotkey], ledger.stake(hotkey)
    shared = amount_rao - amount_rao * take // U16
    delegated = []
    for coldkey, stake in ledger.stakes.get(hotkey, {}).items():
        if coldkey != owner and (part := shared * stake // total):
            delegated.append(Payout("delegator", coldkey, hotkey, uid, part))
    remainder = amount_rao - sum(payout.amount_rao for payout in delegated)
    return [Payout("validator", owner, hotkey, uid, remainder), *delegated] if remainder else delegated
