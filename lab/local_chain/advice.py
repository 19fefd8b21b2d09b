"""Which command mends a refusal of the local chain."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from consensus.amounts import TAO, tao
from consensus.errors import CallRefused, ChainError, Shortage, StoreCorrupt, StoreError, WalletError
from lab.cli.options import MAX_PORTIONS

if TYPE_CHECKING:
    from consensus.chain.chain import Chain

    from .session import ChainSession


def mend(place: ChainSession, error: ChainError, chain: Chain | None) -> str:
    """The command, in backquotes, with a word around it where it needs one; "" where no command helps."""
    if isinstance(error, WalletError):
        return _wallet(place, str(error))
    if isinstance(error, StoreError):
        if isinstance(error, StoreCorrupt) and ("://" not in place.where or place.where.startswith("sqlite")):
            return f"`subnetlab faucet {place.wallet} --chain OTHER.db` starts one elsewhere"
        return f"`subnetlab faucet {place.wallet}` starts one" if "no chain" in str(error) else ""
    if not isinstance(error, CallRefused) or chain is None:
        return ""
    if isinstance(error, Shortage):
        return _shortage(place, error, chain)
    if error.wait_blocks:
        return f"`subnetlab chain step {error.wait_blocks}`"
    if error.check == "subnet":
        return "`subnetlab subnet list`" if chain.netuids else f"`subnetlab subnet create {place.wallet}`"
    netuid = next(iter(chain.netuids), 1) if place.netuid is None else place.netuid
    if netuid not in chain.netuids:
        return ""
    return _of_subnet(place, error, chain, netuid)


def _wallet(place: ChainSession, reason: str) -> str:
    if "no wallet" in reason:
        return f"`subnetlab wallet new {place.wallet}`"
    if "has no hotkey" in reason:
        return f"`subnetlab wallet new {place.wallet} --hotkey {place.hotkey}`"
    return f"`subnetlab wallet new {place.wallet} --hotkey OTHER` adds one" if "already exists" in reason else ""


def _of_subnet(place: ChainSession, error: CallRefused, chain: Chain, netuid: int) -> str:
    """The mend of a rule that belongs to a subnet, or to a neuron on it."""
    rules, neuron = chain.hyperparameters(netuid), f"{place.wallet} --netuid {netuid} --hotkey {place.hotkey}"
    reason = str(error)
    row = f"weights {'commit' if rules.commit_reveal else 'set'} {neuron} UID=WEIGHT ..."
    run = f"`subnetlab chain run --epochs 1 --netuid {netuid}`"
    uids = f"`subnetlab metagraph {netuid}` lists the uids"
    if error.check == "registered" and "isn't" not in reason:
        return f"`subnetlab wallet new {place.wallet} --hotkey OTHER` makes a hotkey that may register"
    if error.check == "pow" and "registration_rule" not in reason:
        return ""
    if error.check == "owner":
        return _owners(place, chain.subnet(netuid).owner)
    mends = {
        "take": f"`subnetlab stake take {place.wallet} 9` keeps 9 percent",
        "registered": f"`subnetlab register {neuron}`",
        "hotkey": f"`subnetlab register {neuron}`",
        "permit": run if _staked(place, chain) else f"{_stake(place, chain, 100 * TAO)}, then {run}",
        "stake": _stake(place, chain, rules.stake_threshold_rao),
        "too_early": run,
        "commit": f"`subnetlab {row}`",
        "commit_reveal": f"`subnetlab {row}`",
        "commits": f"`subnetlab weights reveal {neuron}`, or {run}",
        "pow": f"`subnetlab subnet hyperparameters {netuid} --wallet OWNER --set registration_rule=interval`",
        "version": f"`--version {rules.weights_version}`",
        "uid": uids,
        "too_few": uids,
        "weight_limit": f"share it among more of them: {uids}",
        "hyperparameter": f"`subnetlab subnet hyperparameters {netuid}` shows the rules",
    }
    return mends.get(error.check, "")


def _staked(place: ChainSession, chain: Chain) -> int:
    """What is staked on the hotkey that the command named, rao."""
    return chain.stake(place.hotkey_address())


def _stake(place: ChainSession, chain: Chain, wanted_rao: int) -> str:
    """The command that brings the hotkey's stake to this much."""
    short = -(-max(wanted_rao - _staked(place, chain), 0) // TAO)
    return f"`subnetlab stake add {place.wallet} {short} --hotkey {place.hotkey}`"


def _owners(place: ChainSession, coldkey: str) -> str:
    """Which of the wallets here may do it."""
    owner = next((entry.name for entry in place.wallets.entries() if entry.coldkey == coldkey), None)
    return "its key is in none of the wallets here" if owner is None else f"`--wallet {owner}`"


def _shortage(place: ChainSession, error: Shortage, chain: Chain) -> str:
    if error.check == "stake":
        to, off = ("--to", "--from") if place.delegate else ("--hotkey", "--hotkey")
        target = place.delegate or place.hotkey
        if not error.have_rao:
            return f"`subnetlab stake add {place.wallet} AMOUNT {to} {target}`"
        return f"`subnetlab stake remove {place.wallet} {Decimal(error.have_rao) / TAO:f} {off} {target}`"
    if not chain.genesis.development:
        return ""
    times = -(-(error.need_rao - error.have_rao) // chain.genesis.faucet_rao)
    if times > MAX_PORTIONS:
        most = tao(MAX_PORTIONS * chain.genesis.faucet_rao)
        return f"the faucet can't make up for that, it gives {most} at most"
    return f"`subnetlab faucet {place.wallet} --times {times}`"
