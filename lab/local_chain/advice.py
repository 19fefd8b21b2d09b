"""Advice: the command that fixes a refusal of the local chain."""

from decimal import Decimal

from consensus.amounts import TAO, tao
from consensus.chain.chain import Chain
from consensus.errors import (
    CallRefused,
    ChainError,
    KeyExists,
    KeyMissing,
    Shortage,
    StoreCorrupt,
    StoreMissing,
    WalletError,
)

from .defaults import MAX_PAYOUTS
from .session import ChainSession


def fix_for(error: ChainError, session: ChainSession) -> str:
    """Return the command in backquotes, with a few words if it needs them; "" if no command helps."""
    if isinstance(error, WalletError):
        return _wallet(error, session)
    if isinstance(error, StoreCorrupt):
        in_file = "://" not in session.where or session.where.startswith("sqlite")
        return f"`subnetlab faucet {session.keys.wallet} --chain OTHER.db` starts one elsewhere" if in_file else ""
    if isinstance(error, StoreMissing):
        return f"`subnetlab faucet {session.keys.wallet}` starts one"
    if not isinstance(error, CallRefused) or session.chain is None:
        return ""
    chain = session.chain
    if isinstance(error, Shortage):
        return _shortage(error, session, chain)
    if error.wait_blocks:
        return f"`subnetlab chain step {error.wait_blocks}`"
    if error.check == "subnet":
        return "`subnetlab subnet list`" if chain.netuids else f"`subnetlab subnet create {session.keys.wallet}`"
    netuid = next(iter(chain.netuids), 1) if session.netuid is None else session.netuid
    return _subnet(error.check, session, chain, netuid) if netuid in chain.netuids else ""


def _wallet(error: WalletError, session: ChainSession) -> str:
    if isinstance(error, KeyMissing):
        hotkey = f" --hotkey {error.hotkey}" if error.hotkey else ""
        return f"`subnetlab wallet new {error.wallet}{hotkey}`"
    if isinstance(error, KeyExists):
        return f"`subnetlab wallet new {session.keys.wallet} --hotkey OTHER` adds one"
    return ""


def _subnet(check: str, session: ChainSession, chain: Chain, netuid: int) -> str:
    """Return the fix for a rule of a subnet, or of a neuron on it."""
    rules, wallet = chain.hyperparameters(netuid), session.keys.wallet
    neuron = f"{wallet} --netuid {netuid} --hotkey {session.keys.hotkey}"
    weights = f"`subnetlab weights {'commit' if rules.commit_reveal else 'set'} {neuron} UID=WEIGHT ...`"
    run = f"`subnetlab chain run --epochs 1 --netuid {netuid}`"
    uids = f"`subnetlab metagraph {netuid}` lists the uids"
    match check:
        case "registered" if session.keys.hotkey_address() in chain.subnet(netuid).uids:
            return f"`subnetlab wallet new {wallet} --hotkey OTHER` makes a hotkey that may register"
        case "registered" | "hotkey":
            return f"`subnetlab register {neuron}`"
        case "owner":
            return _owner(session, chain.subnet(netuid).owner)
        case "take":
            return f"`subnetlab stake take {wallet} 9` keeps 9 percent"
        case "permit":
            return run if _staked(session, chain) else f"{_stake(session, chain, 100 * TAO)}, then {run}"
        case "stake":
            return _stake(session, chain, rules.stake_threshold_rao)
        case "too_early":
            return run
        case "commit" | "commit_reveal":
            return weights
        case "commits":
            return f"`subnetlab weights reveal {neuron}`, or {run}"
        case "pow" if rules.registration_rule != "interval":
            return f"`subnetlab subnet hyperparameters {netuid} --wallet OWNER --set registration_rule=interval`"
        case "version":
            return f"`--version {rules.weights_version}`"
        case "uid" | "too_few":
            return uids
        case "weight_limit":
            return f"spread the weight over more miners: {uids}"
        case "hyperparameter":
            return f"`subnetlab subnet hyperparameters {netuid}` shows the rules"
    return ""


def _staked(session: ChainSession, chain: Chain) -> int:
    """Return the stake on the hotkey that the command named, in rao."""
    return chain.stake(session.keys.hotkey_address())


def _stake(session: ChainSession, chain: Chain, target_rao: int) -> str:
    """Return the command that raises the hotkey's stake to this much."""
    missing = -(-max(target_rao - _staked(session, chain), 0) // TAO)
    return f"`subnetlab stake add {session.keys.wallet} {missing} --hotkey {session.keys.hotkey}`"


def _owner(session: ChainSession, coldkey: str) -> str:
    """Name the wallet that holds the subnet owner's coldkey."""
    owner = next((entry.name for entry in session.keys.folder.entries() if entry.coldkey == coldkey), None)
    return "its key is in none of the wallets here" if owner is None else f"`--wallet {owner}`"


def _shortage(error: Shortage, session: ChainSession, chain: Chain) -> str:
    wallet = session.keys.wallet
    if error.check == "stake":
        add, remove = ("--to", "--from") if session.delegate else ("--hotkey", "--hotkey")
        hotkey = session.delegate or session.keys.hotkey
        if not error.have_rao:
            return f"`subnetlab stake add {wallet} AMOUNT {add} {hotkey}`"
        return f"`subnetlab stake remove {wallet} {Decimal(error.have_rao) / TAO:f} {remove} {hotkey}`"
    if not chain.genesis.development:
        return ""
    times = -(-(error.need_rao - error.have_rao) // chain.genesis.faucet_rao)
    if times > MAX_PAYOUTS:
        limit = tao(MAX_PAYOUTS * chain.genesis.faucet_rao)
        return f"the faucet can't make up for that: it gives at most {limit}"
    return f"`subnetlab faucet {wallet} --times {times}`"
