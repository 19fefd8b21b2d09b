"""Registration: the burn price, the difficulty, and which neuron a full subnet replaces.

There are two rules. "decay" (since 2026): burn only; each registration raises the price by a factor, every block lowers
it. "interval" (2023 to 2026): burn or proof of work; both prices are adjusted together once per interval.
"""

from decimal import Decimal, localcontext
from functools import lru_cache

from consensus.amounts import TAO
from consensus.chain.calls import BurnedRegister, PowRegister
from consensus.chain.chain_state import ChainState
from consensus.chain.subnet import Subnet
from consensus.errors import CallRefused

FIRST_BURN_RAO = TAO
"""Price of the first registration on a new subnet, within its limits."""
POW_MAX_AGE = 3
"""Blocks for which a proof of work stays valid."""
INTERVAL_FACTOR = 3
"""An interval accepts up to this many times its target."""
NEVER = 2**63


def start_price(subnet: Subnet, block: int, price_rao: int = FIRST_BURN_RAO) -> None:
    """Set the price, and clamp price and difficulty to the subnet's limits."""
    rules = subnet.hyperparameters
    subnet.burn_rao = min(max(price_rao, rules.min_burn_rao), rules.max_burn_rao)
    subnet.burn_block = block
    subnet.difficulty = min(max(subnet.difficulty, rules.min_difficulty), rules.max_difficulty)


def burn_price(subnet: Subnet, block: int) -> int:
    """Return the rao that a registration burns in this block."""
    rules = subnet.hyperparameters
    price = subnet.burn_rao
    if rules.registration_rule == "decay":
        factor = decay_factor(rules.burn_half_life)
        for _ in range(block - subnet.burn_block):
            if price <= rules.min_burn_rao:
                break
            price = price * factor >> 32
    return min(max(price, rules.min_burn_rao), rules.max_burn_rao)


@lru_cache
def decay_factor(half_life: int) -> int:
    """Return the largest f in Q32 with f^half_life <= 1/2: the part of the burn price left after one block."""
    if half_life == 1:
        return 2**31  # the only factor that is a whole number, so only it could be rounded the wrong way
    with localcontext(prec=60):
        return int((Decimal(2).ln() * (32 - 1 / Decimal(half_life))).exp())


def burned_register(state: ChainState, signer: str, call: BurnedRegister) -> int:
    """Burn the price, assign a uid and return it."""
    subnet = state.subnet(call.netuid)
    replaced = _admit(state, subnet, signer, call.hotkey)
    price = burn_price(subnet, state.block)
    state.ledger.debit(signer, price, f"registration on subnet {call.netuid} burns")
    state.ledger.recycle(price)
    rules = subnet.hyperparameters
    if rules.registration_rule == "decay":
        next_price = price * rules.burn_increase_milli // 1000
        subnet.burn_rao = min(max(next_price, rules.min_burn_rao), rules.max_burn_rao)
        subnet.burn_block = state.block
    subnet.burns_this_interval += 1
    return _enter(state, subnet, signer, call.hotkey, replaced)


def pow_register(state: ChainState, signer: str, call: PowRegister) -> int:
    """Check the work, assign a uid and return it."""
    from consensus.chain.pow import meets, seal  # keccak: 40 ms that no other call needs

    subnet = state.subnet(call.netuid)
    if subnet.hyperparameters.registration_rule != "interval":
        raise CallRefused(
            "pow", f"subnet {call.netuid} registers by burn alone; proof of work needs registration_rule=interval"
        )
    replaced = _admit(state, subnet, signer, call.hotkey)
    block_hash = state.block_hashes.get(call.block) if type(call.block) is int else None
    if block_hash is None or state.block - call.block > POW_MAX_AGE:
        oldest = max(0, state.block - POW_MAX_AGE)
        raise CallRefused("pow", f"work on block {call.block!r} is stale; allowed: {oldest} to {state.block}")
    if type(call.work_nonce) is not int or not 0 <= call.work_nonce < 2**64:
        raise CallRefused("pow", f"work nonce {call.work_nonce!r} is not a 64-bit number")
    order = subnet.hyperparameters.pow_byte_order
    if not meets(seal(block_hash, call.hotkey, call.work_nonce), subnet.difficulty, order):
        raise CallRefused("pow", f"the seal doesn't meet difficulty {subnet.difficulty:,}")
    subnet.pows_this_interval += 1
    return _enter(state, subnet, signer, call.hotkey, replaced)


