"""Whatever is called in whatever order: money is conserved to the rao, and a refusal changes nothing."""

import copy
from typing import Any, get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consensus import TAO, CallRefused, Chain, throwaway_key
from consensus.chain.calls import (
    AddStake,
    BurnedRegister,
    Call,
    CommitWeights,
    CreateSubnet,
    Faucet,
    RemoveStake,
    SetHyperparameters,
    SetTake,
    SetWeights,
    Transfer,
)
from consensus.yuma.params import Version

COLDKEYS = [throwaway_key(5, f"cold-{number}") for number in range(3)]
HOTKEYS = [throwaway_key(5, f"hot-{number}") for number in range(5)]
ADDRESSES = st.sampled_from([key.ss58_address for key in COLDKEYS])
HOT = st.sampled_from([key.ss58_address for key in HOTKEYS])
NETUIDS = st.integers(1, 3)
AMOUNTS = st.one_of(st.integers(-1, 3), st.integers(1, 500 * TAO), st.sampled_from([2**62, 2**63 - 1, 2**64]))
RULES = st.fixed_dictionaries(
    {},
    optional={
        "tempo": st.integers(1, 5), "owner_cut": st.sampled_from([0, 11796, 65535]), "kappa": st.integers(0, 65535),
        "yuma_version": st.sampled_from(get_args(Version)), "max_allowed_uids": st.integers(1, 4),
        "immunity_period": st.integers(0, 20), "commit_reveal": st.booleans(), "liquid_alpha": st.booleans(),
        "registration_rule": st.sampled_from(["decay", "interval"]), "recycle_owner_incentive": st.booleans(),
        "stake_threshold_rao": st.sampled_from([0, TAO]), "max_allowed_validators": st.integers(1, 5),
    },
)  # fmt: skip
OPEN = {"weights_set_rate_limit": 0, "max_registrations_per_block": 0, "commit_reveal": False, "tempo": 3}
UIDS = st.lists(st.integers(-1, 5), max_size=5)
MONEY: st.SearchStrategy[Call] = st.one_of(
    st.builds(Transfer, ADDRESSES, AMOUNTS),
    st.builds(Faucet, AMOUNTS),
    st.builds(CreateSubnet, st.one_of(st.none(), HOT), RULES.map(lambda rules: OPEN | rules)),
    st.builds(SetHyperparameters, NETUIDS, RULES),
    st.builds(BurnedRegister, NETUIDS, HOT),
    st.builds(AddStake, HOT, AMOUNTS),
    st.builds(RemoveStake, HOT, AMOUNTS),
    st.builds(SetTake, HOT, st.integers(-1, 12000)),
)
ROWS: st.SearchStrategy[Call] = st.one_of(
    UIDS.flatmap(
        lambda uids: st.builds(
            SetWeights, NETUIDS, st.just(tuple(uids)), st.tuples(*[st.integers(0, 65535)] * len(uids))
        )
    ),
    st.builds(CommitWeights, NETUIDS, st.just("0" * 64)),
)
ACTIONS = st.one_of(
    st.tuples(st.sampled_from(COLDKEYS), MONEY),
    st.tuples(st.sampled_from(HOTKEYS), ROWS),
    st.integers(1, 12),
)


def everything(chain: Chain) -> Any:
    """All of the state, but for the marks of what is to be saved."""
    state = chain._state
    subnets = copy.deepcopy(state.subnets)
    for subnet in subnets.values():
        subnet.changed, subnet.changed_uids = False, set()
    ledger = state.ledger
    stakes = {hotkey: dict(held) for hotkey, held in ledger.stakes.items() if held}
    owned = dict(ledger.balances), dict(ledger.nonces), dict(ledger.owners), dict(ledger.takes), stakes
    money = ledger.issuance_rao, ledger.recycled_rao, state.last_lock_rao, state.last_lock_block
    return repr((state.block, owned, dict(ledger.totals), money, subnets))


def check_money(chain: Chain, minted: int) -> None:
    supply = chain.supply()
    parts = sum(supply[name] for name in ("balances", "stake", "locked", "pending"))
    assert parts == supply["issuance"] <= 2**63 - 1
    assert supply["issuance"] + supply["recycled"] == minted
    ledger = chain._state.ledger
    assert min([0, *ledger.balances.values(), *ledger.totals.values()]) == 0
    assert all(sum(held.values()) == ledger.totals.get(hotkey, 0) for hotkey, held in ledger.stakes.items())
    assert all(amount > 0 for held in ledger.stakes.values() for amount in held.values())


@settings(max_examples=120, suppress_health_check=list(HealthCheck))
@given(st.lists(ACTIONS, max_size=25), st.sampled_from(["stake", "balance"]))
def test_money_is_conserved_at_every_block_and_a_refusal_changes_nothing(actions: list[Any], pay_to: str) -> None:
    endowment = {key.ss58_address: 1000 * TAO for key in COLDKEYS}
    chain = Chain.development(balances=endowment, pay_to=pay_to, min_lock_rao=TAO)
    minted = 3000 * TAO
    start = [CreateSubnet(None, OPEN), *(BurnedRegister(1, key.ss58_address) for key in HOTKEYS[:3])]
    start += [AddStake(key.ss58_address, 50 * TAO) for key in HOTKEYS[:2]]
    for call in start:
        chain.call(COLDKEYS[0], call)
    for action in actions:
        if isinstance(action, int):
            for _ in range(action):
                shares = chain.genesis.emission_per_block_rao // max(1, len(chain.netuids)) * len(chain.netuids)
                room = (2**63 - 1 - chain.issuance_rao) // max(1, len(chain.netuids)) * len(chain.netuids)
                epochs = chain.step()
                minted += min(shares, room)
                check_money(chain, minted)
                for epoch in epochs:
                    assert sum(pay.amount_rao for pay in epoch.payouts) + epoch.recycled_rao == epoch.emission_rao
                    assert epoch.recycled_rao >= 0 and all(pay.amount_rao > 0 for pay in epoch.payouts)
            continue
        key, call = action
        before = everything(chain)
        try:
            chain.call(key, call)
        except CallRefused:
            assert everything(chain) == before
        else:
            minted += (call.amount_rao or 0) if isinstance(call, Faucet) else 0
        check_money(chain, minted)