def next_adjustment(subnet: Subnet) -> int:
    """Return the block that adjusts both prices; under the decay rule, one that never comes."""
    rules = subnet.hyperparameters
    return subnet.adjusted_at + rules.adjustment_interval if rules.registration_rule == "interval" else NEVER


def adjust(subnet: Subnet, block: int) -> None:
    """End an interval: move the burn price and the difficulty towards the target number of registrations."""
    rules = subnet.hyperparameters
    burns, pows, target = subnet.burns_this_interval, subnet.pows_this_interval, rules.registrations_per_interval
    too_many = burns + pows > target
    if burns == pows or (burns > pows) == too_many:
        raw = _towards(subnet.burn_rao, burns + pows, target, rules.adjustment_alpha)
        subnet.burn_rao = min(max(raw, rules.min_burn_rao), rules.max_burn_rao)
    if burns == pows or (pows > burns) == too_many:
        raw = _towards(subnet.difficulty, burns + pows, target, rules.adjustment_alpha)
        subnet.difficulty = min(max(raw, rules.min_difficulty), rules.max_difficulty)
    subnet.burn_block = subnet.adjusted_at = block
    subnet.burns_this_interval = subnet.pows_this_interval = 0
    subnet.touch()


def uid_to_prune(subnet: Subnet, block: int) -> int | None:
    """Choose the uid that a new neuron takes over: lowest emission, then the oldest, then the lowest uid.

    Immune neurons are pruned only if `min_non_immune_uids` or fewer others are left, the owner's hotkey never.
    """
    rules = subnet.hyperparameters
    order = [uid for uid in range(subnet.size) if uid != subnet.owner_uid]
    order.sort(key=lambda uid: (subnet.emission[uid], subnet.registered_at[uid], uid))
    immune = [uid for uid in order if block - subnet.registered_at[uid] < rules.immunity_period]
    protected = set(immune)
    others = [uid for uid in order if uid not in protected]
    candidates = others if len(others) > rules.min_non_immune_uids else immune
    return next(iter(candidates or others), None)


def _towards(value: int, registrations: int, target: int, alpha: int) -> int:
    goal = value * (registrations + target) // (2 * target)
    return (alpha * value + (2**64 - alpha) * goal) >> 64


def _admit(state: ChainState, subnet: Subnet, coldkey: str, hotkey: str) -> int | None:
    """Refuse a registration that isn't allowed now; return the uid to replace, None if there is room."""
    rules = subnet.hyperparameters
    state.ledger.check_owner(hotkey, coldkey)
    if hotkey in subnet.uids:
        raise CallRefused("registered", f"hotkey {hotkey} is uid {subnet.uids[hotkey]} of subnet {subnet.netuid}")
    block, count = subnet.registered_in_block
    limit = rules.max_registrations_per_block
    if limit and block == state.block and count >= limit:
        raise CallRefused(
            "registrations_per_block",
            f"block {block} has its {limit} registration(s); the next block takes more",
            wait_blocks=1,
        )
    if rules.registration_rule == "interval":
        limit = INTERVAL_FACTOR * rules.registrations_per_interval
        if subnet.burns_this_interval + subnet.pows_this_interval >= limit:
            raise CallRefused(
                "registrations_per_interval",
                f"this interval has its {limit} registrations; the next one starts at block {next_adjustment(subnet)}",
                wait_blocks=next_adjustment(subnet) - state.block,
            )
    if subnet.size < rules.max_allowed_uids:
        return None
    uid = uid_to_prune(subnet, state.block)
    if uid is None:
        raise CallRefused("full", f"subnet {subnet.netuid} is full and its only neuron can't be replaced")
    return uid


def _enter(state: ChainState, subnet: Subnet, coldkey: str, hotkey: str, replaced: int | None) -> int:
    state.ledger.own(hotkey, coldkey)
    block, count = subnet.registered_in_block
    subnet.registered_in_block = (state.block, count + 1 if block == state.block else 1)
    if replaced is None:
        return subnet.append(hotkey, state.block)
    subnet.replace(replaced, hotkey, state.block)
    return replaced
